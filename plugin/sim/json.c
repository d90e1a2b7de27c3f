#include "sim/json.h"

#include "util/rfc3339.h"

const cJSON *sim_json_get(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

const char *sim_json_string(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(sim_json_get(object, name));
}

bool sim_json_number(const cJSON *object, const char *name, double *out)
{
    const cJSON *member = sim_json_get(object, name);
    if (!cJSON_IsNumber(member))
        return false;
    *out = member->valuedouble;
    return true;
}

bool sim_json_bool(const cJSON *object, const char *name, bool otherwise)
{
    const cJSON *member = sim_json_get(object, name);
    return cJSON_IsBool(member) ? cJSON_IsTrue(member) : otherwise;
}

bool sim_json_time(const cJSON *object, const char *name, int64_t *wall_ms)
{
    const char *text = sim_json_string(object, name);
    return text && f2m_rfc3339_parse(f2m_slice_of(text), wall_ms);
}

void sim_json_set(cJSON *object, const char *name, cJSON *value)
{
    bool taken = sim_json_get(object, name) ? cJSON_ReplaceItemInObjectCaseSensitive(object, name, value)
                                            : cJSON_AddItemToObject(object, name, value);
    if (!taken) /* "extra" may have put something else in the place of an object */
        cJSON_Delete(value);
}

void sim_json_set_string(cJSON *object, const char *name, const char *value)
{
    sim_json_set(object, name, value ? cJSON_CreateString(value) : cJSON_CreateNull());
}

void sim_json_set_bool(cJSON *object, const char *name, bool value)
{
    sim_json_set(object, name, cJSON_CreateBool(value));
}

void sim_json_set_number(cJSON *object, const char *name, double value)
{
    sim_json_set(object, name, cJSON_CreateNumber(value));
}

void sim_json_set_time(cJSON *object, const char *name, int64_t wall_ms)
{
    char text[F2M_RFC3339_SIZE];
    sim_json_set_string(object, name, wall_ms == INT64_MAX ? NULL : f2m_rfc3339_format(wall_ms, text));
}

void sim_json_copy(cJSON *to, const cJSON *from, const char *name)
{
    const cJSON *member = sim_json_get(from, name);
    sim_json_set(to, name, member ? cJSON_Duplicate(member, true) : cJSON_CreateNull());
}

void sim_json_merge(cJSON *to, const cJSON *from)
{
    const cJSON *member;
    cJSON_ArrayForEach(member, from)
    {
        sim_json_set(to, member->string, cJSON_Duplicate(member, true));
    }
}

bool sim_json_array_has(const cJSON *array, const char *text)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, array)
    {
        if (cJSON_IsString(item) && strcmp(item->valuestring, text) == 0)
            return true;
    }
    return false;
}

cJSON *sim_json_parse(const char *text, size_t len, size_t *error_at)
{
    const char *end = text;
    cJSON *json = cJSON_ParseWithLengthOpts(text, len, &end, false);
    size_t at = (size_t)(end - text);
    while (json && at < len && (text[at] == ' ' || text[at] == '\t' || text[at] == '\r' || text[at] == '\n'))
        at++;
    *error_at = at;
    if (!json || at == len)
        return json;
    cJSON_Delete(json);
    return NULL;
}
