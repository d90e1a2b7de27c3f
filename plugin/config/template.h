/*
 * Templates of control publishes: "{{ setpoint_w | scale(0.001) | round(1) }}". Interface, section 2 and
 * clarification 3.
 *
 * Variables: mode power_mode setpoint_w backup_reserve_percentage enable_grid_import starts_at ends_at duration_s
 * remaining_s now command_id event_id device_id site_id.
 * Filters: scale(x) offset(x) round(n) min(x) max(x) percent_of(5 kW) minutes local("%H:%M") default("…") refuse("…").
 * min(x) and max(x) give the smaller and the greater of the value and x. refuse("false") fails where the value is that,
 * and gives an empty text otherwise. A value that is null passes every filter but default and refuse.
 */
#ifndef F2M_CONFIG_TEMPLATE_H
#define F2M_CONFIG_TEMPLATE_H

#include "util/err.h"
#include "util/strbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum f2m_template_kind {
    F2M_TEMPLATE_NULL,
    F2M_TEMPLATE_TEXT,
    F2M_TEMPLATE_NUMBER,
    F2M_TEMPLATE_BOOL,
    F2M_TEMPLATE_TIME,
};

struct f2m_template_value {
    const char *name; /* one of the variables above */
    enum f2m_template_kind kind;
    const char *text; /* borrowed */
    double number;
    bool boolean;
    int64_t wall_ms;
};

/* A variable that is not listed has no value. */
struct f2m_template_values {
    const struct f2m_template_value *list;
    size_t len;
};

/* 0, or -EINVAL with "expected a variable such as setpoint_w, found 'setpoint', did you mean 'setpoint_w'?". */
int f2m_template_check(const char *text, struct f2m_err *) __attribute__((warn_unused_result));
/* Likewise; the text around the variables must be (part of) a topic without wildcards. */
int f2m_template_check_topic(const char *text, struct f2m_err *) __attribute__((warn_unused_result));

/* Appends the text with every variable filled in. `timezone` is a name of the TZ database for local(), NULL = the
 * system's. -ENODATA where a variable has no value and no default, -EINVAL where a filter does not fit its value or the
 * template is malformed (f2m_template_check() accepted none such): `err` says which; `out` then holds a part. */
int f2m_template_expand(const char *text, const struct f2m_template_values *, const char *timezone,
                        struct f2m_strbuf *out, struct f2m_err *) __attribute__((warn_unused_result));
/* Whether the text holds any {{…}}. */
bool f2m_template_has_variables(const char *text);

#endif
