/* The bridge's own topics (Interface, section 3): base topic, level, percent-encoded ids. */
#ifndef F2M_PORT_OWN_TOPIC_H
#define F2M_PORT_OWN_TOPIC_H

#include "util/slice.h"
#include "util/strbuf.h"

/* Replaces out's text and returns it: "<base>/<leaf>", "<base>/device/<id>/<leaf>", "<base>/site/<id>/<leaf>". */
const char *f2m_own_topic(struct f2m_strbuf *out, const char *base, const char *leaf);
const char *f2m_own_topic_device(struct f2m_strbuf *out, const char *base, const char *device_id, const char *leaf);
const char *f2m_own_topic_site(struct f2m_strbuf *out, const char *base, const char *site_id, const char *leaf);

/* What follows "<base>/" in a topic; {NULL, 0} where the topic is not below base. */
struct f2m_slice f2m_own_topic_rest(struct f2m_slice topic, const char *base);

/* Matches `rest` against a pattern of levels in which "{}" stands for one percent-encoded id: "device/{}/pause/set".
 * The ids are decoded into ids[0], ids[1] (replaced). False where it does not match or an id is malformed. */
bool f2m_own_topic_match(struct f2m_slice rest, const char *pattern, struct f2m_strbuf *ids, size_t ids_len);

#endif
