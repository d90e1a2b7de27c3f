/* The fields of telemetry items. Flip: Battery telemetry (20 fields); for BATTERY_COUNTER the names are an assumption,
 * so they stand in one table. */
#ifndef SIM_FIELDS_H
#define SIM_FIELDS_H

#include "sim/json.h"
#include "sim/points.h"
#include "util/strbuf.h"

#define SIM_FAILED_TEXT 160

/* Reads one item. NULL where it is right, else the message of its FAILED in `text`. *device_id is borrowed from the
 * item. point->raw is owned by the caller afterwards (also on failure). */
const char *sim_item_read(const cJSON *item, enum sim_endpoint, struct sim_point *, const char **device_id,
                          char text[SIM_FAILED_TEXT]);
/* All names of the endpoint were there. */
bool sim_point_complete(const struct sim_point *);
/* Any counter of `later` is below that of `earlier`. */
bool sim_counter_fell(const struct sim_point *earlier, const struct sim_point *later);
/* The point as the item that it was, plus whatever the caller adds. Writes "name":value,… without the braces. */
void sim_point_write(struct f2m_strbuf *, const struct sim_point *, const char *device_id);

#endif
