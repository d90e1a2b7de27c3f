/* What the process inherits and how it behaves towards the system, before anything is opened. */
#ifndef F2M_APP_PROCESS_H
#define F2M_APP_PROCESS_H

#include <stdbool.h>

/* stdin, stdout and stderr are open afterwards, on /dev/null where they were not. False where that fails. */
bool f2m_process_fill_standard_descriptors(void) __attribute__((warn_unused_result));

/* A core file would hold tokens. */
void f2m_process_forbid_core_files(void);

/* Raises the soft limit of open files where it is low. False, after saying so on the log, where even the hard limit is
 * below F2M_MIN_DESCRIPTORS. */
bool f2m_process_ensure_descriptors(void) __attribute__((warn_unused_result));

/* SIGTERM, SIGINT and SIGHUP are blocked, for threads made later too, and come through this descriptor, which the
 * caller closes; -1 with errno. A broken pipe and a file size limit are errors of a call, not signals. */
int f2m_process_open_signals(void) __attribute__((warn_unused_result));

#endif
