/*
 * The pure core: engine_step(now, event) -> effects. It owns the rooms and routes between them; it never reads a clock,
 * does I/O, draws randomness or starts a thread. app/ turns the outside into events and carries out the effects.
 *
 * One turn of the loop: f2m_engine_step() for every event that is there, f2m_engine_commit() once, then the effects.
 */
#ifndef F2M_ENGINE_ENGINE_H
#define F2M_ENGINE_ENGINE_H

#include "config/config.h"
#include "engine/health.h"
#include "port/effect.h"
#include "port/event.h"
#include "port/store.h"
#include "util/now.h"

struct f2m_engine;

struct f2m_engine_options {
    const struct f2m_config *config; /* borrowed until the next reload */
    struct f2m_store *store;         /* borrowed */
    const char *version;             /* of the program, for bridge/info */
    uint64_t seed;                   /* of all jitter */
    int64_t built_ms;                /* a wall clock before it is unset (Interface, clarification 44) */
};

struct f2m_engine *f2m_engine_new(const struct f2m_engine_options *, struct f2m_now);
void f2m_engine_free(struct f2m_engine *);

void f2m_engine_step(struct f2m_engine *, struct f2m_now, const struct f2m_event *, struct f2m_effects *);
/* Makes the turn durable. What fails stays in memory and is told in the log and in health. */
void f2m_engine_commit(struct f2m_engine *, struct f2m_now, struct f2m_effects *);
/* When F2M_EV_TICK is useful next, in mono ms; may lie in the past. */
int64_t f2m_engine_deadline(const struct f2m_engine *, struct f2m_now);
/* A validated new configuration, swapped in at one point of the message stream. The old one may be freed afterwards. */
void f2m_engine_reload(struct f2m_engine *, struct f2m_now, const struct f2m_config *, struct f2m_effects *);
/* A reload that was refused: told in health until one succeeds. `text` NULL = the last one succeeded. */
void f2m_engine_reload_refused(struct f2m_engine *, const char *text);
/* After F2M_EV_STOP: nothing of ours is under way any more. */
bool f2m_engine_idle(const struct f2m_engine *);
/* The last word, after everything else: bridge/state says offline (a clean disconnect sends no will). */
void f2m_engine_goodbye(struct f2m_engine *, struct f2m_effects *);

/* Topics outside the base topic whose messages must never be dropped in a flood: vetos, read-backs, Home Assistant's
 * birth. They change with a reload only. */
void f2m_engine_control_filters(const struct f2m_engine *, void (*visit)(void *ctx, const char *filter), void *ctx);

/* For /healthz, /metrics and the status page. Rendered into out (replaced). */
bool f2m_engine_ready(const struct f2m_engine *); /* broker and cloud are reachable */
void f2m_engine_metrics(const struct f2m_engine *, struct f2m_now, struct f2m_strbuf *out);
void f2m_engine_status_page(struct f2m_engine *, struct f2m_now, struct f2m_strbuf *out);
/* The inbox's own losses, told once per turn, so that health counts them. */
void f2m_engine_messages_dropped(struct f2m_engine *, uint64_t total);
void f2m_engine_webhooks_refused(struct f2m_engine *, uint64_t total);

#endif
