/* Topics and filters follow MQTT 5, section 4.7, and a minimal cover receives each topic exactly as all filters did. */
#include "suite.h"

#include "util/rng.h"
#include "util/topic.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *filter, *topic;
    bool matches;
} matches[] = {
    /* 4.7.1.2 */
    {"sport/tennis/player1/#", "sport/tennis/player1", true},
    {"sport/tennis/player1/#", "sport/tennis/player1/ranking", true},
    {"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
    {"sport/tennis/player1/#", "sport/tennis/player2", false},
    {"sport/tennis/player1/#", "sport/tennis/player11", false},
    {"sport/#", "sport", true},
    {"#", "a", true},
    {"#", "/", true},
    {"#", "a/b/c", true},
    /* 4.7.1.3 */
    {"sport/tennis/+", "sport/tennis/player1", true},
    {"sport/tennis/+", "sport/tennis/player2", true},
    {"sport/tennis/+", "sport/tennis/player1/ranking", false},
    {"sport/+", "sport", false},
    {"sport/+", "sport/", true},
    {"+", "sport", true},
    {"+", "/sport", false},
    {"+/tennis/#", "sport/tennis", true},
    {"+/tennis/#", "sport/tennis/x/y", true},
    {"sport/+/player1", "sport/tennis/player1", true},
    {"sport/+/player1", "sport/player1", false},
    {"+/+", "/finance", true},
    {"/+", "/finance", true},
    {"+", "/finance", false},
    /* 4.7.2 */
    {"#", "$SYS/broker", false},
    {"+/monitor/Clients", "$SYS/monitor/Clients", false},
    {"$SYS/#", "$SYS/broker/load", true},
    {"$SYS/#", "$SYS", true},
    {"$SYS/monitor/+", "$SYS/monitor/Clients", true},
    {"a/+", "a/$b", true},
    {"a/#", "a/$b", true},
    /* 4.7.3 */
    {"ACCOUNTS", "Accounts", false},
    {"Accounts payable", "Accounts payable", true},
    {"finance", "/finance", false},
    {"a/b", "a/b", true},
    {"a/b", "a/bc", false},
    {"a/bc", "a/b", false},
    {"a", "a/b", false},
    {"a/b", "a", false},
    {"a//b", "a//b", true},
    {"a/+/b", "a//b", true},
    {"a/", "a", false},
    {"a", "a/", false},
    {"/", "/", true},
    {"+/+", "/", true},
};

START_TEST(filters_match_as_the_specification_says)
{
    for (size_t i = 0; i < F2M_COUNT(matches); i++)
        ck_assert_msg(f2m_topic_matches(matches[i].filter, matches[i].topic) == matches[i].matches, "%s, %s",
                      matches[i].filter, matches[i].topic);
}
END_TEST

START_TEST(names_and_filters_are_checked)
{
    static const struct {
        const char *text;
        bool name, filter;
    } cases[] = {
        {"", false, false},       {"a", true, true},
        {"/", true, true},        {"a//b", true, true},
        {" ", true, true},        {"gr\xC3\xBC\xC3\x9F/a", true, true},
        {"a\xFF", false, false},  {"a\xED\xA0\x80", false, false},
        {"#", false, true},       {"+", false, true},
        {"+/#", false, true},     {"a/#", false, true},
        {"/#", false, true},      {"a/+/b", false, true},
        {"+/+/+", false, true},   {"a#", false, false},
        {"a/b#", false, false},   {"a/#/b", false, false},
        {"#/", false, false},     {"##", false, false},
        {"a+", false, false},     {"+a", false, false},
        {"a/+b/c", false, false}, {"a/b+/c", false, false},
        {"++", false, false},     {"+#", false, false},
    };

    for (size_t i = 0; i < F2M_COUNT(cases); i++) {
        ck_assert_msg(f2m_topic_name_valid(cases[i].text) == cases[i].name, "%s", cases[i].text);
        ck_assert_msg(f2m_topic_filter_valid(cases[i].text) == cases[i].filter, "%s", cases[i].text);
    }
}
END_TEST

START_TEST(topics_end_at_65535_bytes)
{
    static char text[F2M_TOPIC_MAX + 2];

    memset(text, 'a', F2M_TOPIC_MAX);
    ck_assert(f2m_topic_name_valid(text) && f2m_topic_filter_valid(text));
    text[F2M_TOPIC_MAX] = 'a';
    ck_assert(!f2m_topic_name_valid(text) && !f2m_topic_filter_valid(text));
}
END_TEST

START_TEST(wildcards_are_seen)
{
    ck_assert(f2m_topic_has_wildcard("a/+"));
    ck_assert(f2m_topic_has_wildcard("#"));
    ck_assert(!f2m_topic_has_wildcard("a/b"));
}
END_TEST

static const struct {
    const char *wide, *narrow;
    bool covers;
} covers[] = {
    {"a/b", "a/b", true},         {"a/b", "a/c", false},    {"a/+", "a/b", true},
    {"a/+", "a/+", true},         {"a/b", "a/+", false},    {"a/#", "a/+", true},
    {"a/#", "a/+/c", true},       {"a/#", "a", true},       {"a/#", "a/#", true},
    {"a/#", "a/b/#", true},       {"a", "a/#", false},      {"a/b/#", "a/#", false},
    {"a/+/#", "a/#", false}, /* "a" */
    {"a/+", "a/#", false},        {"#", "+/+", true},       {"#", "+/#", true},
    {"+/#", "#", true}, /* every topic has a first level */
    {"+/+/#", "#", false},        {"+/#", "+", true},       {"+", "#", false},
    {"+/+", "+", false},          {"+/b", "a/b", true},     {"+/b", "a/+", false},
    {"#", "$SYS/#", false},       {"+/#", "$SYS/#", false}, {"#", "$SYS/a", false},
    {"$SYS/#", "$SYS/+/a", true}, {"$SYS/#", "#", false},   {"+/a", "$SYS/a", false},
};

START_TEST(one_filter_covers_another)
{
    for (size_t i = 0; i < F2M_COUNT(covers); i++)
        ck_assert_msg(f2m_topic_covers(covers[i].wide, covers[i].narrow) == covers[i].covers, "%s, %s", covers[i].wide,
                      covers[i].narrow);
}
END_TEST

static const struct {
    const char *filters[6], *cover[6];
} minimal[] = {
    {{NULL}, {NULL}},
    {{"a"}, {"a"}},
    {{"a", "a", "b", "a"}, {"a", "b"}},
    {{"b", "a/+", "a/1", "a/2"}, {"b", "a/+"}},
    {{"a/1", "a/2", "a/+", "c"}, {"a/+", "c"}},
    {{"a/1", "a/+", "a/#"}, {"a/#"}},
    {{"#", "+/#", "a"}, {"#"}},
    {{"+/#", "#", "a"}, {"+/#"}},
    {{"#", "$SYS/a", "x"}, {"#", "$SYS/a"}},
    {{"a/+", "+/b"}, {"a/+", "+/b"}},
    {{"a/#", "a/#", "a"}, {"a/#"}},
    {{"x/y", "a/b/c", "a/+/c", "+/b/+", "a/b/#"}, {"x/y", "a/+/c", "+/b/+", "a/b/#"}},
};

START_TEST(a_cover_is_minimal_and_in_order)
{
    for (size_t i = 0; i < F2M_COUNT(minimal); i++) {
        const char *filters[6];
        size_t n = 0, expected = 0;
        for (; n < 6 && minimal[i].filters[n]; n++)
            filters[n] = minimal[i].filters[n];
        while (expected < 6 && minimal[i].cover[expected])
            expected++;
        ck_assert_uint_eq(f2m_topic_minimal_cover(filters, n), expected);
        for (size_t k = 0; k < expected; k++)
            ck_assert_str_eq(filters[k], minimal[i].cover[k]);
    }
}
END_TEST

static bool any(const char *const *filters, size_t n, const char *topic)
{
    for (size_t i = 0; i < n; i++)
        if (f2m_topic_matches(filters[i], topic))
            return true;
    return false;
}

#define TEXT_SIZE 32

/* A random text of up to 3 levels. */
static void random_levels(struct f2m_rng *rng, char *out, const char *const *levels, int64_t n)
{
    int64_t depth = 1 + f2m_rng_below(rng, 3);
    int len = 0;

    for (int64_t i = 0; i < depth; i++) {
        const char *level = levels[f2m_rng_below(rng, n)];
        len += snprintf(out + len, TEXT_SIZE - (size_t)len, "%s%s", i > 0 ? "/" : "", level);
        if (*level == '#')
            return;
    }
}

/* Over a small world every topic is matched by the cover where a filter matched it, and covering means just that. */
START_TEST(covers_agree_with_matching)
{
    static const char *const levels[] = {"a", "b", "", "$c", "+", "#"};
    struct f2m_rng rng = {4711};
    char texts[6][TEXT_SIZE], topic[TEXT_SIZE];

    for (int round = 0; round < 3000; round++) {
        const char *filters[6], *cover[6];
        for (size_t i = 0; i < 6; i++) {
            random_levels(&rng, texts[i], levels, 6);
            filters[i] = cover[i] = *texts[i] ? texts[i] : "a";
        }
        size_t kept = f2m_topic_minimal_cover(cover, 6);
        bool wide = f2m_topic_covers(filters[0], filters[1]);
        for (int i = 0; i < 30; i++) {
            random_levels(&rng, topic, levels, 4);
            if (!*topic)
                continue;
            F2M_HOLD(any(filters, 6, topic) == any(cover, kept, topic), "%s (seed 4711, round %d)", topic, round);
            if (wide && f2m_topic_matches(filters[1], topic))
                F2M_HOLD(f2m_topic_matches(filters[0], topic), "%s, %s, %s", filters[0], filters[1], topic);
        }
    }
}
END_TEST

F2M_SUITE("util/topic", filters_match_as_the_specification_says, names_and_filters_are_checked,
          topics_end_at_65535_bytes, wildcards_are_seen, one_filter_covers_another, a_cover_is_minimal_and_in_order,
          covers_agree_with_matching)
