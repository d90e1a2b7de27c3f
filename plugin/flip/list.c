#include "flip/list.h"

#include "util/json.h"

static bool named(struct f2m_slice object, const char *name, struct f2m_slice *array)
{
    struct f2m_slice member = f2m_json_member(object, name);
    if (f2m_json_type(member) != F2M_JSON_ARRAY)
        return false;
    *array = member;
    return true;
}

static bool only_array(struct f2m_slice object, struct f2m_slice *array)
{
    struct f2m_slice name, value;
    size_t found = 0;
    for (struct f2m_json_iter it = f2m_json_iter(object); f2m_json_next(&it, &name, &value);)
        if (f2m_json_type(value) == F2M_JSON_ARRAY) {
            *array = value;
            found++;
        }
    return found == 1;
}

bool f2m_list_find(struct f2m_slice body, const char *collection, struct f2m_slice *array)
{
    enum f2m_json_type type = f2m_json_type(body);
    if (type == F2M_JSON_ARRAY) {
        *array = body;
        return true;
    }
    if (type != F2M_JSON_OBJECT)
        return false;
    if (collection && named(body, collection, array))
        return true;
    if (named(body, "data", array) || named(body, "items", array))
        return true;
    return !collection && only_array(body, array);
}
