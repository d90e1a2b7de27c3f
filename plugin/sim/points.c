#include "sim/points.h"

#include "sim/fields.h"
#include "sim/limits.h"

void sim_points_init(struct sim_points *points, size_t keep)
{
    *points = (struct sim_points){.keep = keep};
}

static struct sim_point *at_slot(const struct sim_points *points, uint32_t slot)
{
    return &points->ring[slot];
}

uint64_t sim_points_oldest(const struct sim_points *points)
{
    return points->next > points->keep ? points->next - points->keep : 0;
}

const struct sim_point *sim_points_at(const struct sim_points *points, uint64_t sequence)
{
    return at_slot(points, (uint32_t)(sequence % points->keep));
}

void sim_points_deinit(struct sim_points *points)
{
    for (uint64_t i = sim_points_oldest(points); i < points->next; i++)
        free(at_slot(points, (uint32_t)(i % points->keep))->raw);
    struct sim_reporter *reporter, *next;
    HASH_ITER(hh, points->by_id, reporter, next)
    {
        HASH_DEL(points->by_id, reporter);
        for (int i = 0; i < SIM_ENDPOINTS; i++)
            free(reporter->series[i].slots);
        free(reporter->id);
        free(reporter);
    }
    free(points->by_index);
    free(points->ring);
    *points = (struct sim_points){.keep = points->keep};
}

struct sim_reporter *sim_points_reporter(struct sim_points *points, const char *id, bool make)
{
    struct sim_reporter *reporter = NULL;
    HASH_FIND_STR(points->by_id, id, reporter);
    if (reporter || !make || points->reporters == SIM_MAX_RESOURCES)
        return reporter;
    reporter = f2m_xcalloc(1, sizeof *reporter);
    reporter->id = f2m_xstrdup(id);
    reporter->index = points->reporters;
    if ((points->reporters & (points->reporters + 1)) == 0)
        points->by_index =
            f2m_xreallocarray(points->by_index, (size_t)points->reporters * 2 + 2, sizeof *points->by_index);
    points->by_index[points->reporters++] = reporter;
    HASH_ADD_KEYPTR(hh, points->by_id, reporter->id, strlen(reporter->id), reporter);
    return reporter;
}

