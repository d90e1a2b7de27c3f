/*
 * One turn: read the clocks once; what is due (tick); what has come (inbox, answers, webhooks, signals); commit; carry
 * out the effects; wait for the next deadline or fd. Only this thread touches engine, store, curl and libmicrohttpd.
 */
#include "app/bridge.h"
#include "app/clock.h"
#include "app/notify.h"
#include "store/sqlite.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

#define EVENTS_PER_TURN  5000 /* so that a flood never delays commit and uploads for long */
#define GRACE_MS         2500 /* a stop waits so long for the last upload, then for the broker; 5 s are allowed in all */
#define MAINTAIN_MS      10000
#define LOOK_AGAIN_MS    1000
#define POLL_FAILED_MS   100 /* where waiting itself fails, for want of memory or of descriptors: no spinning */
#define STOPPING_TURN_MS 10  /* while stopping, turns follow each other closely */

static void step(struct bridge *b, struct f2m_now now, enum f2m_event_type type)
{
    f2m_engine_step(b->engine, now, &(struct f2m_event){.type = type}, b->effects);
}

static void read_signals(struct bridge *b, struct f2m_now now)
{
    struct signalfd_siginfo info;
    while (read(b->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGHUP) {
            b->reload_asked = true;
            continue;
        }
        if (b->stop_by_ms) {
            b->stop_by_ms = now.mono_ms; /* the second signal: at once */
            continue;
        }
        f2m_log(F2M_LOG_INFO, "app", "stopping", "signal=%s", info.ssi_signo == SIGTERM ? "SIGTERM" : "SIGINT");
        f2m_notify_stopping();
        b->stop_by_ms = now.mono_ms + GRACE_MS;
        step(b, now, F2M_EV_STOP);
    }
}

/* True where more is waiting than one turn takes. */
static bool read_inbox(struct bridge *b, struct f2m_now now)
{
    struct f2m_event event;
    for (int n = 0; n < EVENTS_PER_TURN; n++) {
        if (!f2m_inbox_pop(b->inbox, &event))
            return false;
        f2m_engine_step(b->engine, now, &event, b->effects);
    }
    return true;
}

static void read_http(struct bridge *b, struct f2m_now now)
{
    struct f2m_event event = {.type = F2M_EV_HTTP_DONE};
    f2m_http_perform(b->http);
    while (f2m_http_next_result(b->http, &event.http))
        f2m_engine_step(b->engine, now, &event, b->effects);
}

static void read_webhooks(struct bridge *b, struct f2m_now now)
{
    if (!b->server)
        return;
    struct f2m_event event = {.type = F2M_EV_WEBHOOK};
    f2m_server_run(b->server, now);
    while (f2m_server_next_webhook(b->server, &event.webhook))
        f2m_engine_step(b->engine, now, &event, b->effects);
    f2m_engine_webhooks_refused(b->engine, b->webhooks_refused + f2m_server_refused(b->server));
}

static void carry_out(struct bridge *b, const struct f2m_effect *e)
{
    switch (e->type) {
    /* What a publish comes to is told by F2M_EV_MQTT_PUBLISHED where it matters (tagged). */
    case F2M_FX_PUBLISH: (void)f2m_mqtt_publish(b->mqtt, &e->publish); break;
    case F2M_FX_SUBSCRIBE: (void)f2m_mqtt_subscribe(b->mqtt, e->filter); break;
    case F2M_FX_UNSUBSCRIBE: (void)f2m_mqtt_unsubscribe(b->mqtt, e->filter); break;
    case F2M_FX_HTTP: f2m_http_start(b->http, &e->http); break;
    case F2M_FX_WEBHOOK_REPLY:
        if (b->server)
            f2m_server_reply(b->server, e->webhook_reply.tag, e->webhook_reply.status);
        break;
    case F2M_FX_LOG: f2m_log_line(e->log.level, e->log.component, e->log.msg, e->log.pairs); break;
    }
}

