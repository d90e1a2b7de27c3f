#include "flip/token.h"

#include "util/cleanup.h"
#include "util/json.h"
#include "util/limits.h"
#include "util/rfc3339.h"
#include "util/secret.h"
#include "util/xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>

#define RENEW_BEFORE_MS 60000
#define LONGEST_MS      ((int64_t)24 * 3600 * 1000) /* Flip: one hour; no answer makes us trust a token longer */

struct entry {
    UT_hash_handle hh; /* in the order of insertion: the first is the oldest */
    char *site_id;
    char *token; /* NULL: the last fetch failed */
    int64_t until_mono_ms;
    struct f2m_backoff backoff;
    bool told_when; /* by Retry-After */
    int status;
    char message[F2M_REPLY_MESSAGE_SIZE];
};

struct f2m_tokens {
    struct entry *entries;
    struct f2m_rng *rng;
};

struct f2m_tokens *f2m_tokens_new(struct f2m_rng *rng)
{
    struct f2m_tokens *t = f2m_xcalloc(1, sizeof *t);
    t->rng = rng;
    return t;
}

static void entry_remove(struct f2m_tokens *t, struct entry *e)
{
    HASH_DEL(t->entries, e);
    f2m_secret_free(e->token);
    free(e->site_id);
    free(e);
}

void f2m_tokens_clear(struct f2m_tokens *t)
{
    struct entry *e, *next;
    HASH_ITER(hh, t->entries, e, next)
    {
        entry_remove(t, e);
    }
}

void f2m_tokens_free(struct f2m_tokens *t)
{
    if (!t)
        return;
    f2m_tokens_clear(t);
    free(t);
}

static struct entry *find(struct f2m_tokens *t, const char *site_id)
{
    struct entry *e;
    HASH_FIND_STR(t->entries, site_id, e);
    return e;
}

const char *f2m_tokens_get(struct f2m_tokens *t, const char *site_id, struct f2m_now now)
{
    struct entry *e = find(t, site_id);
    return e && e->token && now.mono_ms < e->until_mono_ms ? e->token : NULL;
}

static struct entry *add(struct f2m_tokens *t, const char *site_id)
{
    if (HASH_COUNT(t->entries) >= F2M_MAX_SITE_TOKENS)
        entry_remove(t, t->entries);
    struct entry *e = f2m_xcalloc(1, sizeof *e);
    e->site_id = f2m_xstrdup(site_id);
    HASH_ADD_KEYPTR(hh, t->entries, e->site_id, strlen(e->site_id), e);
    return e;
}

static int64_t usable_until(struct f2m_slice answer, struct f2m_now now)
{
    char text[F2M_RFC3339_SIZE + 16];
    int64_t expires;
    if (!f2m_json_string_copy(f2m_json_member(answer, "expires_at"), text, sizeof text) ||
        !f2m_rfc3339_parse(f2m_slice_of(text), &expires))
        return now.mono_ms;
    int64_t left = expires - now.wall_ms - RENEW_BEFORE_MS;
    if (left < 0)
        left = 0;
    return now.mono_ms + (left < LONGEST_MS ? left : LONGEST_MS);
}

/* A token goes into an HTTP header: visible ASCII only. */
static char *read_token(struct f2m_slice answer)
{
    char text[F2M_MAX_SITE_TOKEN_BYTES + 1];
    char *token = NULL;
    if (f2m_json_string_copy(f2m_json_member(answer, "site_access_token"), text, sizeof text)) {
        size_t len = strlen(text), i = 0;
        while (i < len && text[i] > ' ' && text[i] < 0x7f)
            i++;
        if (len > 0 && i == len)
            token = f2m_xstrdup(text);
    }
    explicit_bzero(text, sizeof text);
    return token;
}

const char *f2m_tokens_put(struct f2m_tokens *t, const char *site_id, struct f2m_slice answer, struct f2m_now now)
{
    char *token = read_token(answer);
    if (!token)
        return NULL;
    struct entry *e = find(t, site_id);
    if (e)
        entry_remove(t, e);
    e = add(t, site_id);
    e->token = token;
    e->until_mono_ms = usable_until(answer, now);
    return e->token;
}

void f2m_tokens_failed(struct f2m_tokens *t, const char *site_id, const struct f2m_reply *reply, struct f2m_now now)
{
    struct entry *e = find(t, site_id);
    if (!e)
        e = add(t, site_id);
    f2m_secret_free(f2m_take(e->token)); /* mostly none: a token that is good is not fetched anew */
    e->told_when = reply->retry_after_s > 0;
    e->status = reply->status;
    snprintf(e->message, sizeof e->message, "%s", reply->message);
    f2m_backoff_fail(&e->backoff, t->rng, now, reply->retry_after_s);
}

bool f2m_tokens_waiting(struct f2m_tokens *t, const char *site_id, struct f2m_now now, struct f2m_reply *reply)
{
    struct entry *e = find(t, site_id);
    if (!e || f2m_backoff_ready(&e->backoff, now))
        return false;
    *reply = (struct f2m_reply){
        .outcome = F2M_OUTCOME_RETRY,
        .status = e->status,
        .message = e->message,
        .retry_after_s = (e->backoff.until_mono_ms - now.mono_ms + 999) / 1000,
    };
    return true;
}

void f2m_tokens_reachable(struct f2m_tokens *t)
{
    for (struct entry *e = t->entries; e; e = e->hh.next)
        if (!e->told_when)
            f2m_backoff_reset(&e->backoff);
}

void f2m_tokens_drop(struct f2m_tokens *t, const char *site_id, const char *token)
{
    struct entry *e = find(t, site_id);
    if (e && e->token && strcmp(e->token, token) == 0)
        entry_remove(t, e);
}
