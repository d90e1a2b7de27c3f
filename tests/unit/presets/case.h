/* The cases of tests/fixtures/presets: configurations that use a preset. */
#ifndef F2M_TESTS_PRESETS_CASE_H
#define F2M_TESTS_PRESETS_CASE_H

#include "config/load.h"
#include "util/strbuf.h"

/* Appends a file of the repository; false where it cannot be read. */
bool case_read(const char *folder, const char *name, const char *suffix, struct f2m_strbuf *out);
/* The configuration of a case, or NULL with what is wrong with it in `told`. */
struct f2m_config *case_load(const char *name, struct f2m_strbuf *told);
/* Whether the file says this; with F2M_UPDATE_GOLDEN set it says so afterwards. */
bool case_is_golden(const char *name, const char *suffix, const char *text);

#endif