static void commit_and_carry_out(struct bridge *b, struct f2m_now now)
{
    f2m_engine_messages_dropped(b->engine, f2m_inbox_dropped(b->inbox));
    f2m_engine_commit(b->engine, now, b->effects);
    for (size_t i = 0; i < f2m_effects_count(b->effects); i++)
        carry_out(b, f2m_effects_at(b->effects, i));
    f2m_effects_reset(b->effects);
}

/* While the MQTT thread hangs systemd hears nothing, and this thread looks again, without spinning. */
static void keep_alive(struct bridge *b, struct f2m_now now)
{
    if (!b->watchdog_ms || now.mono_ms < b->alive_due_ms)
        return;
    bool alive = f2m_mqtt_alive(b->mqtt, now);
    if (alive)
        f2m_notify_alive();
    b->alive_due_ms = now.mono_ms + (alive ? b->watchdog_ms : LOOK_AGAIN_MS);
}

/* The store makes its reserve again once a disk that was full has room; nothing is written where nothing is amiss.
 * False where the database turned out to be damaged: only opening it again helps, which checks and salvages it. */
static bool maintain(struct bridge *b, struct f2m_now now)
{
    if (now.mono_ms < b->maintain_due_ms)
        return true;
    b->maintain_due_ms = now.mono_ms + MAINTAIN_MS;
    return f2m_store_maintain(b->store) != -EIO;
}

static int64_t wait_ms(struct bridge *b, struct f2m_now now)
{
    int64_t deadline = f2m_engine_deadline(b->engine, now);
    if (b->watchdog_ms && b->alive_due_ms < deadline)
        deadline = b->alive_due_ms;
    if (b->stop_by_ms)
        deadline = now.mono_ms + STOPPING_TURN_MS < deadline ? now.mono_ms + STOPPING_TURN_MS : deadline;
    int64_t wait = deadline == INT64_MAX ? -1 : deadline <= now.mono_ms ? 0 : deadline - now.mono_ms;
    int64_t server = b->server ? f2m_server_timeout(b->server, now) : -1;
    if (server >= 0 && (wait < 0 || server < wait))
        wait = server;
    return wait;
}

static void wait_for_something(struct bridge *b, int64_t timeout_ms)
{
    struct pollfd fds[] = {
        {.fd = b->signal_fd, .events = POLLIN},
        {.fd = b->clock_fd, .events = POLLIN},
        {.fd = f2m_inbox_fd(b->inbox), .events = POLLIN},
        {.fd = b->server ? f2m_server_fd(b->server) : -1, .events = POLLIN},
    };
    size_t n = b->server ? 4 : 3;
    if (f2m_http_poll(b->http, fds, n, timeout_ms) != 0)
        (void)poll(NULL, 0, POLL_FAILED_MS);
    if (fds[1].revents)
        f2m_clock_rearm(b->clock_fd);
}

static bool stopped(const struct bridge *b, struct f2m_now now)
{
    return b->stop_by_ms && (now.mono_ms >= b->stop_by_ms || f2m_engine_idle(b->engine));
}

int bridge_loop(struct bridge *b)
{
    for (;;) {
        struct f2m_now now = b->now = f2m_clock_now();
        step(b, now, F2M_EV_TICK);
        read_signals(b, now);
        bool more = read_inbox(b, now);
        read_http(b, now);
        read_webhooks(b, now);
        commit_and_carry_out(b, now);
        if (b->reload_asked) {
            b->reload_asked = false;
            bridge_reload(b, now);
            commit_and_carry_out(b, now);
        }
        if (stopped(b, now)) {
            f2m_engine_goodbye(b->engine, b->effects);
            commit_and_carry_out(b, now);
            return b->exit_code;
        }
        if (!maintain(b, now)) {
            f2m_log(F2M_LOG_ERROR, "app", "the database is damaged: ending, so that the next start can mend it", "");
            return EX_IOERR;
        }
        keep_alive(b, now);
        wait_for_something(b, more ? 0 : wait_ms(b, now));
    }
}
