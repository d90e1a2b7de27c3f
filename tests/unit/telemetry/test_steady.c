/* In the steady state a message costs no allocation, and the points of many devices are closed in slices. */
#include "fixture.h"

#include "telemetry/room.h"

#include <stdio.h>
#include <string.h>

/* The linker leads every allocation of the linked libraries here (--wrap). */
static size_t allocations;
void *__real_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__real_realloc(void *, size_t);
void *__real_reallocarray(void *, size_t, size_t);
void *__wrap_malloc(size_t);
void *__wrap_calloc(size_t, size_t);
void *__wrap_realloc(void *, size_t);
void *__wrap_reallocarray(void *, size_t, size_t);

void *__wrap_malloc(size_t size)
{
    allocations++;
    return __real_malloc(size);
}
void *__wrap_calloc(size_t n, size_t size)
{
    allocations++;
    return __real_calloc(n, size);
}
void *__wrap_realloc(void *p, size_t size)
{
    allocations++;
    return __real_realloc(p, size);
}
void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
    allocations++;
    return __real_reallocarray(p, n, size);
}

static struct home h;

static void setup(void)
{
    home_init(&h, 1);
}

static void teardown(void)
{
    home_deinit(&h);
}

static void round_of_messages(int i)
{
    char payload[200];
    struct f2m_mqtt_message m = {.topic = f2m_slice_of("b")};

    snprintf(payload, sizeof payload, "{\"p\":%d.25,\"soc\":\"%d\",\"e\":%d,\"mode\":\"CHARGE\",\"bad\":{}}", i,
             i % 100, 5000 + i);
    m.payload = f2m_slice_of(payload);
    f2m_telemetry_message(h.telemetry, h.now, &m, h.fx);
    f2m_telemetry_tick(h.telemetry, h.now, h.fx);
    f2m_effects_reset(h.fx);
    home_sleep(&h, 1000);
}

START_TEST(a_message_allocates_nothing)
{
    home_map(&h, F2M_SRC_SOLAR_POWER, source_at("b", "/p", "kW"));
    home_map(&h, F2M_SRC_STATE_OF_CHARGE, source_at("b", "/soc", ""));
    home_map(&h, F2M_SRC_BATTERY_CHARGE_ENERGY, source_at("b", "/e", ""));
    home_map(&h, F2M_SRC_MODE, source_at("b", "/mode", ""));
    home_map(&h, F2M_SRC_HOME_POWER, source_at("b", "/bad", ""));
    home_start(&h);
    for (int i = 0; i < 100; i++)
        round_of_messages(100 + i);
    size_t before = allocations;
    for (int i = 0; i < 150; i++)
        round_of_messages(100 + i);
    size_t after = allocations; /* Check allocates too */
    ck_assert_uint_gt(before, 0);
    ck_assert_uint_eq(after, before);
}
END_TEST

START_TEST(a_tick_closes_a_bounded_number_of_points)
{
    enum { MANY = 2 * F2M_TICK_SLICE + 100 };
    static struct f2m_device devices[MANY];
    static char ids[MANY][16];

    for (int i = 0; i < MANY; i++) {
        snprintf(ids[i], sizeof ids[i], "battery-%d", i);
        devices[i] = h.devices[0];
        devices[i].id = ids[i];
        devices[i].telemetry.sources[F2M_SRC_STATE_OF_CHARGE] = source_on("soc");
    }
    h.site.devices = devices;
    h.site.devices_len = MANY;
    home_start(&h);
    home_sleep(&h, 300000);
    for (size_t slice = 1; slice <= 3; slice++) {
        ck_assert_int_eq(f2m_telemetry_deadline(h.telemetry, h.now), h.now.mono_ms);
        f2m_telemetry_tick(h.telemetry, h.now, h.fx);
        ck_assert_uint_eq(h.counters.points, slice < 3 ? slice * F2M_TICK_SLICE : MANY);
    }
    home_tick(&h);
    ck_assert_uint_eq(h.counters.points, MANY);
}
END_TEST

RUN_TESTS("steady", setup, teardown, a_message_allocates_nothing, a_tick_closes_a_bounded_number_of_points)
