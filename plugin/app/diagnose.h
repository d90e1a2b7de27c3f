/*
 * What is wrong with what was listened to, in plain words with the next step to take. For people: `doctor`.
 */
#ifndef F2M_APP_DIAGNOSE_H
#define F2M_APP_DIAGNOSE_H

#include "app/listen.h"

enum verdict {
    VERDICT_OK,
    VERDICT_ASK, /* possible, but odd: to be looked at */
    VERDICT_BAD, /* wrong, or missing */
};
const char *verdict_name(enum verdict); /* "ok", "look", "BAD" */

struct diagnosis {
    const struct listen *listen;
    struct f2m_now now;
    int64_t listened_ms;
};

/* Of one source; the words go to out, which stays empty for OK. */
enum verdict diagnose_source(const struct diagnosis *, const struct listen_source *, struct f2m_strbuf *out);

/* Of what no single source can be blamed for: tells each in turn. */
typedef void diagnose_tell(void *ctx, enum verdict, const char *words);
void diagnose_device(const struct diagnosis *, const struct f2m_device *, diagnose_tell *, void *ctx);

#endif
