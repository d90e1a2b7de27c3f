/* What must hold in the simulated world (world.h says what that is). */
#ifndef F2M_TESTS_SIM_CHECK_H
#define F2M_TESTS_SIM_CHECK_H

#include "sim/world.h"

/* The cloud takes what is on disk, and looks at it. */
void check_upload(struct world *);
/* After a turn in which points were closed. */
void check_close(struct world *);
/* After a crash: points and baselines on disk fit together. The oracles go back to the baselines. */
void check_disk(struct world *);

#endif
