/*
 * Site tokens: cached until a minute before they expire. Interface, Sites 1 and clarification 17.
 * The lifetime is measured on the monotonic clock from the moment of the fetch, so that a step of the wall clock
 * neither prolongs nor kills a token. Tokens are secrets: wiped when they go, never logged.
 * Where a site's token cannot be fetched, one backoff holds for all who want it.
 */
#ifndef F2M_FLIP_TOKEN_H
#define F2M_FLIP_TOKEN_H

#include "flip/backoff.h"
#include "flip/outcome.h"
#include "util/now.h"
#include "util/slice.h"

struct f2m_tokens;

struct f2m_tokens *f2m_tokens_new(struct f2m_rng *); /* borrowed */
void f2m_tokens_free(struct f2m_tokens *);
void f2m_tokens_clear(struct f2m_tokens *);

/* The token for a site, NULL where none is cached or its last minute has begun. Lives until the next change. */
const char *f2m_tokens_get(struct f2m_tokens *, const char *site_id, struct f2m_now);
/* Reads Flip's answer {"site_access_token", "expires_at"} and keeps it (of the F2M_MAX_SITE_TOKENS oldest goes where
 * the table is full). The token, or NULL where the answer has none. It is good for the calls that wait for it whatever
 * `expires_at` says: a lifetime shorter than a minute must work as well. An `expires_at` that cannot be read means
 * "for these calls only". */
const char *f2m_tokens_put(struct f2m_tokens *, const char *site_id, struct f2m_slice answer, struct f2m_now);
/* The fetch got no usable answer (F2M_OUTCOME_RETRY): no other one before the backoff, or Retry-After, is over. */
void f2m_tokens_failed(struct f2m_tokens *, const char *site_id, const struct f2m_reply *, struct f2m_now);
/* True while that lasts: what the fetch got, and in retry_after_s the rest of the wait. */
bool f2m_tokens_waiting(struct f2m_tokens *, const char *site_id, struct f2m_now, struct f2m_reply *);
/* Flip, which was away, has answered: no backoff holds any more but where Flip said how long (Retry-After). */
void f2m_tokens_reachable(struct f2m_tokens *);
/* Flip refused this token: forgotten where it is still the cached one. */
void f2m_tokens_drop(struct f2m_tokens *, const char *site_id, const char *token);

#endif
