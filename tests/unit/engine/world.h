/* What the tests of the engine share: one battery "d/1" at site "s" below "base", a clock that the test turns, a store
 * that may fail. */
#ifndef F2M_TESTS_ENGINE_WORLD_H
#define F2M_TESTS_ENGINE_WORLD_H

#include "engine/engine.h"
#include "support/fault_store.h"

#include <check.h>

#define BUILT INT64_C(1760000000000) /* 2025-10-09 */
#define START INT64_C(1790000000000) /* on a boundary of 10 s */

extern struct f2m_config *config;
extern struct f2m_store *store;
extern struct f2m_engine *engine;
extern struct f2m_effects *fx;
extern struct f2m_now now;

#define YAML_HEAD                                                                                                      \
    "version: 1\n"                                                                                                     \
    "flip: { base_url: 'http://127.0.0.1:1', token: t }\n"                                                             \
    "mqtt: { server: 'mqtt://127.0.0.1', base_topic: base }\n"

void start_at(int64_t wall_ms);
/* The same with another configuration. */
void start_with(const char *yaml);
void reload_with(const char *yaml);
void world_setup(void);
void world_teardown(void);
void step(const struct f2m_event *);
void step_type(enum f2m_event_type);
/* Lets ms pass, then a tick and a commit. */
void pass(int64_t ms);
void message(const char *topic, const char *payload, bool retain);
/* The last publish on a topic since the last reset, or NULL. */
const char *published(const char *topic);
bool logged(const char *words);
/* Connects and has the broker grant everything but `refused`. */
void connect_all_but(const char *refused);
int world_main(const char *name, TCase *);

#endif
