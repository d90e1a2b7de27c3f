/* Trying things for real, for `check --online` and `doctor`: is Flip there, and does it accept the token? */
#ifndef F2M_APP_PROBE_H
#define F2M_APP_PROBE_H

#include "config/config.h"
#include "util/err.h"

/* GET /v1/sites with one site. 0 with "3 sites"-like text in err, or -EACCES / -EIO with the reason. */
int probe_flip(const struct f2m_config *, struct f2m_err *) __attribute__((warn_unused_result));

#endif
