#include "sim/resource.h"

#include "sim/limits.h"

void sim_state_init(struct sim_state *state)
{
    *state = (struct sim_state){
        .sites.name = "sites",
        .devices.name = "devices",
        .programs.name = "programs",
        .enrollments.name = "enrollments",
        .events.name = "events",
        .commands.name = "commands",
        .settings.name = "settings",
        .supplements = cJSON_CreateArray(),
        .acknowledgements = cJSON_CreateArray(),
    };
}

static void free_resource(struct sim_resource *resource)
{
    free(resource->id);
    free(resource->site_id);
    free(resource->link);
    cJSON_Delete(resource->json);
    cJSON_Delete(resource->extra);
    free(resource);
}

void sim_remove(struct sim_collection *collection, struct sim_resource *resource)
{
    HASH_DEL(collection->by_id, resource);
    free_resource(resource);
}

static void clear(struct sim_collection *collection)
{
    struct sim_resource *resource, *next;
    HASH_ITER(hh, collection->by_id, resource, next)
    {
        sim_remove(collection, resource);
    }
}

void sim_state_deinit(struct sim_state *state)
{
    clear(&state->sites);
    clear(&state->devices);
    clear(&state->programs);
    clear(&state->enrollments);
    clear(&state->events);
    clear(&state->commands);
    clear(&state->settings);
    cJSON_Delete(state->supplements);
    cJSON_Delete(state->acknowledgements);
    state->supplements = state->acknowledgements = NULL;
}

struct sim_resource *sim_find(const struct sim_collection *collection, const char *id)
{
    struct sim_resource *found = NULL;
    if (id)
        HASH_FIND_STR(collection->by_id, id, found);
    return found;
}

size_t sim_count(const struct sim_collection *collection)
{
    return HASH_COUNT(collection->by_id);
}

/* The oldest that is over for good makes room, so that a long run does not fill up. */
static bool make_room(struct sim_collection *collection, int64_t wall_ms)
{
    if (sim_count(collection) < SIM_MAX_RESOURCES)
        return true;
    SIM_FOREACH(old, collection)
    {
        if (old->starts_ms && old->ends_ms < wall_ms) {
            sim_remove(collection, old);
            return true;
        }
    }
    return false;
}

struct sim_resource *sim_put(struct sim_collection *collection, cJSON *json, const char *site_id, int64_t wall_ms)
{
    const char *id = sim_json_string(json, "id");
    if (!id || sim_find(collection, id) || !make_room(collection, wall_ms)) {
        cJSON_Delete(json);
        return NULL;
    }
    struct sim_resource *resource = f2m_xcalloc(1, sizeof *resource);
    resource->id = f2m_xstrdup(id);
    resource->site_id = site_id ? f2m_xstrdup(site_id) : NULL;
    resource->json = json;
    resource->ends_ms = resource->due_ms = SIM_NEVER;
    resource->updated_ms = wall_ms;
    sim_json_set_time(json, "created_at", wall_ms);
    sim_json_set_time(json, "updated_at", wall_ms);
    HASH_ADD_KEYPTR(hh, collection->by_id, resource->id, strlen(resource->id), resource);
    return resource;
}

void sim_touch(struct sim_resource *resource, int64_t wall_ms)
{
    resource->updated_ms = wall_ms > resource->updated_ms ? wall_ms : resource->updated_ms + 1;
    sim_json_set_time(resource->json, "updated_at", resource->updated_ms);
}

cJSON *sim_list(const struct sim_collection *collection, const char *site_id)
{
    cJSON *list = cJSON_CreateArray();
    SIM_FOREACH(resource, collection)
    {
        if (!site_id || (resource->site_id && strcmp(resource->site_id, site_id) == 0))
            cJSON_AddItemToArray(list, cJSON_Duplicate(resource->json, true));
    }
    return list;
}

void sim_bound_array(cJSON *array, int max)
{
    for (int extra = cJSON_GetArraySize(array) - max; extra > 0; extra--)
        cJSON_DeleteItemFromArray(array, 0);
}
