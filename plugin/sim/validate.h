/* Validation as FastAPI does it: every error of a body at once, as {"detail":[{"loc","msg","type"}]}. */
#ifndef SIM_VALIDATE_H
#define SIM_VALIDATE_H

#include "sim/request.h"

/* Where in the request something stands: a stack of names and indexes. */
struct sim_loc {
    const struct sim_loc *up; /* NULL = outermost */
    const char *name;         /* NULL = an index */
    int index;
};

enum sim_kind {
    SIM_STRING,
    SIM_ID, /* a string of 1 to SIM_MAX_ID_BYTES bytes */
    SIM_EMAIL,
    SIM_BOOL,
    SIM_INT,
    SIM_INT_TEXT, /* an integer, or text that is one */
    SIM_NUMBER,
    SIM_TIME,
    SIM_DATE, /* a date or a date-time */
    SIM_ENUM,
    SIM_OBJECT,
    SIM_ARRAY,
    SIM_STRINGS, /* an array of strings */
    SIM_ANY,
};

struct sim_field {
    const char *name;
    enum sim_kind kind;
    bool required, nullable;
    double min, max;           /* SIM_INT, SIM_NUMBER; both 0 = any */
    const char *const *values; /* SIM_ENUM; ends with NULL */
};

extern const char *const sim_modes[];
extern const char *const sim_device_types[];

/* Adds one error to the detail array. */
void sim_invalid(cJSON *detail, const struct sim_loc *, const char *type, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Checks every member of the object against the table (which ends with a NULL name): unknown names, names given
 * twice, missing ones, types and ranges. Returns true where nothing was added. */
bool sim_validate(const cJSON *object, const struct sim_field *fields, const struct sim_loc *, cJSON *detail);
/* One value by itself. */
bool sim_validate_value(const cJSON *value, const struct sim_field *field, const struct sim_loc *, cJSON *detail);
/* The body of the request, against the table: answers 422 and returns false where it does not fit. */
bool sim_validate_body(struct sim_request *, const struct sim_field *fields);
/* Answers 422 with the detail (taken) where it holds errors and returns true; else frees it. */
bool sim_reply_invalid(struct sim_request *, cJSON *detail);
/* 422 with a single error below ["body", name], or ["query", name]. */
void sim_reply_invalid_one(struct sim_request *, const char *where, const char *name, const char *type, const char *fmt,
                           ...) __attribute__((format(printf, 5, 6)));

/* skip and limit of a list, and the part of the array that they name. Takes the array; answers by itself. */
void sim_reply_page(struct sim_request *, cJSON *array);

#endif
