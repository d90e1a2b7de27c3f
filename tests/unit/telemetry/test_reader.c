/* A source with all its parts says what holds at a moment. Interface, section 2 "Sources", clarifications 5 and 21. */
#include "fixture.h"

#include "telemetry/energy.h"

#include <math.h>

static struct f2m_now now;
static struct f2m_err err;

static void setup(void)
{
    now = (struct f2m_now){.mono_ms = 1000000, .wall_ms = NOON};
}

static enum f2m_source_outcome feed_as(struct f2m_source_reader *r, const char *topic, const char *payload, bool retain)
{
    struct f2m_mqtt_message m = {.topic = f2m_slice_of(topic), .payload = f2m_slice_of(payload), .retain = retain};

    return f2m_source_reader_feed(r, now, &m, &err);
}

static enum f2m_source_outcome feed(struct f2m_source_reader *r, const char *topic, const char *payload)
{
    return feed_as(r, topic, payload, false);
}

static void pass(int64_t ms)
{
    now.mono_ms += ms;
    now.wall_ms += ms;
}

static struct f2m_source composed(enum f2m_source_op op, struct f2m_source *parts, size_t n)
{
    return (struct f2m_source){.op = op, .parts = parts, .parts_len = n, .scale = 1, .sign = 1, .max_age_ms = 60000};
}

START_TEST(a_sum_needs_all_its_parts)
{
    struct f2m_source parts[] = {source_on("pv1"), source_at("pv2", NULL, "kW")};
    struct f2m_source sum = composed(F2M_SOURCE_SUM, parts, 2);
    struct f2m_source_reader *r = f2m_source_reader_new(&sum, F2M_VALUE_POWER);

    ck_assert_int_eq(feed(r, "pv1", "4480"), F2M_OUTCOME_TAKEN);
    ck_assert(!f2m_source_reader_read(r, now).known);
    ck_assert_int_eq(feed(r, "pv2", "2.069"), F2M_OUTCOME_TAKEN);
    ck_assert_double_eq(f2m_source_reader_read(r, now).number, 6549);
    ck_assert_int_eq(feed(r, "pv3", "1"), F2M_OUTCOME_NONE);
    feed(r, "pv1", "unavailable");
    ck_assert(!f2m_source_reader_read(r, now).known);
    ck_assert(isnan(f2m_source_reader_read(r, now).number));
    f2m_source_reader_free(r);
}
END_TEST

START_TEST(missing_zero_lets_absent_parts_count_0)
{
    struct f2m_source parts[] = {source_on("l1"), source_on("l2")};
    struct f2m_source sum = composed(F2M_SOURCE_SUM, parts, 2);

    sum.missing_zero = true;
    struct f2m_source_reader *r = f2m_source_reader_new(&sum, F2M_VALUE_SIGNED_POWER);
    ck_assert(!f2m_source_reader_read(r, now).known);
    feed(r, "l1", "100");
    ck_assert_double_eq(f2m_source_reader_read(r, now).number, 100);
    pass(30000);
    feed(r, "l2", "23");
    ck_assert_double_eq(f2m_source_reader_read(r, now).number, 123);
    pass(30001); /* l1 is too old now */
    ck_assert_double_eq(f2m_source_reader_read(r, now).number, 23);
    ck_assert(f2m_source_reader_read(r, now).fresh);
    pass(30000);
    ck_assert(!f2m_source_reader_read(r, now).fresh);
    f2m_source_reader_free(r);
}
END_TEST

START_TEST(a_difference_takes_one_from_the_other)
{
    struct f2m_source parts[] = {source_on("chg"), source_on("dis")};
    struct f2m_source d = composed(F2M_SOURCE_DIFFERENCE, parts, 2);
    struct f2m_source_reader *r = f2m_source_reader_new(&d, F2M_VALUE_SIGNED_POWER);

    feed(r, "chg", "0");
    feed(r, "dis", "512");
    ck_assert_double_eq(f2m_source_reader_read(r, now).number, -512);
    f2m_source_reader_free(r);
}
END_TEST

START_TEST(a_product_of_plain_numbers_has_an_outer_unit_and_sign)
{
    struct f2m_source parts[] = {source_at("b", "/v", ""), source_at("b", "/i", "")};
    struct f2m_source p = composed(F2M_SOURCE_PRODUCT, parts, 2);

    p.unit = unit_of("W");
    p.sign = -1;
    struct f2m_source_reader *r = f2m_source_reader_new(&p, F2M_VALUE_SIGNED_POWER);
    feed(r, "b", "{\"v\":48.150001525878906,\"i\":-46.099998474121094}");
    ck_assert_double_eq_tol(f2m_source_reader_read(r, now).number, 2219.715, 1e-9);
    f2m_source_reader_free(r);
}
END_TEST

