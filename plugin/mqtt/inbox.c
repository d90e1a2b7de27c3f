#include "mqtt/inbox.h"

#include "mqtt/lane.h"
#include "util/limits.h"
#include "util/xalloc.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* How long the first message of a batch of telemetry waits for others. At 20,000 messages a second one wake-up then
 * serves two hundred messages, and at one message a second nobody sees the difference. */
#define LINGER_NS 10000000L
#define LANES     2

enum wake {
    WAKE_QUIET,  /* nothing to read */
    WAKE_LINGER, /* the timer runs */
    WAKE_NOW,
};

struct f2m_inbox {
    struct f2m_inbox_options max;  /* read-only */
    int fd;                        /* a timerfd */
    struct f2m_chunk *hand[LANES]; /* the reader's alone */
    atomic_bool control_waits;     /* so that control overtakes the telemetry in the reader's hand without a lock */
    atomic_uint_fast64_t dropped;
    atomic_uint_fast64_t ups; /* F2M_EV_MQTT_UP that the reader has popped */

    pthread_mutex_t lock; /* below: both threads */
    pthread_cond_t space; /* the control lane has become shorter, or the inbox is closed */
    struct f2m_lane lanes[LANES];
    struct f2m_chunk_pool pool;
    enum wake wake;
    size_t own; /* the reader's own events since the control lane was last taken from */
    bool closed;
};

struct f2m_inbox *f2m_inbox_new(const struct f2m_inbox_options *options)
{
    struct f2m_inbox *inbox = f2m_xcalloc(1, sizeof *inbox);
    if (options)
        inbox->max = *options;
    if (inbox->max.telemetry == 0)
        inbox->max.telemetry = F2M_MAX_INBOX_TELEMETRY;
    if (inbox->max.control == 0)
        inbox->max.control = F2M_MAX_INBOX_CONTROL;
    if (inbox->max.bytes == 0)
        inbox->max.bytes = F2M_MAX_INBOX_BYTES;
    pthread_mutex_init(&inbox->lock, NULL);
    pthread_cond_init(&inbox->space, NULL);
    inbox->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (inbox->fd < 0) {
        fprintf(stderr, "error mqtt msg=\"cannot create a timer\" reason=\"%s\"\n", strerror(errno));
        exit(71); /* EX_OSERR: out of file descriptors before anything has begun */
    }
    return inbox;
}

void f2m_inbox_free(struct f2m_inbox *inbox)
{
    if (!inbox)
        return;
    for (size_t i = 0; i < LANES; i++) {
        f2m_lane_deinit(&inbox->lanes[i]);
        free(inbox->hand[i]);
    }
    f2m_chunk_pool_deinit(&inbox->pool);
    close(inbox->fd);
    pthread_cond_destroy(&inbox->space);
    pthread_mutex_destroy(&inbox->lock);
    free(inbox);
}

int f2m_inbox_fd(const struct f2m_inbox *inbox)
{
    return inbox->fd;
}

uint64_t f2m_inbox_dropped(const struct f2m_inbox *inbox)
{
    return atomic_load_explicit(&inbox->dropped, memory_order_relaxed);
}

uint64_t f2m_inbox_ups(const struct f2m_inbox *inbox)
{
    return atomic_load_explicit(&inbox->ups, memory_order_relaxed);
}

/* Sets the timer only where something changes: most messages of a batch cost no system call. */
static void wake_set(struct f2m_inbox *inbox, enum wake wake)
{
    if (wake != WAKE_QUIET && wake <= inbox->wake)
        return;
    if (wake == inbox->wake)
        return;
    inbox->wake = wake;
    const long ns[] = {[WAKE_QUIET] = 0, [WAKE_LINGER] = LINGER_NS, [WAKE_NOW] = 1};
    struct itimerspec when = {.it_value.tv_nsec = ns[wake]};
    timerfd_settime(inbox->fd, 0, &when, NULL); /* also takes back an expiry that nobody has read */
}

static bool lane_full(const struct f2m_inbox *inbox, enum f2m_inbox_lane lane, size_t size)
{
    const struct f2m_lane *l = &inbox->lanes[lane];
    size_t max = lane == F2M_INBOX_CONTROL ? inbox->max.control : inbox->max.telemetry;
    return l->records > 0 && (l->records >= max || l->bytes + size > inbox->max.bytes);
}

