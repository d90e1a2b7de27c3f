/* What the tests of the store share: a folder of their own, points and records in a line, and their listing. */
#ifndef F2M_TESTS_STORE_FIXTURE_H
#define F2M_TESTS_STORE_FIXTURE_H

#include "store/sqlite.h"
#include "util/strbuf.h"

#include <check.h>

extern char fixture_path[4200]; /* of the database, in a folder made by fixture_setup() */
void fixture_setup(void);
void fixture_teardown(void);

struct f2m_store *fixture_open(void);                             /* must succeed, nothing to report */
struct f2m_store *fixture_open_report(struct f2m_store_report *); /* must succeed */
/* A body as Flip gets it, of the usual size. */
const char *fixture_body(const char *device, int64_t start_ms);
int fixture_put(struct f2m_store *, const char *device, int64_t start_ms, int64_t *id); /* closed 300 s later */
void fixture_record(struct f2m_store *, enum f2m_collection, const char *key, const char *value, int64_t now_ms);
/* "A@0 B@300" of the waiting points (or "A@0:message" of the rejected ones), "" = none; bodies are checked. */
const char *fixture_list(struct f2m_store *, const struct f2m_point_query *);
const char *fixture_waiting(struct f2m_store *);
const char *fixture_rejected(struct f2m_store *);
const char *fixture_records(struct f2m_store *, enum f2m_collection); /* "key=value key=value" */
void fixture_commit(struct f2m_store *);
void fixture_sql(const char *path, const char *sql); /* with a connection of its own */
void *fixture_read(const char *path, size_t *len);   /* the whole file; free it */
void fixture_write(const char *path, const void *, size_t len);
const char *fixture_file(const char *suffix); /* path + suffix */
int fixture_main(Suite *);                    /* runs it; the exit code */

#endif