START_TEST(compositions_may_hold_compositions)
{
    struct f2m_source phase[] = {source_on("u"), source_on("i")};
    struct f2m_source parts[] = {composed(F2M_SOURCE_PRODUCT, phase, 2),
                                 source_on("l2"),
                                 {.op = F2M_SOURCE_CONST, .constant = text("5"), .scale = 1, .sign = 1}};
    struct f2m_source sum = composed(F2M_SOURCE_SUM, parts, 3);
    struct f2m_source_reader *r = f2m_source_reader_new(&sum, F2M_VALUE_POWER);

    ck_assert_uint_eq(f2m_source_reader_leaves(r), 4);
    feed(r, "u", "230");
    feed(r, "i", "2");
    feed(r, "l2", "40");
    ck_assert_double_eq(f2m_source_reader_read(r, now).number, 505);
    f2m_source_reader_free(r);
}
END_TEST

START_TEST(the_whole_must_be_in_range_and_else_the_part_stays_as_it_was)
{
    struct f2m_source parts[] = {source_on("a"), source_on("b")};
    struct f2m_source sum = composed(F2M_SOURCE_SUM, parts, 2);
    struct f2m_source_reader *r = f2m_source_reader_new(&sum, F2M_VALUE_PERCENTAGE);

    feed(r, "a", "60");
    feed(r, "b", "30");
    ck_assert_int_eq(feed(r, "b", "50"), F2M_OUTCOME_INVALID);
    ck_assert_str_eq(err.text, "expected a percentage from 0 to 100, found 110");
    ck_assert_double_eq(f2m_source_reader_read(r, now).number, 90);
    f2m_source_reader_free(r);
}
END_TEST

START_TEST(the_age_of_a_whole_is_its_oldest_parts)
{
    struct f2m_source parts[] = {source_on("a"), source_on("b")};
    struct f2m_source sum = composed(F2M_SOURCE_SUM, parts, 2);
    struct f2m_source_reader *r = f2m_source_reader_new(&sum, F2M_VALUE_POWER);

    feed(r, "a", "60");
    pass(20000);
    feed(r, "b", "30");
    pass(40000);
    struct f2m_reading reading = f2m_source_reader_read(r, now);
    ck_assert_int_eq(reading.age_ms, 60000);
    ck_assert(reading.fresh);
    pass(1);
    ck_assert(!f2m_source_reader_read(r, now).fresh);
    ck_assert(f2m_source_reader_read(r, now).known);
    f2m_source_reader_free(r);
}
END_TEST

START_TEST(a_const_is_always_there)
{
    struct f2m_source s = {.op = F2M_SOURCE_CONST,
                           .constant = text("13.5"),
                           .unit = unit_of("kWh"),
                           .scale = 1,
                           .sign = 1,
                           .max_age_ms = 1000};
    struct f2m_source_reader *r = f2m_source_reader_new(&s, F2M_VALUE_ENERGY);

    pass(100000);
    struct f2m_reading reading = f2m_source_reader_read(r, now);
    ck_assert(reading.known && reading.fresh);
    ck_assert_double_eq(reading.number, 13500);
    ck_assert(f2m_source_reader_at(r, now.mono_ms).constant);
    f2m_source_reader_free(r);
}
END_TEST

START_TEST(texts_and_modes_are_kept)
{
    struct f2m_source s = source_on("model");
    struct f2m_source_reader *r = f2m_source_reader_new(&s, F2M_VALUE_TEXT);

    ck_assert_ptr_null(f2m_source_reader_read(r, now).text);
    feed(r, "model", "A");
    feed(r, "model", "Model 17");
    ck_assert_str_eq(f2m_source_reader_read(r, now).text, "Model 17");
    feed(r, "model", "B");
    ck_assert_str_eq(f2m_source_reader_read(r, now).text, "B");
    feed(r, "model", "none");
    ck_assert_ptr_null(f2m_source_reader_read(r, now).text);
    f2m_source_reader_free(r);
    r = f2m_source_reader_new(&s, F2M_VALUE_MODE);
    feed(r, "model", "BACKUP");
    ck_assert_str_eq(f2m_source_reader_read(r, now).text, "BACKUP");
    ck_assert_double_eq(f2m_source_reader_read(r, now).number, F2M_MODE_BACKUP);
    f2m_source_reader_free(r);
}
END_TEST

START_TEST(a_retained_replay_is_shown_but_not_fresh)
{
    struct f2m_source s = source_on("x");
    struct f2m_source_reader *r = f2m_source_reader_new(&s, F2M_VALUE_BOOL);

    ck_assert_int_eq(feed_as(r, "x", "true", true), F2M_OUTCOME_STALE);
    struct f2m_reading reading = f2m_source_reader_read(r, now);
    ck_assert(reading.known && !reading.fresh && reading.number == 1);
    ck_assert_int_eq(reading.age_ms, F2M_FOREVER);
    ck_assert_int_eq(feed_as(r, "x", "unavailable", true), F2M_OUTCOME_MISSING); /* says nothing of now */
    feed(r, "x", "false");
    ck_assert_int_eq(feed_as(r, "x", "true", true), F2M_OUTCOME_STALE);
    ck_assert_double_eq(f2m_source_reader_read(r, now).number, 0);
    f2m_source_reader_free(r);
    s.retained_accept = true;
    r = f2m_source_reader_new(&s, F2M_VALUE_BOOL);
    ck_assert_int_eq(feed_as(r, "x", "true", true), F2M_OUTCOME_TAKEN);
    ck_assert(f2m_source_reader_read(r, now).fresh);
    f2m_source_reader_free(r);
}
END_TEST

