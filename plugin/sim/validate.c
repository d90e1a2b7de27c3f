#include "sim/validate.h"

#include "util/cleanup.h"
#include "util/number.h"
#include "util/rfc3339.h"

#include <math.h>

const char *const sim_modes[] = {"BACKUP", "CHARGE", "DISCHARGE", "SAVINGS", "SELF_CONSUMPTION", "STANDBY", NULL};
const char *const sim_device_types[] = {"BATTERY", "EV_CHARGER", NULL};

static void add_loc(cJSON *list, const struct sim_loc *loc)
{
    if (!loc)
        return;
    add_loc(list, loc->up);
    cJSON_AddItemToArray(list, loc->name ? cJSON_CreateString(loc->name) : cJSON_CreateNumber(loc->index));
}

static void add_error(cJSON *detail, const struct sim_loc *loc, const char *type, const char *text)
{
    cJSON *error = cJSON_CreateObject();
    add_loc(cJSON_AddArrayToObject(error, "loc"), loc);
    cJSON_AddStringToObject(error, "msg", text);
    cJSON_AddStringToObject(error, "type", type);
    cJSON_AddItemToArray(detail, error);
}

void sim_invalid(cJSON *detail, const struct sim_loc *loc, const char *type, const char *fmt, ...)
{
    f2m_autostrbuf text;
    f2m_strbuf_init(&text, 0);
    va_list args;
    va_start(args, fmt);
    f2m_strbuf_vaddf(&text, fmt, args);
    va_end(args);
    add_error(detail, loc, type, text.data);
}

static void invalid_enum(const char *const *values, const struct sim_loc *loc, cJSON *detail)
{
    f2m_autostrbuf text;
    f2m_strbuf_init(&text, 0);
    for (size_t i = 0; values[i]; i++)
        f2m_strbuf_addf(&text, "%s'%s'", i == 0 ? "" : (values[i + 1] ? ", " : " or "), values[i]);
    sim_invalid(detail, loc, "enum", "Input should be %s", text.data);
}

static bool is_one_of(const cJSON *value, const char *const *values)
{
    for (size_t i = 0; cJSON_IsString(value) && values[i]; i++) {
        if (strcmp(values[i], value->valuestring) == 0)
            return true;
    }
    return false;
}

static bool is_time(const cJSON *value, bool date_alone)
{
    int64_t ms;
    if (!cJSON_IsString(value))
        return false;
    struct f2m_slice text = f2m_slice_of(value->valuestring);
    return date_alone ? f2m_rfc3339_parse_date(text, &ms) : f2m_rfc3339_parse(text, &ms);
}

static bool is_integer(const cJSON *value, bool text_too)
{
    int64_t n;
    if (text_too && cJSON_IsString(value))
        return f2m_integer_parse(f2m_slice_of(value->valuestring), INT64_MIN, INT64_MAX, &n);
    return cJSON_IsNumber(value) && isfinite(value->valuedouble) && floor(value->valuedouble) == value->valuedouble;
}

static bool is_strings(const cJSON *value)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, value)
    {
        if (!cJSON_IsString(item))
            return false;
    }
    return cJSON_IsArray(value);
}

static bool is_id(const cJSON *value)
{
    return cJSON_IsString(value) && value->valuestring[0] && strlen(value->valuestring) <= SIM_MAX_ID_BYTES;
}

struct complaint {
    const char *type, *text;
};
static const struct complaint complaints[] = {
    [SIM_STRING] = {"string_type", "Input should be a valid string"},
    [SIM_ID] = {"string_type", "Input should be a valid string of 1 to 256 bytes"},
    [SIM_EMAIL] = {"value_error", "value is not a valid email address"},
    [SIM_BOOL] = {"bool_type", "Input should be a valid boolean"},
    [SIM_INT] = {"int_type", "Input should be a valid integer"},
    [SIM_INT_TEXT] = {"int_parsing", "Input should be a valid integer"},
    [SIM_NUMBER] = {"float_type", "Input should be a valid number"},
    [SIM_TIME] = {"datetime_parsing", "Input should be a valid datetime with a zone"},
    [SIM_DATE] = {"datetime_parsing", "Input should be a valid date or datetime"},
    [SIM_OBJECT] = {"dict_type", "Input should be a valid dictionary"},
    [SIM_ARRAY] = {"list_type", "Input should be a valid list"},
    [SIM_STRINGS] = {"list_type", "Input should be a valid list of strings"},
    [SIM_ANY] = {"value_error", "Input should be a value"},
};

static bool has_kind(const cJSON *value, enum sim_kind kind)
{
    switch (kind) {
    case SIM_STRING: return cJSON_IsString(value);
    case SIM_ID: return is_id(value);
    case SIM_EMAIL: return cJSON_IsString(value) && strchr(value->valuestring, '@') > value->valuestring;
    case SIM_BOOL: return cJSON_IsBool(value);
    case SIM_INT: return is_integer(value, false);
    case SIM_INT_TEXT: return is_integer(value, true);
    case SIM_NUMBER: return cJSON_IsNumber(value) && isfinite(value->valuedouble);
    case SIM_TIME: return is_time(value, false);
    case SIM_DATE: return is_time(value, true);
    case SIM_OBJECT: return cJSON_IsObject(value);
    case SIM_ARRAY: return cJSON_IsArray(value);
    case SIM_STRINGS: return is_strings(value);
    case SIM_ENUM:
    case SIM_ANY: return true;
    }
    return false;
}

