#include "world.h"

#include "../presets/case.h"
#include "util/json.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

void world_open(struct world *w)
{
    struct f2m_findings findings;
    f2m_autostrbuf said;

    f2m_strbuf_init(&said, 0);
    *w = (struct world){.recognise = f2m_recognise_load(NULL, &findings)};
    f2m_findings_print(&findings, &said);
    f2m_findings_free(&findings);
    ck_assert_msg(said.len == 0, "%s", said.data);
    w->survey = f2m_survey_new(w->recognise, "flip2mqtt");
}

void world_close(struct world *w)
{
    f2m_survey_free(w->survey);
    f2m_recognise_free(w->recognise);
}

static void on_found(void *ctx, const struct f2m_learn_system *system)
{
    ck_assert(f2m_learn_complete(system));
    ((struct world *)ctx)->found++;
}

void world_publish(struct world *w, const char *topic, const char *payload)
{
    struct f2m_mqtt_message m = {.topic = f2m_slice_of(topic), .payload = f2m_slice_of(payload)};

    f2m_survey_message(w->survey, &m, on_found, w);
}

void world_replay(struct world *w, const char *folder, const char *name)
{
    f2m_autostrbuf lines, topic, payload;

    f2m_strbuf_init(&lines, 0);
    f2m_strbuf_init(&topic, 0);
    f2m_strbuf_init(&payload, 0);
    ck_assert_msg(case_read(folder, name, ".jsonl", &lines), "cannot read %s", name);
    for (char *line = lines.data, *end; (end = strchr(line, '\n')); line = end + 1) {
        struct f2m_slice text = {line, (size_t)(end - line)};
        struct f2m_err err;
        f2m_strbuf_reset(&topic);
        f2m_strbuf_reset(&payload);
        ck_assert_msg(f2m_json_check(text, &err) == 0, "%s", err.text);
        ck_assert(f2m_json_string(f2m_json_member(text, "topic"), &topic));
        ck_assert(f2m_json_string(f2m_json_member(text, "payload"), &payload));
        world_publish(w, topic.data, payload.data);
    }
}

const char *world_presets(struct world *w)
{
    static char names[1000];
    size_t len, used = 0;
    const struct f2m_learn_system **systems = f2m_learn_systems(w->survey, &len);

    names[0] = '\0';
    for (size_t i = 0; i < len; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? " " : "", systems[i]->preset->name);
    free(systems);
    return names;
}

const struct f2m_learn_system *world_system(struct world *w, const char *preset)
{
    const struct f2m_learn_system *found = NULL;
    size_t len;
    const struct f2m_learn_system **systems = f2m_learn_systems(w->survey, &len);

    for (size_t i = 0; i < len; i++)
        if (strcmp(systems[i]->preset->name, preset) == 0)
            found = systems[i];
    free(systems);
    return found;
}

struct f2m_learn_choice world_choice(const struct f2m_learn_system *system, const char *parameter)
{
    ck_assert_ptr_nonnull(system);
    for (size_t i = 0; i < system->preset->parameters_len; i++)
        if (strcmp(system->preset->parameters[i].name, parameter) == 0)
            return f2m_learn_choose(system, (int)i);
    ck_abort_msg("%s has no parameter %s", system->preset->name, parameter);
}
