/*
 * The configuration that comes of a survey: valid as it stands, each device with what was learnt and why, and with
 * "FILL IN" at every line that only the user can write. Devices to whose batteries something could be published begin
 * with `control: { observe: true }`: nothing reaches them before somebody has looked at the numbers.
 */
#ifndef F2M_LEARN_CONFIGURATION_H
#define F2M_LEARN_CONFIGURATION_H

#include "learn/survey.h"

/* The number of devices in it; nothing is written where that is 0. Passwords are never written. */
size_t f2m_learn_write_configuration(const struct f2m_survey *, const struct f2m_mqtt_config *, int64_t listened_ms,
                                     struct f2m_strbuf *out);

#endif
