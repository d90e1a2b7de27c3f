/*
 * Whether Flip is reachable and takes the client token: the state behind `cloud/state`, and the pause after 401/403.
 * Interface, clarification 10. Part of the cloud (cloud.c); embedded, owns nothing.
 */
#ifndef F2M_FLIP_REACH_H
#define F2M_FLIP_REACH_H

#include "flip/cloud.h"

struct f2m_reach {
    bool answered;             /* a call succeeded once */
    bool refused;              /* the client token, until it is accepted again */
    bool unreachable;          /* until a call succeeds */
    unsigned failures;         /* by transport or 5xx, in a row */
    int64_t offline_at_mono;   /* after a first failure: offline then, whatever comes; 0 = not armed */
    int64_t paused_until_mono; /* 0 = not paused */
    enum f2m_cloud_state told; /* the state last logged */
    char last_error[320];
};

/* What a call's end tells. `foreign`: the answer had a body that is no JSON, so it hardly came from Flip. */
void f2m_reach_note(struct f2m_reach *, struct f2m_now, enum f2m_endpoint, const struct f2m_reply *, bool foreign,
                    struct f2m_effects *);
void f2m_reach_tick(struct f2m_reach *, struct f2m_now, struct f2m_effects *);
int64_t f2m_reach_deadline(const struct f2m_reach *);
enum f2m_cloud_state f2m_reach_state(const struct f2m_reach *);
bool f2m_reach_paused(const struct f2m_reach *, struct f2m_now);
void f2m_reach_unpause(struct f2m_reach *); /* a reload */

#endif
