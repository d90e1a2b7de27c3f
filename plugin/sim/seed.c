#include "sim/seed.h"

#include "sim/commands.h"
#include "sim/events.h"
#include "sim/programs.h"
#include "sim/sim.h"
#include "sim/sites.h"
#include "util/cleanup.h"

#include <errno.h>

typedef void (*add_one)(struct sim *, const cJSON *item, const struct sim_loc *, cJSON *detail);

static void add_site(struct sim *sim, const cJSON *item, const struct sim_loc *loc, cJSON *detail)
{
    if (sim_validate(item, sim_site_fields, loc, detail) && !sim_site_put(sim, item))
        sim_invalid(detail, loc, "value_error", "too many sites");
}

static void add_device(struct sim *sim, const cJSON *item, const struct sim_loc *loc, cJSON *detail)
{
    if (!sim_validate(item, sim_device_fields, loc, detail))
        return;
    const char *site_id = sim_json_string(item, "site_id");
    if (!sim_find(&sim->state.sites, site_id))
        sim_invalid(detail, loc, "value_error", "its site is not among the sites");
    else if (!sim_device_put(sim, item, site_id))
        sim_invalid(detail, loc, "value_error", "a device of that id exists");
}

static void add_program(struct sim *sim, const cJSON *item, const struct sim_loc *loc, cJSON *detail)
{
    sim_program_check(item, loc, detail);
    if (cJSON_GetArraySize(detail) == 0 && !sim_program_put(sim, item))
        sim_invalid(detail, loc, "value_error", "a program of that id exists");
}

static void add_event(struct sim *sim, const cJSON *item, const struct sim_loc *loc, cJSON *detail)
{
    sim_event_add(sim, item, loc, detail);
}

static void add_command(struct sim *sim, const cJSON *item, const struct sim_loc *loc, cJSON *detail)
{
    sim_command_add(sim, item, loc, detail);
}

/* In the order in which they need each other. */
static const struct {
    const char *name;
    add_one add;
} sections[] = {
    {"programs", add_program}, {"sites", add_site},       {"devices", add_device},
    {"events", add_event},     {"commands", add_command},
};

static void describe(const cJSON *detail, struct f2m_err *err)
{
    f2m_autostrbuf where;
    f2m_strbuf_init(&where, 0);
    const cJSON *first = detail->child, *part;
    cJSON_ArrayForEach(part, sim_json_get(first, "loc"))
    {
        if (cJSON_IsString(part))
            f2m_strbuf_addf(&where, "/%s", part->valuestring);
        else
            f2m_strbuf_addf(&where, "/%d", part->valueint);
    }
    f2m_err_set(err, "%s: %s", where.data, sim_json_string(first, "msg"));
}

static const struct sim_field seed_fields[] = {
    {.name = "sites", .kind = SIM_ARRAY},    {.name = "devices", .kind = SIM_ARRAY},
    {.name = "programs", .kind = SIM_ARRAY}, {.name = "events", .kind = SIM_ARRAY},
    {.name = "commands", .kind = SIM_ARRAY}, {0},
};

int sim_seed_load(struct sim *sim, const cJSON *seed, struct f2m_err *err)
{
    sim_autojson *detail = cJSON_CreateArray();
    sim_validate(seed, seed_fields, NULL, detail);
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        const struct sim_loc list = {NULL, sections[i].name, 0};
        struct sim_loc here = {&list, NULL, 0};
        const cJSON *item;
        cJSON_ArrayForEach(item, sim_json_get(seed, sections[i].name))
        {
            if (!detail->child)
                sections[i].add(sim, item, &here, detail);
            here.index++;
        }
    }
    sim->tick_at_ms = 0;
    if (!detail->child)
        return 0;
    describe(detail, err);
    return -EINVAL;
}

int sim_seed_file(struct sim *sim, const char *path, struct f2m_err *err)
{
    f2m_autofclose FILE *file = fopen(path, "re");
    if (!file) {
        f2m_err_set(err, "%s: %s", path, strerror(errno));
        return -EINVAL;
    }
    f2m_autostrbuf text;
    f2m_strbuf_init(&text, SIM_MAX_SEED_BYTES);
    char chunk[4096];
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, file)) > 0;)
        f2m_strbuf_add(&text, chunk, n);
    size_t error_at = 0;
    sim_autojson *json = ferror(file) || text.overflow ? NULL : sim_json_parse(text.data, text.len, &error_at);
    if (!json) {
        f2m_err_set(err, "%s: no JSON, or too large: error at byte %zu", path, error_at);
        return -EINVAL;
    }
    int rc = sim_seed_load(sim, json, err);
    if (rc < 0)
        f2m_err_wrap(err, "%s", path);
    return rc;
}
