/* The small pure pieces: home's balance, the agenda, the router, the table of fields. */
#include "fixture.h"

#include "telemetry/agenda.h"
#include "telemetry/derive.h"
#include "telemetry/point.h"
#include "util/rng.h"
#include "util/route.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- Interface, clarification 8 ---- */

START_TEST(home_is_the_balance_of_the_others)
{
    static const struct {
        struct f2m_flows flows;
        double home; /* NAN = unknown */
        bool mismatch;
    } list[] = {
        {{.solar = 3000, .import = 0, .export = 400, .discharge = 0, .charge = 1000}, 1600, false},
        {{.import = 500, .discharge = 250}, 750, false},
        {{.import = 50, .charge = 100}, 0, false},     /* 50 W are noise */
        {{.import = 49.9, .charge = 100}, NAN, true},  /* more is not */
        {{.import = 9500, .charge = 10000}, 0, false}, /* 5 % of the largest term */
        {{.import = 9499, .charge = 10000}, NAN, true},
        {{.solar = NAN, .import = 500}, NAN, false}, /* unknown is no contradiction */
        {{.solar = 100, .import = 500, .charge = NAN}, NAN, false},
    };

    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        bool mismatch = false;
        double home = f2m_derive_home(&list[i].flows, F2M_HOME_TOLERANCE_W, &mismatch);
        ck_assert_msg(isnan(home) == isnan(list[i].home) && (isnan(home) || home == list[i].home), "%zu: %g", i, home);
        ck_assert_msg(mismatch == list[i].mismatch, "%zu: mismatch", i);
    }
}
END_TEST

START_TEST(differences_lose_their_binary_noise)
{
    ck_assert_double_eq(f2m_round_micro(5010.3 - 5000.1), 10.2);
    ck_assert_double_eq(f2m_round_micro(0.1 + 0.2), 0.3);
    ck_assert(isnan(f2m_round_micro(NAN)));
    ck_assert_double_eq(f2m_round_micro(12345678901.25), 12345678901.25);
}
END_TEST

/* ---- the agenda ---- */

START_TEST(the_agenda_always_knows_the_first)
{
    enum { N = 200 };
    struct f2m_agenda_entry entries[N];
    struct f2m_agenda a = {0};
    struct f2m_rng rng = {.state = 42};

    ck_assert_ptr_null(f2m_agenda_first(&a));
    for (int i = 0; i < N; i++)
        f2m_agenda_add(&a, &entries[i], f2m_rng_below(&rng, 1000));
    for (int step = 0; step < 5000; step++) {
        f2m_agenda_move(&a, &entries[f2m_rng_below(&rng, N)], f2m_rng_below(&rng, 1000));
        int64_t least = INT64_MAX;
        for (int i = 0; i < N; i++)
            least = entries[i].due_ms < least ? entries[i].due_ms : least;
        if (f2m_agenda_first(&a)->due_ms != least)
            ck_abort_msg("step %d", step);
    }
    f2m_agenda_all_due(&a);
    ck_assert_int_eq(f2m_agenda_first(&a)->due_ms, INT64_MIN);
    f2m_agenda_deinit(&a);
}
END_TEST

/* ---- the router ---- */

/* Names of one letter, gathered in order. */
static void note(void *ctx, void *subscriber)
{
    char *seen = ctx;
    memcpy(seen + strlen(seen), subscriber, 2);
}

START_TEST(topics_reach_exact_and_wildcard_subscribers)
{
    struct f2m_router *router = f2m_router_new();
    char seen[64] = "";
    static char a[] = "a", b[] = "b", c[] = "c", d[] = "d";

    f2m_router_add(router, "x/1", a);
    f2m_router_add(router, "x/1", b);
    f2m_router_add(router, "x/2", c);
    f2m_router_add(router, "x/+", d);
    f2m_router_add(router, "#", a);
    ck_assert_uint_eq(f2m_router_match(router, f2m_slice_of("x/1"), note, seen), 4);
    ck_assert_str_eq(seen, "abda");
    seen[0] = '\0';
    f2m_router_remove(router, a);
    ck_assert_uint_eq(f2m_router_match(router, f2m_slice_of("x/1"), note, seen), 2);
    ck_assert_str_eq(seen, "bd");
    seen[0] = '\0';
    ck_assert_uint_eq(f2m_router_match(router, f2m_slice_of("x/3/y"), note, seen), 0);
    f2m_router_remove(router, b);
    f2m_router_remove(router, d);
    ck_assert_uint_eq(f2m_router_match(router, f2m_slice_of("x/1"), note, seen), 0);
    f2m_router_free(router);
    f2m_router_free(NULL);
}
END_TEST

START_TEST(one_topic_may_have_many_subscribers)
{
    struct f2m_router *router = f2m_router_new();
    char seen[2000] = "";
    static char x[] = "x";

    for (int i = 0; i < 1000; i++)
        f2m_router_add(router, "t", x);
    ck_assert_uint_eq(f2m_router_match(router, f2m_slice_of("t"), note, seen), 1000);
    ck_assert_uint_eq(strlen(seen), 1000);
    f2m_router_free(router);
}
END_TEST

/* ---- the fields ---- */

START_TEST(the_fields_are_flips)
{
    static const char *const not_null[] = {"start_time", "duration_s", "device_id", "timestamp"};
    const enum f2m_telemetry_endpoint endpoints[] = {F2M_TELEMETRY_INTERVAL, F2M_TELEMETRY_COUNTER};

    ck_assert_uint_eq(f2m_point_fields(F2M_TELEMETRY_INTERVAL), 20);
    ck_assert_uint_eq(f2m_point_fields(F2M_TELEMETRY_COUNTER), 18);
    for (size_t e = 0; e < 2; e++) {
        for (size_t i = 0; i < f2m_point_fields(endpoints[e]); i++) {
            struct f2m_point_field f = f2m_point_field(endpoints[e], i);
            bool required = false;
            for (size_t n = 0; n < 4; n++)
                required = required || strcmp(f.name, not_null[n]) == 0;
            ck_assert_msg(f.nullable == !required, "%s", f.name);
        }
    }
}
END_TEST

RUN_TESTS("parts", NULL, NULL, home_is_the_balance_of_the_others, differences_lose_their_binary_noise,
          the_agenda_always_knows_the_first, topics_reach_exact_and_wildcard_subscribers,
          one_topic_may_have_many_subscribers, the_fields_are_flips)
