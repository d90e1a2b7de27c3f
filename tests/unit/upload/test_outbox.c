/* A point waits on disk until Flip judged it, is never on its way twice, and its device's topic tells each change. */
#include "world.h"

#include <errno.h>
#include <stdio.h>

#define PENDING(device, start_s)                                                                                       \
    "f2m/device/" device "/telemetry {\"point\":{\"device_id\":\"" device "\",\"start_s\":" #start_s                   \
    ",\"duration_s\":300},\"upload\":{\"state\":\"pending\",\"message\":null}}\n"
#define SENT(device, start_s)                                                                                          \
    "f2m/device/" device "/telemetry {\"point\":{\"device_id\":\"" device "\",\"start_s\":" #start_s                   \
    ",\"duration_s\":300},\"upload\":{\"state\":\"sent\",\"message\":null}}\n"
#define REJECTED(device, start_s, message)                                                                             \
    "f2m/device/" device "/telemetry {\"point\":{\"device_id\":\"" device "\",\"start_s\":" #start_s                   \
    ",\"duration_s\":300},\"upload\":{\"state\":\"rejected\",\"message\":\"" message "\"}}\n"

static struct f2m_point taken[2000];
static char taken_devices[2000][8];
static size_t taken_len;
static char listing[20000];

static bool accept_all(void *ctx, const struct f2m_point *p)
{
    (void)ctx;
    snprintf(taken_devices[taken_len], sizeof taken_devices[0], "%s", p->device_id);
    taken[taken_len] = *p;
    taken[taken_len].device_id = taken_devices[taken_len];
    snprintf(listing + strlen(listing), sizeof listing - strlen(listing), "%s%s@%d", listing[0] ? " " : "",
             p->device_id, (int)(p->start_ms / 1000));
    taken_len++;
    return true;
}

static bool not_a(void *ctx, const struct f2m_point *p)
{
    return strcmp(p->device_id, "A") != 0 && accept_all(ctx, p);
}

/* What a take gives: "A@0 A@300". */
static const char *take(size_t max, int64_t fresh_since_ms, f2m_outbox_offer offer)
{
    taken_len = 0;
    listing[0] = '\0';
    size_t n;
    ck_assert_int_eq(f2m_outbox_take(w.outbox, F2M_TELEMETRY_INTERVAL, max, fresh_since_ms, offer, NULL, &n), 0);
    ck_assert_uint_eq(n, taken_len);
    return listing;
}

static const char *take_all(void)
{
    return take(1000, 0, accept_all);
}

/* The uploader of the world stays away: these tests take its place. */
static void commit(void)
{
    bool ok = f2m_store_commit(w.store) == 0;
    f2m_outbox_committed(w.outbox, w.now, ok, w.fx);
    for (size_t i = 0; i < f2m_effects_count(w.fx); i++) {
        const struct f2m_effect *e = f2m_effects_at(w.fx, i);
        if (e->type == F2M_FX_PUBLISH)
            f2m_strbuf_addf(&w.published, "%s %.*s\n", e->publish.topic, (int)e->publish.payload.len,
                            e->publish.payload.at);
    }
    f2m_effects_reset(w.fx);
}

static void put(const char *device, int64_t start_s)
{
    ck_assert_int_eq(world_put(device, start_s), 0);
}

START_TEST(a_point_is_taken_once_after_its_commit)
{
    put("A", 0);
    put("B", 0);
    ck_assert_str_eq(take_all(), "");
    commit();
    ck_assert_str_eq(take_all(), "A@0 B@0");
    ck_assert_str_eq(take_all(), "");
    f2m_outbox_release(w.outbox, taken[0].id);
    ck_assert_str_eq(take_all(), "A@0");
}
END_TEST

START_TEST(a_key_is_never_taken_in_twice)
{
    put("A", 0);
    ck_assert_int_eq(world_put("A", 0), -EEXIST);
    commit();
    ck_assert_int_eq(world_put("A", 0), -EEXIST);
    ck_assert_uint_eq(f2m_outbox_news(w.outbox, F2M_TELEMETRY_INTERVAL).closed, 1);
}
END_TEST