/* The first position whose point does not start before start_ms. */
static size_t lower_bound(const struct sim_points *points, const struct sim_series *series, int64_t start_ms)
{
    size_t low = 0, high = series->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (at_slot(points, series->slots[series->head + middle])->start_ms < start_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void series_insert(struct sim_series *series, size_t position, uint32_t slot)
{
    if (series->head + series->n == series->cap && series->head > series->n) {
        memmove(series->slots, series->slots + series->head, series->n * sizeof *series->slots);
        series->head = 0;
    } else if (series->head + series->n == series->cap) {
        series->cap = series->cap ? series->cap * 2 : 16;
        series->slots = f2m_xreallocarray(series->slots, series->cap, sizeof *series->slots);
    }
    uint32_t *at = series->slots + series->head + position;
    memmove(at + 1, at, (series->n - position) * sizeof *at);
    *at = slot;
    series->n++;
}

static void series_remove(struct sim_series *series, size_t position)
{
    series->n--;
    if (position == 0) {
        series->head++;
        return;
    }
    uint32_t *at = series->slots + series->head + position;
    memmove(at, at + 1, (series->n - position) * sizeof *at);
}

/* Makes slot next % keep free: grows the ring while it may, else forgets the oldest point. */
static uint32_t free_slot(struct sim_points *points)
{
    uint32_t slot = (uint32_t)(points->next % points->keep);
    if (points->next < points->keep) {
        if (points->next < points->cap)
            return slot;
        points->cap = points->cap ? points->cap * 2 : 1024;
        if (points->cap > points->keep)
            points->cap = points->keep;
        points->ring = f2m_xreallocarray(points->ring, points->cap, sizeof *points->ring);
        return slot;
    }
    struct sim_point *old = at_slot(points, slot);
    struct sim_series *series = &points->by_index[old->device]->series[old->endpoint];
    series_remove(series, lower_bound(points, series, old->start_ms));
    if (old->raw)
        points->raw_bytes -= strlen(old->raw) + 1;
    free(old->raw);
    points->counts.forgotten++;
    return slot;
}

static bool same_content(const struct sim_point *a, const struct sim_point *b)
{
    return a->duration_ms == b->duration_ms && a->given == b->given && a->nulls == b->nulls && a->mode == b->mode &&
           a->is_online == b->is_online && a->is_grid_online == b->is_grid_online && a->raw_hash == b->raw_hash &&
           memcmp(a->value, b->value, sizeof a->value) == 0; // NOLINT(bugprone-suspicious-memory-comparison): bits
}

static bool overlaps(const struct sim_points *points, const struct sim_series *series, size_t position,
                     const struct sim_point *point)
{
    const uint32_t *slots = series->slots + series->head;
    if (position < series->n && at_slot(points, slots[position])->start_ms < point->start_ms + point->duration_ms)
        return true;
    for (size_t i = position; i-- > 0;) {
        const struct sim_point *before = at_slot(points, slots[i]);
        if (before->start_ms + series->longest_ms <= point->start_ms)
            return false;
        if (before->start_ms + before->duration_ms > point->start_ms)
            return true;
    }
    return false;
}

/* Lifetime counters never fall: neither against the reading before nor against the one after. */
static bool decreases(const struct sim_points *points, const struct sim_series *series, size_t position,
                      const struct sim_point *point)
{
    const uint32_t *slots = series->slots + series->head;
    return (position > 0 && sim_counter_fell(at_slot(points, slots[position - 1]), point)) ||
           (position < series->n && sim_counter_fell(point, at_slot(points, slots[position])));
}

static void keep_raw(struct sim_points *points, struct sim_point *point)
{
    size_t size = point->raw ? strlen(point->raw) + 1 : 0;
    if (size > SIM_MAX_RAW_BYTES_PER_POINT || points->raw_bytes + size > SIM_MAX_RAW_BYTES) {
        free(point->raw);
        point->raw = NULL;
        size = 0;
    }
    points->raw_bytes += size;
}

static enum sim_put_result store(struct sim_points *points, struct sim_reporter *reporter, struct sim_point *point)
{
    uint32_t slot = free_slot(points); /* may shorten this very series: look up the place only now */
    struct sim_series *series = &reporter->series[point->endpoint];
    size_t position = lower_bound(points, series, point->start_ms);
    enum sim_put_result result = SIM_PUT_NEW;
    if (point->endpoint == SIM_INTERVAL && overlaps(points, series, position, point))
        result = SIM_PUT_OVERLAP;
    if (point->endpoint == SIM_COUNTER && decreases(points, series, position, point))
        result = SIM_PUT_DECREASE;
    if (point->duration_ms > series->longest_ms)
        series->longest_ms = point->duration_ms;
    keep_raw(points, point);
    points->ring[slot] = *point;
    series_insert(series, position, slot);
    points->next++;
    points->counts.stored++;
    reporter->points++;
    points->counts.overlaps += result == SIM_PUT_OVERLAP;
    points->counts.counter_decreases += result == SIM_PUT_DECREASE;
    return result;
}

enum sim_put_result sim_points_put(struct sim_points *points, struct sim_reporter *reporter, struct sim_point *point)
{
    const struct sim_series *series = &reporter->series[point->endpoint];
    size_t position = lower_bound(points, series, point->start_ms);
    point->device = reporter->index;
    if (position == series->n)
        return store(points, reporter, point);
    const struct sim_point *known = at_slot(points, series->slots[series->head + position]);
    if (known->start_ms != point->start_ms)
        return store(points, reporter, point);
    bool same = same_content(known, point);
    free(point->raw);
    point->raw = NULL;
    points->counts.duplicates += same;
    points->counts.conflicts += !same;
    return same ? SIM_PUT_DUPLICATE : SIM_PUT_CONFLICT;
}
