/* One {{ variable | filter(argument) | … }}, parsed. Private to template*.c. */
#ifndef F2M_CONFIG_TEMPLATE_PARSE_H
#define F2M_CONFIG_TEMPLATE_PARSE_H

#include "config/template.h"
#include "util/slice.h"

#define F2M_TEMPLATE_FILTERS  8   /* of one expression */
#define F2M_TEMPLATE_ARGUMENT 128 /* bytes of a text argument */
#define F2M_TEMPLATE_MADE     256 /* bytes that a filter may make */

enum f2m_template_argument {
    F2M_ARGUMENT_NONE,
    F2M_ARGUMENT_NUMBER,
    F2M_ARGUMENT_DIGITS,   /* 0 to 9 */
    F2M_ARGUMENT_QUANTITY, /* 5 kW, 13.5 kWh, or a plain number */
    F2M_ARGUMENT_FORMAT,   /* of strftime */
    F2M_ARGUMENT_VALUE,    /* "text" or a number */
};

struct f2m_template_work;
struct f2m_template_applied;

struct f2m_template_filter {
    const char *name;
    enum f2m_template_argument argument;
    enum f2m_template_kind takes, gives; /* NULL = any, the same */
    int (*apply)(struct f2m_template_work *, const struct f2m_template_applied *, struct f2m_err *);
    const char *example;
};

struct f2m_template_applied {
    const struct f2m_template_filter *filter;
    double number;
    bool is_text;
    char text[F2M_TEMPLATE_ARGUMENT];
};

struct f2m_template_variable {
    const char *name;
    enum f2m_template_kind kind;
};

struct f2m_template_expression {
    const struct f2m_template_variable *variable;
    struct f2m_template_applied filters[F2M_TEMPLATE_FILTERS];
    size_t filters_len;
};

/* A value on its way through the filters. */
struct f2m_template_work {
    struct f2m_template_value value;
    const char *timezone;
    char text[F2M_TEMPLATE_MADE];
};

extern const struct f2m_template_variable f2m_template_variables[];
extern const size_t f2m_template_variables_len;
extern const struct f2m_template_filter f2m_template_filters[];
extern const size_t f2m_template_filters_len;

/* The text is what stands between {{ and }}. */
int f2m_template_parse(struct f2m_slice text, struct f2m_template_expression *, struct f2m_err *);
/* Takes the next piece off the front of *rest: either plain text, or the inside of a {{…}}. False at the end; *error
 * where a {{ is never closed. */
bool f2m_template_next(struct f2m_slice *rest, struct f2m_slice *plain, struct f2m_slice *inside, bool *error);
const char *f2m_template_kind_name(enum f2m_template_kind); /* "a number" */

#endif
