/* control.modes: `MODE` or `MODE/POWER_MODE` -> what to publish. */
#include "config/checks.h"
#include "config/print.h"
#include "config/suggest.h"
#include "util/xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const power_modes[] = {"SETPOINT", "FOLLOW_LOAD"};
#define POWER_MODES (sizeof power_modes / sizeof power_modes[0])

/* Flip: Command: a power mode belongs to CHARGE and DISCHARGE only. */
static bool may_have_power_mode(enum f2m_mode mode)
{
    return mode == F2M_MODE_CHARGE || mode == F2M_MODE_DISCHARGE;
}

static bool parse_key(const char *key, struct f2m_control_mode *out)
{
    size_t len = strcspn(key, "/");

    if (!f2m_mode_parse((struct f2m_slice){key, len}, &out->mode))
        return false;
    if (key[len] == '\0')
        return true;
    for (size_t i = 0; i < POWER_MODES; i++)
        if (may_have_power_mode(out->mode) && strcmp(key + len + 1, power_modes[i]) == 0)
            out->power_mode = f2m_xstrdup(power_modes[i]);
    return out->power_mode != NULL;
}

static void suggest_key(const char *key, char hint[F2M_SUGGEST_SIZE])
{
    struct f2m_suggestion near = {NULL, 0};
    char names[F2M_MODE_COUNT * (POWER_MODES + 1)][40];
    size_t n = 0;

    for (int mode = F2M_MODE_NONE + 1; mode < F2M_MODE_COUNT; mode++) {
        const char *name = f2m_mode_name((enum f2m_mode)mode);
        snprintf(names[n++], sizeof names[0], "%s", name);
        for (size_t i = 0; may_have_power_mode((enum f2m_mode)mode) && i < POWER_MODES; i++)
            snprintf(names[n++], sizeof names[0], "%s/%s", name, power_modes[i]);
    }
    for (size_t i = 0; i < n; i++)
        f2m_suggest(&near, key, names[i]);
    f2m_suggestion_text(&near, hint);
}

static void modes_read(struct f2m_loader *loader, const struct f2m_key *key, const struct f2m_yaml *node, void *at)
{
    struct f2m_control_config *control = at;
    char found[F2M_FOUND_SIZE], hint[F2M_SUGGEST_SIZE];

    if (node->broken)
        return;
    if (node->type != F2M_YAML_MAP) {
        f2m_report_error(&loader->report, node->at, "%s: expected a mapping with keys such as DISCHARGE, %s", key->name,
                         f2m_found(node, false, found));
        return;
    }
    control->modes = f2m_xcalloc(node->len + 1, sizeof *control->modes);
    for (size_t i = 0; i < node->len; i++) {
        struct f2m_control_mode *mode = &control->modes[control->modes_len];
        if (!parse_key(node->items[i].key, mode)) {
            suggest_key(node->items[i].key, hint);
            f2m_report_error(&loader->report, node->items[i].key_at,
                             "%s: expected BACKUP, CHARGE, DISCHARGE, SAVINGS, SELF_CONSUMPTION or STANDBY, with "
                             "/SETPOINT or /FOLLOW_LOAD behind CHARGE and DISCHARGE, found '%.100s'%s",
                             key->name, node->items[i].key, hint);
            continue;
        }
        control->modes_len++;
        mode->publishes =
            f2m_list_read(loader, node->items[i].key, &f2m_section_publish, node->items[i].value, &mode->publishes_len);
    }
}

static void modes_free(void *at)
{
    struct f2m_control_config *control = at;

    for (size_t i = 0; i < control->modes_len; i++) {
        free(control->modes[i].power_mode);
        f2m_list_free(&f2m_section_publish, control->modes[i].publishes, control->modes[i].publishes_len);
    }
    free(control->modes);
    control->modes = NULL;
    control->modes_len = 0;
}

static void modes_schema(struct f2m_jw *w, const struct f2m_key *key)
{
    (void)key;
    f2m_jw_string(w, "type", "object");
    f2m_jw_object(w, "patternProperties");
    f2m_jw_object(w, "^(BACKUP|SAVINGS|SELF_CONSUMPTION|STANDBY|(CHARGE|DISCHARGE)(/(SETPOINT|FOLLOW_LOAD))?)$");
    f2m_jw_array(w, "type");
    f2m_jw_string(w, NULL, "array");
    f2m_jw_string(w, NULL, "object");
    f2m_jw_end(w);
    f2m_jw_object(w, "items");
    f2m_jw_string(w, "$ref", "#/$defs/publish");
    f2m_jw_end(w);
    f2m_jw_end(w);
    f2m_jw_end(w);
    f2m_jw_bool(w, "additionalProperties", false);
}

const struct f2m_key_custom f2m_custom_modes = {.type = "mapping of lists",
                                                .read = modes_read,
                                                .free = modes_free,
                                                .print = f2m_print_modes,
                                                .schema = modes_schema};
