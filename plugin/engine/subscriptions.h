/*
 * What the bridge listens to: a minimal cover of everything that the rooms want (overlapping filters would deliver
 * twice), and what the broker said to each. Interface, clarifications 12, 42.
 */
#ifndef F2M_ENGINE_SUBSCRIPTIONS_H
#define F2M_ENGINE_SUBSCRIPTIONS_H

#include "port/effect.h"
#include "util/now.h"

struct f2m_subscriptions;

struct f2m_subscriptions *f2m_subscriptions_new(void);
void f2m_subscriptions_free(struct f2m_subscriptions *);

/* Wanted filters anew: begin, add each, then apply (which subscribes and unsubscribes the difference where connected).
 */
void f2m_subscriptions_begin(struct f2m_subscriptions *);
void f2m_subscriptions_add(void *subscriptions, const char *filter); /* a visitor's signature */
void f2m_subscriptions_apply(struct f2m_subscriptions *, struct f2m_effects *);

void f2m_subscriptions_up(struct f2m_subscriptions *, struct f2m_effects *);
void f2m_subscriptions_down(struct f2m_subscriptions *);
/* The broker's answer. A refused filter is tried again every minute. */
void f2m_subscriptions_answered(struct f2m_subscriptions *, struct f2m_now, const char *filter, int reason,
                                struct f2m_effects *);
void f2m_subscriptions_tick(struct f2m_subscriptions *, struct f2m_now, struct f2m_effects *);
int64_t f2m_subscriptions_deadline(const struct f2m_subscriptions *);

/* Connected and every filter answered, refusals included. */
bool f2m_subscriptions_complete(const struct f2m_subscriptions *);
void f2m_subscriptions_refused(const struct f2m_subscriptions *, void (*visit)(void *ctx, const char *filter),
                               void *ctx);

#endif
