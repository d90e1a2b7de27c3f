/* A folder with a configuration and what it may refer to, for one test. */
#ifndef F2M_TESTS_CONFIG_FIXTURE_H
#define F2M_TESTS_CONFIG_FIXTURE_H

#include "config/load.h"

/* Makes a temporary folder, goes there and fills it: see fixture.c. Call from a test (they run in forks). */
void fixture_enter(void);
void fixture_write(const char *name, const char *text, unsigned mode);
/* Loads a text as test.yaml. `environment` adds to FLIP_TOKEN=fl_from_env; NULL = nothing more. */
struct f2m_config *fixture_load(const char *yaml, char *const *environment, struct f2m_findings *);
/* Loads what must be right; fails the test with the findings otherwise. Warnings are let pass. */
struct f2m_config *fixture_load_valid(const char *yaml);
/* One line per finding: "test.yaml:2:3: error: …", without the source lines. */
void fixture_lines(const struct f2m_findings *, struct f2m_strbuf *out);
char *fixture_read_file(const char *path); /* to be freed */

#endif