static void push_control(struct f2m_inbox *inbox, const struct f2m_event *event)
{
    size_t size = f2m_lane_size_of(event);
    while (!inbox->closed && lane_full(inbox, F2M_INBOX_CONTROL, size))
        pthread_cond_wait(&inbox->space, &inbox->lock);
    if (inbox->closed)
        return;
    f2m_lane_append(&inbox->lanes[F2M_INBOX_CONTROL], &inbox->pool, event);
    atomic_store_explicit(&inbox->control_waits, true, memory_order_release);
    wake_set(inbox, WAKE_NOW);
}

static void push_telemetry(struct f2m_inbox *inbox, const struct f2m_event *event)
{
    size_t size = f2m_lane_size_of(event);
    if (inbox->closed)
        return;
    while (lane_full(inbox, F2M_INBOX_TELEMETRY, size)) {
        f2m_lane_drop_oldest(&inbox->lanes[F2M_INBOX_TELEMETRY], &inbox->pool);
        atomic_fetch_add_explicit(&inbox->dropped, 1, memory_order_relaxed);
    }
    f2m_lane_append(&inbox->lanes[F2M_INBOX_TELEMETRY], &inbox->pool, event);
    wake_set(inbox, WAKE_LINGER);
}

void f2m_inbox_push(struct f2m_inbox *inbox, enum f2m_inbox_lane lane, const struct f2m_event *event)
{
    pthread_mutex_lock(&inbox->lock);
    if (lane == F2M_INBOX_CONTROL)
        push_control(inbox, event);
    else
        push_telemetry(inbox, event);
    pthread_mutex_unlock(&inbox->lock);
}

bool f2m_inbox_push_own(struct f2m_inbox *inbox, const struct f2m_event *event)
{
    pthread_mutex_lock(&inbox->lock);
    bool room = !inbox->closed && inbox->own < inbox->max.control;
    if (room) {
        inbox->own++;
        f2m_lane_append(&inbox->lanes[F2M_INBOX_CONTROL], &inbox->pool, event);
        atomic_store_explicit(&inbox->control_waits, true, memory_order_release);
        wake_set(inbox, WAKE_NOW);
    }
    pthread_mutex_unlock(&inbox->lock);
    return room;
}

void f2m_inbox_close(struct f2m_inbox *inbox)
{
    pthread_mutex_lock(&inbox->lock);
    inbox->closed = true;
    pthread_cond_broadcast(&inbox->space);
    pthread_mutex_unlock(&inbox->lock);
}

/* Swaps the read chunk in the reader's hand for the lane's oldest. The lock is held. */
static bool refill(struct f2m_inbox *inbox, enum f2m_inbox_lane lane)
{
    f2m_chunk_pool_put(&inbox->pool, inbox->hand[lane]);
    inbox->hand[lane] = f2m_lane_take(&inbox->lanes[lane]);
    if (lane == F2M_INBOX_CONTROL) {
        inbox->own = 0;
        atomic_store_explicit(&inbox->control_waits, inbox->lanes[lane].records > 0, memory_order_release);
        pthread_cond_signal(&inbox->space);
    }
    return inbox->hand[lane];
}

/* With both hands empty or control waiting: false when there is nothing anywhere. */
static bool refill_any(struct f2m_inbox *inbox)
{
    pthread_mutex_lock(&inbox->lock);
    bool some = refill(inbox, F2M_INBOX_CONTROL);
    struct f2m_chunk *telemetry = inbox->hand[F2M_INBOX_TELEMETRY];
    if (!telemetry || telemetry->at == telemetry->used)
        some = refill(inbox, F2M_INBOX_TELEMETRY) || some;
    else
        some = true;
    if (!some)
        wake_set(inbox, WAKE_QUIET);
    pthread_mutex_unlock(&inbox->lock);
    return some;
}

bool f2m_inbox_pop(struct f2m_inbox *inbox, struct f2m_event *event)
{
    do {
        if (f2m_chunk_read(inbox->hand[F2M_INBOX_CONTROL], event)) {
            if (event->type == F2M_EV_MQTT_UP)
                atomic_fetch_add_explicit(&inbox->ups, 1, memory_order_relaxed);
            return true;
        }
        if (!atomic_load_explicit(&inbox->control_waits, memory_order_acquire) &&
            f2m_chunk_read(inbox->hand[F2M_INBOX_TELEMETRY], event))
            return true;
    } while (refill_any(inbox));
    return false;
}
