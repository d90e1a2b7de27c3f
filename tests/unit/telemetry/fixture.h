/* A home in a glass: one telemetry room over a store in memory, under a clock that the test turns. */
#ifndef F2M_TESTS_TELEMETRY_FIXTURE_H
#define F2M_TESTS_TELEMETRY_FIXTURE_H

#include "config/config.h"
#include "port/counters.h"
#include "port/effect.h"
#include "port/store.h"
#include "telemetry/outbox.h"
#include "telemetry/telemetry.h"

#include <check.h>
#include <stdlib.h>

/* 2026-01-31T12:00:00Z, a boundary of every interval used here. */
#define NOON INT64_C(1769860800000)

#define HOME_DEVICES 3

struct home {
    struct f2m_config config;
    struct f2m_site site;
    struct f2m_device devices[HOME_DEVICES];
    struct f2m_store *store;
    struct f2m_outbox *outbox;
    struct f2m_telemetry *telemetry;
    struct f2m_counters counters;
    struct f2m_effects *fx;
    struct f2m_now now;
    struct f2m_strbuf text;
};

/* A copy that lives as long as the test: configurations hold char *. */
char *text(const char *);
/* A topic source with the defaults of the configuration. */
struct f2m_source source_on(const char *topic);
const struct f2m_unit *unit_of(const char *name);
/* The same with a JSON path, and a unit ("" = canonical). */
struct f2m_source source_at(const char *topic, const char *path, const char *unit);

/* Devices "battery" (and "battery-2", "battery-3"): interval 5 min, max_age 5 min, 13.5 kWh, 5 kW both ways, nothing
 * mapped. The clock stands at NOON. Map sources in home.devices[…], then start. */
void home_init(struct home *, size_t devices);
void home_deinit(struct home *);
void home_map(struct home *, enum f2m_source_id, struct f2m_source); /* first device */
void home_start(struct home *);
/* As after a kill: telemetry and outbox go without a word, the committed store stays. */
void home_crash(struct home *);
/* SIGTERM. */
void home_stop(struct home *);

/* Lets ms pass: every deadline on the way gets its tick and commit. */
void home_wait(struct home *, int64_t ms);
/* Lets ms pass without a tick: the machine sleeps. */
void home_sleep(struct home *, int64_t ms);
/* Sets the wall clock. */
void home_set_clock(struct home *, int64_t delta_ms);
void home_tick(struct home *);
void home_send(struct home *, const char *topic, const char *payload);
void home_send_retained(struct home *, const char *topic, const char *payload);

/* The i-th closed point of a device in the order of closing; NULL where there is none. Until the next call. */
const char *home_point(struct home *, const char *device_id, size_t i);
size_t home_points(struct home *, const char *device_id);
/* A member of a point as raw JSON text ("null", "12.5", "\"2026-…\""). Until the next call. */
const char *home_field(struct home *, size_t i, const char *name);
/* The last payload published on a topic since home_forget(), NULL where none; and how many there were. */
const char *home_published(struct home *, const char *topic);
size_t home_publishes(struct home *, const char *topic);
void home_forget(struct home *);
/* A member of JSON text by RFC 6901 pointer, raw. */
const char *json_at(struct home *, const char *json, const char *pointer);

#define ck_field(h, i, name, expected) ck_assert_str_eq(home_field(h, i, name), expected)

/* Runs a suite of one case; the exit code of main(). setup and teardown may be NULL. */
int run_tests(const char *name, void (*setup)(void), void (*teardown)(void), const TTest *const *tests, size_t n);
#define RUN_TESTS(name, setup, teardown, ...)                                                                          \
    int main(void)                                                                                                     \
    {                                                                                                                  \
        const TTest *const tests[] = {__VA_ARGS__};                                                                    \
        return run_tests(name, setup, teardown, tests, sizeof tests / sizeof tests[0]);                                \
    }

#endif
