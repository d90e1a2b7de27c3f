/* The sub-commands, one file each. Each returns the process's exit code (sysexits). */
#ifndef F2M_APP_COMMAND_H
#define F2M_APP_COMMAND_H

#include "app/options.h"
#include "config/load.h"

int f2m_command_run(const struct f2m_options *);
int f2m_command_check(const struct f2m_options *);
int f2m_command_config(const struct f2m_options *);
int f2m_command_control(const struct f2m_options *);
int f2m_command_doctor(const struct f2m_options *);
int f2m_command_learn(const struct f2m_options *);
int f2m_command_outbox(const struct f2m_options *);

/* The configuration, or NULL after printing every error on stderr (then the exit code is 78). Warnings are printed too.
 */
struct f2m_config *f2m_command_load(const struct f2m_options *) __attribute__((warn_unused_result));

#endif
