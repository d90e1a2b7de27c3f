/* What the tests of the homeassistant room share: a home with one battery, a store that may fail, a broker that
 * acknowledges (or not), and what it holds. */
#ifndef F2M_TESTS_HOMEASSISTANT_WORLD_H
#define F2M_TESTS_HOMEASSISTANT_WORLD_H

#include "homeassistant/homeassistant.h"
#include "support/fault_store.h"

#include <check.h>
#include <cjson/cJSON.h>

#define BATTERY "homeassistant/device/flip2mqtt_device_xyz-123/config"
#define SITE    "homeassistant/device/flip2mqtt_site_abc-789/config"
#define BRIDGE  "homeassistant/device/flip2mqtt_bridge_abc-789/config"

extern struct f2m_homeassistant *room;
extern struct f2m_config config;
extern struct f2m_site sites[2];
extern struct f2m_device devices[2][40];
extern struct f2m_store *store; /* a fault store */
extern struct f2m_now now;

/* Site abc-789 with the battery xyz-123, "Garage battery", state of charge and battery power mapped. */
void world_setup(void);
void world_teardown(void);
void world_map(struct f2m_device *, enum f2m_source_id);
void world_map_all(struct f2m_device *);
void world_start(void);   /* a new room, connected, settled */
void world_restart(void); /* what was not committed is gone */
void world_reload(void);
void world_up(void);
void world_down(void);
void world_status(const char *payload);
void world_pass(int64_t ms); /* tick by tick as the deadlines say */
bool world_states_due(void); /* since last asked */

extern bool world_silent; /* the broker acknowledges nothing */
extern int world_reason;  /* of the next world_refusals acknowledgements */
extern size_t world_refusals;
void world_acknowledge(size_t n); /* the oldest that wait */
size_t world_waiting(void);       /* for an acknowledgement */

/* What the broker holds retained: NULL where nothing. Parsed: freed by the world. */
const char *held(const char *topic);
cJSON *held_json(const char *topic);
size_t held_len(void);
/* The publishes so far (since world_forget()), as "topic\n" each, a clearing with "-" in front. */
const char *published(void);
size_t published_len(void);
const char *payload_at(size_t i);
void world_forget(void);
const char *logs(void);
/* The subscriptions so far, as "+filter\n" and "-filter\n". */
const char *subscribed(void);
void world_message(const char *topic, const char *payload, bool retain);

/* A component of a payload, NULL where absent; a text member of it ("" where absent). */
cJSON *component(const char *topic, const char *key);
const char *member(const cJSON *object, const char *name);

int world_main(const char *name, TCase *);

#endif