START_TEST(endpoints_are_apart)
{
    put("A", 0);
    put("C", 0);
    commit();
    ck_assert_str_eq(take_all(), "A@0");
    ck_assert_uint_eq(f2m_outbox_news(w.outbox, F2M_TELEMETRY_COUNTER).closed, 1);
}
END_TEST

START_TEST(fresh_points_come_first_then_the_oldest)
{
    for (int i = 0; i < 6; i++)
        put("A", i * 300);
    commit();
    w.now.wall_ms += 3600000;
    put("A", 3600);
    put("B", 3600);
    commit();
    ck_assert_str_eq(take(6, w.now.wall_ms - 60000, accept_all), "A@3600 B@3600 A@0 A@300 A@600 A@900");
    ck_assert_str_eq(take(6, w.now.wall_ms - 60000, accept_all), "A@1200 A@1500");
}
END_TEST

START_TEST(the_backlog_gets_a_quarter)
{
    put("A", 0);
    put("A", 300);
    commit();
    w.now.wall_ms += 3600000;
    for (int i = 0; i < 8; i++)
        put("B", 3600 + i);
    commit();
    ck_assert_str_eq(take(8, w.now.wall_ms - 60000, accept_all), "B@3600 B@3601 B@3602 B@3603 B@3604 B@3605 A@0 A@300");
    ck_assert_str_eq(take(1, w.now.wall_ms - 60000, accept_all), "B@3606");
}
END_TEST

START_TEST(a_refused_offer_is_not_taken)
{
    put("A", 0);
    put("B", 0);
    commit();
    ck_assert_str_eq(take(10, 0, not_a), "B@0");
    ck_assert_str_eq(take_all(), "A@0");
}
END_TEST

START_TEST(sent_points_leave_the_store)
{
    put("A", 0);
    put("A", 300);
    commit();
    take_all();
    f2m_outbox_sent(w.outbox, w.now, taken, 1, w.fx);
    commit();
    ck_assert_str_eq(world_waiting(), "A@300");
    ck_assert_int_eq(f2m_outbox_stats(w.outbox).pending, 1);
    world_restart();
    ck_assert_str_eq(take_all(), "A@300");
}
END_TEST

START_TEST(rejected_points_are_kept_and_can_be_retried_or_dropped)
{
    put("A", 0);
    put("B", 0);
    commit();
    take_all();
    f2m_outbox_rejected(w.outbox, w.now, &taken[0], "no", w.fx);
    f2m_outbox_rejected(w.outbox, w.now, &taken[1], "never", w.fx);
    commit();
    ck_assert_str_eq(world_rejected(), "A@0:no B@0:never");
    ck_assert_str_eq(take_all(), "");
    ck_assert_int_eq(f2m_outbox_stats(w.outbox).rejected, 2);
    ck_assert_int_eq(f2m_outbox_stats(w.outbox).pending, 0);
    ck_assert_int_eq(f2m_outbox_retry(w.outbox, w.now, "A", w.fx), 1);
    commit();
    ck_assert_uint_eq(f2m_outbox_news(w.outbox, F2M_TELEMETRY_INTERVAL).returned, 1);
    ck_assert_str_eq(take_all(), "A@0");
    ck_assert_int_eq(f2m_outbox_drop(w.outbox, w.now, NULL, w.fx), 1);
    ck_assert_int_eq(f2m_outbox_stats(w.outbox).rejected, 0);
}
END_TEST

static const struct {
    const char *message;
    bool unknown;
} messages[] = {
    {"Unknown device", true}, {"device xyz-123 not found", true}, {"Device does not exist", true},
    {"unknown field", false}, {"device is offline", false},       {"", false},
};

START_TEST(an_unknown_device_waits_again_after_commissioning)
{
    put("A", 0);
    commit();
    take_all();
    f2m_outbox_rejected(w.outbox, w.now, &taken[0], messages[_i].message, w.fx);
    commit();
    ck_assert_int_eq(f2m_outbox_retry_unknown_device(w.outbox, w.now, "B", w.fx), 0);
    ck_assert_int_eq(f2m_outbox_retry_unknown_device(w.outbox, w.now, "A", w.fx), messages[_i].unknown);
    commit();
    ck_assert_str_eq(take_all(), messages[_i].unknown ? "A@0" : "");
}
END_TEST

