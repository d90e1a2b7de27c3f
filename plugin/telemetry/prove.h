/*
 * The provers of one device: what they are fed with, and what is told of their verdicts. Inside of the room only.
 */
#ifndef F2M_TELEMETRY_PROVE_H
#define F2M_TELEMETRY_PROVE_H

#include "telemetry/device.h"

struct f2m_prove;

/* NULL where nothing of the device can be held against anything else. */
struct f2m_prove *f2m_prove_new(const struct f2m_device *);
void f2m_prove_free(struct f2m_prove *);
/* After a reload: the same sources, but the site may have another battery. NULL is fine. */
void f2m_prove_rebind(struct f2m_prove *, const struct f2m_device *);

/* After the sources of the device took something. True where the verdict changed: it came, went, or is another one. */
bool f2m_prove_feed(struct f2m_prove *, const struct f2m_telemetry_device *, int64_t mono_ms);
/* Appends the verdict in plain words; nothing where nothing is proven. NULL is fine. */
void f2m_prove_tell(const struct f2m_prove *, const struct f2m_device *, struct f2m_strbuf *out);

#endif