bool sim_validate_value(const cJSON *value, const struct sim_field *field, const struct sim_loc *loc, cJSON *detail)
{
    if (cJSON_IsNull(value) && field->nullable)
        return true;
    if (field->kind == SIM_ENUM) {
        if (is_one_of(value, field->values))
            return true;
        invalid_enum(field->values, loc, detail);
        return false;
    }
    if (!has_kind(value, field->kind)) {
        sim_invalid(detail, loc, complaints[field->kind].type, "%s", complaints[field->kind].text);
        return false;
    }
    bool ranged = cJSON_IsNumber(value) && (field->min != 0 || field->max != 0);
    if (ranged && value->valuedouble < field->min) {
        sim_invalid(detail, loc, "greater_than_equal", "Input should be greater than or equal to %g", field->min);
        return false;
    }
    if (ranged && value->valuedouble > field->max) {
        sim_invalid(detail, loc, "less_than_equal", "Input should be less than or equal to %g", field->max);
        return false;
    }
    return true;
}

static const struct sim_field *find_field(const struct sim_field *fields, const char *name)
{
    for (; fields->name; fields++) {
        if (strcmp(fields->name, name) == 0)
            return fields;
    }
    return NULL;
}

bool sim_validate(const cJSON *object, const struct sim_field *fields, const struct sim_loc *loc, cJSON *detail)
{
    int before = cJSON_GetArraySize(detail);
    if (!cJSON_IsObject(object)) {
        sim_invalid(detail, loc, complaints[SIM_OBJECT].type, "%s", complaints[SIM_OBJECT].text);
        return false;
    }
    const cJSON *member;
    cJSON_ArrayForEach(member, object)
    {
        const struct sim_loc here = {loc, member->string, 0};
        const struct sim_field *field = find_field(fields, member->string);
        if (!field)
            sim_invalid(detail, &here, "extra_forbidden", "Extra inputs are not permitted");
        else if (sim_json_get(object, member->string) != member)
            sim_invalid(detail, &here, "value_error", "given twice");
        else
            sim_validate_value(member, field, &here, detail);
    }
    for (const struct sim_field *field = fields; field->name; field++) {
        const struct sim_loc here = {loc, field->name, 0};
        if (field->required && !sim_json_get(object, field->name))
            sim_invalid(detail, &here, "missing", "Field required");
    }
    return cJSON_GetArraySize(detail) == before;
}

bool sim_reply_invalid(struct sim_request *request, cJSON *detail)
{
    if (cJSON_GetArraySize(detail) == 0) {
        cJSON_Delete(detail);
        return false;
    }
    cJSON *json = cJSON_CreateObject();
    cJSON_AddItemToObject(json, "detail", detail);
    sim_reply_json(request, 422, json);
    return true;
}

bool sim_validate_body(struct sim_request *request, const struct sim_field *fields)
{
    const struct sim_loc body = {NULL, "body", 0};
    cJSON *detail = cJSON_CreateArray();
    sim_validate(request->json, fields, &body, detail);
    return !sim_reply_invalid(request, detail);
}

void sim_reply_invalid_one(struct sim_request *request, const char *where, const char *name, const char *type,
                           const char *fmt, ...)
{
    f2m_autostrbuf text;
    f2m_strbuf_init(&text, 0);
    va_list args;
    va_start(args, fmt);
    f2m_strbuf_vaddf(&text, fmt, args);
    va_end(args);
    const struct sim_loc outer = {NULL, where, 0};
    const struct sim_loc inner = {&outer, name, 0};
    cJSON *detail = cJSON_CreateArray();
    add_error(detail, name ? &inner : &outer, type, text.data);
    sim_reply_invalid(request, detail);
}

/* A query parameter that is a whole number; false after answering 422. */
static bool page_parameter(struct sim_request *request, const char *name, int64_t *value)
{
    const char *text = sim_request_query(request, name);
    if (!text || f2m_integer_parse(f2m_slice_of(text), 0, INT32_MAX, value))
        return true;
    sim_reply_invalid_one(request, "query", name, "int_parsing", "Input should be a valid integer of at least 0");
    return false;
}

void sim_reply_page(struct sim_request *request, cJSON *array)
{
    sim_autojson *all = array;
    int64_t skip = 0, limit = 100;
    if (!page_parameter(request, "skip", &skip) || !page_parameter(request, "limit", &limit))
        return;
    cJSON *page = cJSON_CreateArray();
    for (cJSON *item = all->child, *next; item && limit > 0; item = next) {
        next = item->next;
        if (skip-- > 0)
            continue;
        cJSON_AddItemToArray(page, cJSON_DetachItemViaPointer(all, item));
        limit--;
    }
    sim_reply_json(request, 200, page);
}