START_TEST(the_topic_tells_each_transition_of_the_latest_point)
{
    put("A", 0);
    commit();
    ck_assert_str_eq(world_published(), PENDING("A", 0));
    commit();
    ck_assert_str_eq(world_published(), "");
    take_all();
    f2m_outbox_sent(w.outbox, w.now, taken, 1, w.fx);
    commit();
    ck_assert_str_eq(world_published(), SENT("A", 0));
    put("A", 600);
    put("A", 300); /* older than the latest: nobody's news */
    commit();
    ck_assert_str_eq(world_published(), PENDING("A", 600));
    take_all();
    f2m_outbox_sent(w.outbox, w.now, &taken[0], 1, w.fx); /* 300 */
    f2m_outbox_rejected(w.outbox, w.now, &taken[1], "no", w.fx);
    commit();
    ck_assert_str_eq(world_published(), REJECTED("A", 600, "no"));
    f2m_outbox_retry(w.outbox, w.now, NULL, w.fx);
    commit();
    ck_assert_str_eq(world_published(), PENDING("A", 600));
}
END_TEST

START_TEST(a_reconnect_publishes_the_latest_anew)
{
    put("A", 0);
    put("C", 0);
    commit();
    world_published();
    f2m_outbox_mqtt_up(w.outbox, w.now, w.fx);
    commit();
    const char *said = world_published();
    ck_assert_ptr_nonnull(strstr(said, PENDING("A", 0)));
    ck_assert_ptr_nonnull(strstr(said, PENDING("C", 0)));
    ck_assert_ptr_null(strstr(said, "device/B/"));
}
END_TEST

START_TEST(a_restart_knows_the_newest_waiting_point)
{
    put("A", 0);
    put("A", 300);
    commit();
    world_restart();
    f2m_outbox_mqtt_up(w.outbox, w.now, w.fx);
    world_published();
    commit();
    ck_assert_str_eq(world_published(), PENDING("A", 300));
}
END_TEST

START_TEST(devices_that_leave_the_configuration_lose_their_topic_not_their_points)
{
    put("A", 0);
    put("B", 0);
    commit();
    world_published();
    w.site.devices = &w.devices[1]; /* without A */
    w.site.devices_len = 1;
    f2m_outbox_reload(w.outbox, &w.config);
    f2m_outbox_mqtt_up(w.outbox, w.now, w.fx);
    commit();
    ck_assert_str_eq(world_published(), PENDING("B", 0));
    ck_assert_str_eq(take_all(), "A@0 B@0");
    f2m_outbox_sent(w.outbox, w.now, taken, 2, w.fx);
    commit();
    ck_assert_str_eq(world_published(), SENT("B", 0));
}
END_TEST

START_TEST(odd_ids_are_encoded_in_the_topic)
{
    static char odd[] = "a/b +#";
    w.devices[0].id = odd;
    f2m_outbox_reload(w.outbox, &w.config);
    put(odd, 0);
    commit();
    ck_assert_ptr_nonnull(strstr(world_published(), "f2m/device/a%2Fb%20%2B%23/telemetry {"));
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("outbox");
    tcase_add_checked_fixture(t, world_setup, world_teardown);
    tcase_add_test(t, a_point_is_taken_once_after_its_commit);
    tcase_add_test(t, a_key_is_never_taken_in_twice);
    tcase_add_test(t, endpoints_are_apart);
    tcase_add_test(t, fresh_points_come_first_then_the_oldest);
    tcase_add_test(t, the_backlog_gets_a_quarter);
    tcase_add_test(t, a_refused_offer_is_not_taken);
    tcase_add_test(t, sent_points_leave_the_store);
    tcase_add_test(t, rejected_points_are_kept_and_can_be_retried_or_dropped);
    tcase_add_loop_test(t, an_unknown_device_waits_again_after_commissioning, 0, sizeof messages / sizeof *messages);
    tcase_add_test(t, the_topic_tells_each_transition_of_the_latest_point);
    tcase_add_test(t, a_reconnect_publishes_the_latest_anew);
    tcase_add_test(t, a_restart_knows_the_newest_waiting_point);
    tcase_add_test(t, devices_that_leave_the_configuration_lose_their_topic_not_their_points);
    tcase_add_test(t, odd_ids_are_encoded_in_the_topic);
    return world_main("outbox", t);
}
