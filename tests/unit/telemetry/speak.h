/* A home that speaks the dialect of a recorded sample: its own topics, paths, units and signs, with values that move.
 */
#ifndef F2M_TESTS_UNIT_TELEMETRY_SPEAK_H
#define F2M_TESTS_UNIT_TELEMETRY_SPEAK_H

#include "config/config.h"
#include "util/strbuf.h"

/* One recorded message. */
struct speech {
    char *topic, *payload; /* owned */
};

/* The messages of tests/fixtures/samples/NAME.jsonl in which the device's sources find something. */
struct speech *speech_load(const char *name, const struct f2m_device *, size_t *n);
void speech_free(struct speech *, size_t n);

/* The payload with the device's values in it instead of the recorded ones: values[] by enum f2m_source_id, canonical.
 */
void speech_payload(const struct speech *, const struct f2m_device *, const double *values, struct f2m_strbuf *out);

/* The configuration tests/fixtures/samples/NAME.yaml. */
struct f2m_config *speech_config(const char *name);

#endif
