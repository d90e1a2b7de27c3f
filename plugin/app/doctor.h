/* What doctor found, for its two ways of telling it. Inside of app only. */
#ifndef F2M_APP_DOCTOR_H
#define F2M_APP_DOCTOR_H

#include "app/diagnose.h"
#include "util/json_writer.h"

struct findings_of_doctor {
    struct diagnosis x;
    const char *flip; /* what Flip said, in words */
    bool flip_ok;
};

/* online, offline, or that nothing was heard yet */
const char *doctor_online_text(enum f2m_online);
/* Whether everybody on the way to the broker can read and command. */
bool doctor_broker_exposed(const struct f2m_config *);
bool doctor_flip_exposed(const struct f2m_config *);
/* doctor_json.c: one JSON object on stdout. */
void doctor_show_json(const struct findings_of_doctor *);

#endif
