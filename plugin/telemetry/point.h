/*
 * A point as Flip gets it: one table of the fields of each endpoint, in order. Flip: Battery telemetry (20 fields, all
 * always sent, null where unknown), Counter telemetry. The counter endpoint's names are an assumption (Flip shows
 * none): they stand in one table, point.c.
 */
#ifndef F2M_TELEMETRY_POINT_H
#define F2M_TELEMETRY_POINT_H

#include "config/config.h"
#include "util/strbuf.h"

enum f2m_energy { F2M_ENERGY_CHARGE, F2M_ENERGY_DISCHARGE, F2M_ENERGY_HOME, F2M_ENERGY_SOLAR, F2M_ENERGY_COUNT };

enum f2m_tristate {
    F2M_UNKNOWN = -1,
    F2M_NO,
    F2M_YES,
};

/* What a point says; NAN = null. */
struct f2m_point_values {
    const char *device_id;
    int64_t start_ms; /* interval endpoint */
    int64_t end_ms;   /* counter endpoint: the timestamp */
    enum f2m_tristate online;
    /* The rest is written only where online is YES. */
    enum f2m_mode mode;
    enum f2m_tristate grid_online;
    double last[F2M_SRC_COUNT];      /* by source, derived ones included */
    double energy[F2M_ENERGY_COUNT]; /* Wh: of the interval, or the continued reading of the counter */
};

/* Everything unknown. */
void f2m_point_values_init(struct f2m_point_values *, const char *device_id);
/* Appends the JSON object. */
void f2m_point_write(enum f2m_telemetry_endpoint, const struct f2m_point_values *, struct f2m_strbuf *out);

/* The tables, for tests and documentation. */
struct f2m_point_field {
    const char *name;
    bool nullable;
};
size_t f2m_point_fields(enum f2m_telemetry_endpoint);
struct f2m_point_field f2m_point_field(enum f2m_telemetry_endpoint, size_t i);

#endif
