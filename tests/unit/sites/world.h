/* What the tests of the sites room share: the room over a real cloud and a store in memory, under virtual time; a Flip
 * that answers by hand; what was published. */
#ifndef F2M_TESTS_SITES_WORLD_H
#define F2M_TESTS_SITES_WORLD_H

#include "sites/sites.h"
#include "util/strbuf.h"

#include <check.h>

extern struct f2m_sites *sites;
extern struct f2m_config config;
extern struct f2m_site config_sites[4];
extern struct f2m_device config_devices[4][3];
extern struct f2m_counters counters;
extern struct f2m_store *store; /* a fault store */
extern struct f2m_now now;

/* One site "home" with one battery "bat", polls: site and programs 6 h, enrollments 15 min, events 5 min. Nothing is
 * opened yet. */
void world_setup(void);
void world_teardown(void);
void world_open(void);    /* new room */
void world_restart(void); /* closes, opens: what is committed stays. MQTT is down afterwards */
void world_reload(void);  /* the same configuration struct, read anew */
void world_up(void);
void world_down(void);
/* Tick, commit, until nothing is due at once; publishes are acknowledged (unless world_silent). */
void world_settle(void);
void world_pass(int64_t ms); /* time, then settle */
/* After each turn the commit fails while true; the store itself is told by f2m_fault_store_fail(). */
extern bool world_silent; /* the broker acknowledges nothing */
extern int world_refuses; /* the reason of the next so many outcomes … */
extern size_t world_refusals;

/* What Flip answers: by method and path (without query), newest first; kept until replaced. body NULL = empty. */
void flip_says(const char *method, const char *path, int status, const char *body);
/* Of the requests so far: how many to that method and path; the last one's query and body ("" = none). */
size_t flip_asked(const char *method, const char *path);
const char *flip_query(void);
const char *flip_body(void);
extern bool flip_slow; /* answers wait until flip_answers() */
void flip_answers(void);

/* The last payload published on base/<topic> ("" = cleared), NULL where nothing was. */
const char *shown(const char *topic);
bool was_shown(const char *topic, const char *payload);
size_t times_shown(const char *topic); /* publishes since the start or world_forget() */
void world_forget(void);               /* the publishes so far */
/* "type id" of every notification so far (since world_forget()), one per line, in order. */
const char *told(void);
const char *last_notification(void); /* its payload */
const char *logs(void);
const char *problems(void); /* "site: text\n" … */

int webhook(const char *id, const char *body); /* then settles */
void participation(const char *site, const char *event, const char *payload);
void message(const char *topic, const char *payload, bool retain);
void observed(enum f2m_endpoint, const char *site, const char *body);
void news(const char *type, const char *command); /* of control: what it learnt of a command of site "home" */
size_t published_in_all(void);                    /* since world_forget() */
const char *held(void); /* devices whose uploads are held, blank separated, in the order of their being held */

int world_main(const char *name, TCase *);

#endif