START_TEST(a_wildcard_takes_every_topic_that_matches)
{
    struct f2m_source s = source_on("a/+/soc");
    struct f2m_source_reader *r = f2m_source_reader_new(&s, F2M_VALUE_PERCENTAGE);

    feed(r, "a/1/soc", "10");
    feed(r, "a/2/soc", "20");
    ck_assert_int_eq(feed(r, "a/2/power", "30"), F2M_OUTCOME_NONE);
    ck_assert_double_eq(f2m_source_reader_read(r, now).number, 20);
    f2m_source_reader_free(r);
}
END_TEST

START_TEST(an_unmapped_source_has_no_reader)
{
    struct f2m_source s = {.op = F2M_SOURCE_NONE};

    ck_assert_ptr_null(f2m_source_reader_new(&s, F2M_VALUE_POWER));
    f2m_source_reader_free(NULL);
}
END_TEST

/* ---- energy of a power ---- */

START_TEST(an_integral_ends_each_part_at_its_own_max_age)
{
    struct f2m_source parts[] = {source_on("a"), source_on("b")};
    struct f2m_source sum = composed(F2M_SOURCE_SUM, parts, 2);
    struct f2m_integral i = {0};

    sum.missing_zero = true;
    struct f2m_source_reader *r = f2m_source_reader_new(&sum, F2M_VALUE_SIGNED_POWER);
    f2m_integral_open(&i, now.mono_ms, now.mono_ms);
    feed(r, "a", "3600");
    pass(20000);
    f2m_integral_advance(&i, r, now.mono_ms); /* before the value changes: 20 Wh */
    feed(r, "b", "-1800");
    pass(200000);
    f2m_integral_advance(&i, r, now.mono_ms); /* 40 s of 1800, then 20 s of -1800 */
    ck_assert_double_eq(f2m_integral_plus(&i), 40);
    ck_assert_double_eq(f2m_integral_minus(&i), 10);
    ck_assert_int_eq(i.covered_ms, 80000);
    f2m_source_reader_free(r);
}
END_TEST

START_TEST(an_integral_without_values_is_unknown)
{
    struct f2m_source s = source_on("p");
    struct f2m_source_reader *r = f2m_source_reader_new(&s, F2M_VALUE_POWER);
    struct f2m_integral i = {0};

    f2m_integral_open(&i, now.mono_ms, now.mono_ms);
    pass(60000);
    f2m_integral_advance(&i, r, now.mono_ms);
    ck_assert(isnan(f2m_integral_plus(&i)) && isnan(f2m_integral_minus(&i)));
    feed(r, "p", "0");
    pass(1);
    f2m_integral_advance(&i, r, now.mono_ms);
    ck_assert_double_eq(f2m_integral_plus(&i), 0);
    f2m_source_reader_free(r);
}
END_TEST

START_TEST(no_moment_counts_twice)
{
    struct f2m_source s = source_on("p");
    struct f2m_source_reader *r = f2m_source_reader_new(&s, F2M_VALUE_POWER);
    struct f2m_integral i = {0};

    f2m_integral_open(&i, now.mono_ms, now.mono_ms);
    feed(r, "p", "3600");
    pass(10000);
    f2m_integral_advance(&i, r, now.mono_ms);
    f2m_integral_advance(&i, r, now.mono_ms - 5000);
    f2m_integral_advance(&i, r, now.mono_ms);
    ck_assert_double_eq(f2m_integral_plus(&i), 10);
    f2m_integral_open(&i, now.mono_ms - 5000, now.mono_ms); /* an interval that began in what was summed already */
    f2m_integral_advance(&i, r, now.mono_ms);
    ck_assert(isnan(f2m_integral_plus(&i)));
    f2m_source_reader_free(r);
}
END_TEST

RUN_TESTS("reader", setup, NULL, a_sum_needs_all_its_parts, missing_zero_lets_absent_parts_count_0,
          a_difference_takes_one_from_the_other, a_product_of_plain_numbers_has_an_outer_unit_and_sign,
          compositions_may_hold_compositions, the_whole_must_be_in_range_and_else_the_part_stays_as_it_was,
          the_age_of_a_whole_is_its_oldest_parts, a_const_is_always_there, texts_and_modes_are_kept,
          a_retained_replay_is_shown_but_not_fresh, a_wildcard_takes_every_topic_that_matches,
          an_unmapped_source_has_no_reader, an_integral_ends_each_part_at_its_own_max_age,
          an_integral_without_values_is_unknown, no_moment_counts_twice)
