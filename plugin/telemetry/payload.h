/*
 * One MQTT payload while it is being read: JSON is checked once, however many sources look into it.
 */
#ifndef F2M_TELEMETRY_PAYLOAD_H
#define F2M_TELEMETRY_PAYLOAD_H

#include "config/config.h"
#include "port/event.h"
#include "util/err.h"

#define F2M_MAX_TEXT_BYTES 255 /* a text that a source yields: a mode, a serial number, a product's name */

enum f2m_payload_json {
    F2M_PAYLOAD_UNCHECKED,
    F2M_PAYLOAD_JSON,
    F2M_PAYLOAD_NOT_JSON,
};

/* The members of the payload's object, noted where several sources look into it. */
#define F2M_PAYLOAD_MEMBERS 64
enum f2m_payload_index {
    F2M_PAYLOAD_NOT_INDEXED,
    F2M_PAYLOAD_INDEXED,
    F2M_PAYLOAD_NO_INDEX, /* no object, too many members, or escapes: searched as a whole each time */
};

struct f2m_payload {
    struct f2m_slice bytes; /* borrowed */
    enum f2m_payload_json json;
    enum f2m_payload_index index;
    bool shared; /* several sources look into it */
    unsigned members;
    struct {
        struct f2m_slice name, value; /* the name with its quotes */
    } member[F2M_PAYLOAD_MEMBERS];
    char decoded[F2M_MAX_TEXT_BYTES + 1]; /* the last JSON string that held escapes */
};

enum f2m_scalar_type {
    F2M_SCALAR_TEXT, /* plain payload, keyvalue, or a JSON string */
    F2M_SCALAR_NUMBER,
    F2M_SCALAR_BOOL,
    F2M_SCALAR_NULL,
};

struct f2m_scalar {
    enum f2m_scalar_type type;
    struct f2m_slice text; /* without the blanks around it; borrowed from the payload, until the next look */
};

static inline void f2m_payload_init(struct f2m_payload *p, struct f2m_slice bytes)
{
    p->bytes = bytes;
    p->json = F2M_PAYLOAD_UNCHECKED;
    p->index = F2M_PAYLOAD_NOT_INDEXED;
    p->shared = false;
    p->members = 0;
}

/* 0; -ENOENT where nothing stands at the path; -EINVAL with the reason where the payload cannot be read so. A path is
 * RFC 6901 (NULL = the whole payload); for keyvalue it is "/key". */
int f2m_payload_scalar(struct f2m_payload *, enum f2m_source_format, const char *path, struct f2m_scalar *,
                       struct f2m_err *) __attribute__((warn_unused_result));

#endif
