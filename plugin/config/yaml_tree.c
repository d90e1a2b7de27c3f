#include "config/yaml_tree.h"

#include "util/xalloc.h"

#include <stdlib.h>
#include <string.h>

/* Merging compares every key with every other: more than people write by hand is refused. */
#define MERGE_KEYS 64
#define MERGE_MAPS 8

struct f2m_yaml *f2m_yaml_scalar(struct f2m_arena *arena, struct f2m_place at, const char *text)
{
    struct f2m_yaml *node = f2m_arena_alloc(arena, sizeof *node);

    *node = (struct f2m_yaml){.type = F2M_YAML_SCALAR, .at = at, .text = text, .weight = 1, .height = 1};
    return node;
}

struct f2m_yaml *f2m_yaml_collection(struct f2m_arena *arena, enum f2m_yaml_type type, struct f2m_place at)
{
    struct f2m_yaml *node = f2m_arena_alloc(arena, sizeof *node);

    *node = (struct f2m_yaml){.type = type, .at = at, .text = "", .weight = 1, .height = 1};
    return node;
}

void f2m_yaml_add(struct f2m_arena *arena, struct f2m_yaml *to, const char *key, struct f2m_place key_at,
                  struct f2m_yaml *value)
{
    if (to->len == to->cap) {
        size_t cap = to->cap ? to->cap * 2 : 4;
        struct f2m_yaml_item *grown = f2m_arena_alloc(arena, cap * sizeof *grown);
        if (to->len)
            memcpy(grown, to->items, to->len * sizeof *grown);
        to->items = grown;
        to->cap = cap;
    }
    to->items[to->len++] = (struct f2m_yaml_item){key, key_at, value};
    uint64_t weight = (uint64_t)to->weight + value->weight;
    to->weight = weight > UINT32_MAX ? UINT32_MAX : (uint32_t)weight;
    if (to->height <= value->height && value->height < UINT16_MAX)
        to->height = (uint16_t)(value->height + 1);
}

struct f2m_yaml_item *f2m_yaml_item(const struct f2m_yaml *map, const char *key)
{
    if (!map || map->type != F2M_YAML_MAP)
        return NULL;
    for (size_t i = 0; i < map->len; i++)
        if (strcmp(map->items[i].key, key) == 0)
            return &map->items[i];
    return NULL;
}

struct f2m_yaml *f2m_yaml_get(const struct f2m_yaml *map, const char *key)
{
    struct f2m_yaml_item *item = f2m_yaml_item(map, key);

    return item ? item->value : NULL;
}

struct f2m_yaml_item *f2m_yaml_given(const struct f2m_yaml *map, const char *key)
{
    struct f2m_yaml_item *item = f2m_yaml_item(map, key);

    return item && !f2m_yaml_is_null(item->value) ? item : NULL;
}

const char *f2m_yaml_text(const struct f2m_yaml *map, const char *key)
{
    const struct f2m_yaml *node = f2m_yaml_get(map, key);

    return node && node->type == F2M_YAML_SCALAR ? node->text : NULL;
}

bool f2m_yaml_is_null(const struct f2m_yaml *node)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};

    if (node->type != F2M_YAML_SCALAR || !node->plain || node->tag)
        return false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(node->text, words[i]) == 0)
            return true;
    return false;
}

const char *f2m_yaml_describe(const struct f2m_yaml *node)
{
    switch (node->type) {
    case F2M_YAML_MAP: return node->len ? "a mapping" : "an empty mapping";
    case F2M_YAML_LIST: return node->len ? "a list" : "an empty list";
    case F2M_YAML_SCALAR: break;
    }
    return f2m_yaml_is_null(node) ? "nothing" : "a text";
}

struct indexed {
    const struct f2m_yaml_item *item;
    size_t place;
};

static int by_key(const void *a, const void *b)
{
    const struct indexed *x = a, *y = b;
    int order = strcmp(x->item->key, y->item->key);

    return order ? order : (x->place > y->place) - (x->place < y->place);
}

/* Sorted, so that a map of many thousand keys costs no more than it should. */
void f2m_yaml_check_duplicates(struct f2m_report *report, struct f2m_yaml *map)
{
    size_t kept = 0;

    if (map->len < 2)
        return;
    struct indexed *sorted = f2m_xcalloc(map->len, sizeof *sorted);
    bool *again = f2m_xcalloc(map->len, sizeof *again);
    for (size_t i = 0; i < map->len; i++)
        sorted[i] = (struct indexed){&map->items[i], i};
    qsort(sorted, map->len, sizeof *sorted, by_key);
    for (size_t i = 1, first = 0; i < map->len; i++) {
        if (strcmp(sorted[first].item->key, sorted[i].item->key) != 0) {
            first = i;
            continue;
        }
        again[sorted[i].place] = true;
        f2m_report_error(report, sorted[i].item->key_at,
                         "duplicate key '%.200s', expected it once: it stands at line %d, column %d already",
                         sorted[i].item->key, sorted[first].item->key_at.line, sorted[first].item->key_at.col);
    }
    for (size_t i = 0; i < map->len; i++)
        if (!again[i])
            map->items[kept++] = map->items[i];
    map->len = kept;
    free(again);
    free(sorted);
}

static void merge_from(struct f2m_arena *arena, struct f2m_report *report, struct f2m_yaml *map,
                       const struct f2m_yaml *from)
{
    if (from->type != F2M_YAML_MAP) {
        f2m_report_error(report, from->at, "'<<' expects a mapping or a list of mappings to merge, found %s",
                         f2m_yaml_describe(from));
        return;
    }
    if (map->len > MERGE_KEYS || from->len > MERGE_KEYS) {
        f2m_report_error(report, from->at, "'<<' expects mappings of at most %d keys, found %zu", MERGE_KEYS,
                         map->len > from->len ? map->len : from->len);
        return;
    }
    for (size_t i = 0; i < from->len; i++)
        if (!f2m_yaml_item(map, from->items[i].key))
            f2m_yaml_add(arena, map, from->items[i].key, from->items[i].key_at, from->items[i].value);
}

void f2m_yaml_merge_keys(struct f2m_arena *arena, struct f2m_report *report, struct f2m_yaml *map)
{
    struct f2m_yaml_item *found = f2m_yaml_item(map, "<<");
    if (!found)
        return;
    struct f2m_yaml *from = found->value;
    size_t place = (size_t)(found - map->items);

    memmove(found, found + 1, (map->len - place - 1) * sizeof *found);
    map->len--;
    if (from->type != F2M_YAML_LIST) {
        merge_from(arena, report, map, from);
        return;
    }
    if (from->len > MERGE_MAPS)
        f2m_report_error(report, from->at, "'<<' expects at most %d mappings, found %zu", MERGE_MAPS, from->len);
    for (size_t i = 0; i < from->len && i < MERGE_MAPS; i++)
        merge_from(arena, report, map, from->items[i].value);
}
