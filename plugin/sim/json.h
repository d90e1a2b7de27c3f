/* Small helpers over cJSON: reading, building and changing objects. Names are compared case-sensitively. */
#ifndef SIM_JSON_H
#define SIM_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The member, or NULL where it is absent. */
const cJSON *sim_json_get(const cJSON *object, const char *name);
/* The string value, or NULL where the member is absent or no string. */
const char *sim_json_string(const cJSON *object, const char *name);
bool sim_json_number(const cJSON *object, const char *name, double *out);
/* The boolean, or `otherwise` where it is absent or none. */
bool sim_json_bool(const cJSON *object, const char *name, bool otherwise);
/* A date-time member in ms; false where absent, null or malformed. */
bool sim_json_time(const cJSON *object, const char *name, int64_t *wall_ms);

/* Each sets (replaces or adds) one member. sim_json_set takes the value. */
void sim_json_set(cJSON *object, const char *name, cJSON *value);
void sim_json_set_string(cJSON *object, const char *name, const char *value); /* NULL = null */
void sim_json_set_bool(cJSON *object, const char *name, bool value);
void sim_json_set_number(cJSON *object, const char *name, double value);
void sim_json_set_time(cJSON *object, const char *name, int64_t wall_ms); /* INT64_MAX = null */
/* Copies the named member over, or null where the source lacks it. */
void sim_json_copy(cJSON *to, const cJSON *from, const char *name);
/* Copies every member of `from` over those of `to`. */
void sim_json_merge(cJSON *to, const cJSON *from);
/* True where the array holds the string. */
bool sim_json_array_has(const cJSON *array, const char *text);
/* Parses a whole text, nothing after it; NULL where it is no JSON, with the offset of the error. */
cJSON *sim_json_parse(const char *text, size_t len, size_t *error_at);

static inline void sim_json_free_p(cJSON **json)
{
    cJSON_Delete(*json);
}
#define sim_autojson __attribute__((cleanup(sim_json_free_p))) cJSON

#endif
