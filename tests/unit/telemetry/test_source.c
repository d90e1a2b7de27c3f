/* A payload becomes a value by the source's rules, or is refused with a reason. Interface, section 2 and clarifications
 * 1, 5, 21, 22, 32. */
#include "fixture.h"

#include <math.h>
#include <string.h>

static const struct f2m_now now = {.mono_ms = 1000000, .wall_ms = NOON};

static struct f2m_map_entry grid_map[2], mode_map[1], percent_map[1];

struct example {
    const char *what;
    enum f2m_value_kind kind;
    struct f2m_source source; /* scale and sign 0 = 1 */
    const char *payload;
    size_t len; /* 0 = strlen */
    enum f2m_source_outcome outcome;
    double number;
    const char *says; /* TEXT kind: the text; INVALID: part of the error */
};

#define POWER      F2M_VALUE_POWER
#define SIGNED     F2M_VALUE_SIGNED_POWER
#define PERCENT    F2M_VALUE_PERCENTAGE
#define COUNTER    F2M_VALUE_COUNTER
#define BOOL       F2M_VALUE_BOOL
#define MODE       F2M_VALUE_MODE
#define TEXT       F2M_VALUE_TEXT
#define TAKEN      F2M_OUTCOME_TAKEN
#define NO_DATA    F2M_OUTCOME_NO_DATA
#define MISSING    F2M_OUTCOME_MISSING
#define INVALID    F2M_OUTCOME_INVALID
#define JSON(p)    .format = F2M_FORMAT_JSON, .path = text(p)
#define KEYS(p)    .format = F2M_FORMAT_KEYVALUE, .path = text(p)
#define UNIT(u)    .unit = unit_of(u)
#define MAP(table) .map = table, .map_len = sizeof table / sizeof table[0]

static size_t examples(struct example *out)
{
    grid_map[0] = (struct f2m_map_entry){text("UP"), text("true")};
    grid_map[1] = (struct f2m_map_entry){text("DOWN"), text("false")};
    mode_map[0] = (struct f2m_map_entry){text("self_consumption"), text("SELF_CONSUMPTION")};
    percent_map[0] = (struct f2m_map_entry){text("full"), text("100")};
    const struct example list[] = {
        {"plain number", SIGNED, {0}, "-12.5", 0, TAKEN, -12.5, NULL},
        {"blanks around", SIGNED, {0}, " \t-12.5\r\n", 0, TAKEN, -12.5, NULL},
        {"exponent", SIGNED, {0}, "1.25e2", 0, TAKEN, 125, NULL},
        {"plus sign", SIGNED, {0}, "+5", 0, TAKEN, 5, NULL},
        {"hex is no number", SIGNED, {0}, "0x04001405", 0, INVALID, 0, "expected a number, found '0x04001405'"},
        {"NaN is no number", SIGNED, {0}, "nan", 0, INVALID, 0, "expected a number"},
        {"infinity is no number", SIGNED, {0}, "inf", 0, INVALID, 0, "expected a number"},
        {"overflow is no number", SIGNED, {0}, "1e999", 0, INVALID, 0, "expected a number"},
        {"trailing text", SIGNED, {0}, "12 W", 0, INVALID, 0, "expected a number, found '12 W'"},
        {"decimal comma", SIGNED, {0}, "12,5", 0, INVALID, 0, "expected a number"},
        {"NUL inside", SIGNED, {0}, "12\0", 3, INVALID, 0, "expected a number"},
        {"two numbers", SIGNED, {0}, "1 2", 0, INVALID, 0, "expected a number"},

        {"unavailable", SIGNED, {0}, "unavailable", 0, NO_DATA, 0, NULL},
        {"unknown", SIGNED, {0}, "unknown", 0, NO_DATA, 0, NULL},
        {"none in any case", SIGNED, {0}, "None", 0, NO_DATA, 0, NULL},
        {"null", SIGNED, {0}, "null", 0, NO_DATA, 0, NULL},
        {"empty", SIGNED, {0}, "", 0, NO_DATA, 0, NULL},
        {"only blanks", SIGNED, {0}, "  \n", 0, NO_DATA, 0, NULL},
        {"empty for JSON too", SIGNED, {JSON("/a")}, "", 0, NO_DATA, 0, NULL},
        {"JSON null", SIGNED, {JSON("/a")}, "{\"a\": null}", 0, NO_DATA, 0, NULL},
        {"JSON empty string", SIGNED, {JSON("/a")}, "{\"a\": \"\"}", 0, NO_DATA, 0, NULL},
        {"JSON string unavailable", SIGNED, {JSON("/a")}, "{\"a\":\"unavailable\"}", 0, NO_DATA, 0, NULL},

        {"JSON number", SIGNED, {JSON("/a")}, "{\"a\": -7.25}", 0, TAKEN, -7.25, NULL},
        {"JSON string with a number", SIGNED, {JSON("/a")}, "{\"a\":\" 97 \"}", 0, TAKEN, 97, NULL},
        {"JSON string with escapes", SIGNED, {JSON("/a")}, "{\"a\":\"\\u0039\\u0037\"}", 0, TAKEN, 97, NULL},
        {"nested path", SIGNED, {JSON("/a/b/1/c")}, "{\"a\":{\"b\":[0,{\"c\":3}]}}", 0, TAKEN, 3, NULL},
        {"escaped path", SIGNED, {JSON("/a~1b~0c")}, "{\"a/b~c\":4}", 0, TAKEN, 4, NULL},
        {"root", SIGNED, {JSON("")}, "17", 0, TAKEN, 17, NULL},
        {"the last of equal names", SIGNED, {JSON("/a")}, "{\"a\":1,\"a\":2}", 0, TAKEN, 2, NULL},
        {"nothing at the path", SIGNED, {JSON("/b")}, "{\"a\":1}", 0, MISSING, 0, NULL},
        {"beyond the array", SIGNED, {JSON("/2")}, "[1,2]", 0, MISSING, 0, NULL},
        {"an object there",
         SIGNED,
         {JSON("/a")},
         "{\"a\":{}}",
         0,
         INVALID,
         0,
         "expected a number or a text, found an object"},
        {"an array there", SIGNED, {JSON("/a")}, "{\"a\":[1]}", 0, INVALID, 0, "found an array"},
        {"a boolean is no number",
         SIGNED,
         {JSON("/a")},
         "{\"a\":true}",
         0,
         INVALID,
         0,
         "expected a number, found a boolean"},
        {"truncated JSON", SIGNED, {JSON("/a")}, "{\"a\":1", 0, INVALID, 0, "not JSON"},
        {"NaN in JSON", SIGNED, {JSON("/a")}, "{\"a\":NaN}", 0, INVALID, 0, "not JSON"},
        {"bad UTF-8 in JSON", SIGNED, {JSON("/a")}, "{\"a\":1,\"b\":\"\xff\"}", 0, INVALID, 0, "not JSON"},
        {"plain text where JSON is due", SIGNED, {JSON("/a")}, "online", 0, INVALID, 0, "not JSON"},

        {"keyvalue", SIGNED, {KEYS("/grd_o")}, "tot_i=1,grd_o=807,x=3", 0, TAKEN, 807, NULL},
        {"keyvalue, last of equal keys", SIGNED, {KEYS("/a")}, "a=1,a=2", 0, TAKEN, 2, NULL},
        {"keyvalue, no such key", SIGNED, {KEYS("/a")}, "b=1", 0, MISSING, 0, NULL},
        {"keyvalue, longer key", SIGNED, {KEYS("/a")}, "ab=1,a=2,aa=3", 0, TAKEN, 2, NULL},
        {"keyvalue, empty value", SIGNED, {KEYS("/a")}, "a=,b=1", 0, NO_DATA, 0, NULL},
        {"keyvalue, value with =", TEXT, {KEYS("/a")}, "a=b=c", 0, TAKEN, 0, "b=c"},
        {"no pairs at all", SIGNED, {KEYS("/a")}, "hello", 0, INVALID, 0, "expected key=value pairs"},

        {"kW", SIGNED, {UNIT("kW")}, "-1.800", 0, TAKEN, -1800, NULL},
        {"mW", SIGNED, {UNIT("mW")}, "-6774000", 0, TAKEN, -6774, NULL},
        {"kWh", COUNTER, {UNIT("kWh")}, "6369.4", 0, TAKEN, 6369400, NULL},
        {"ratio", PERCENT, {UNIT("ratio")}, "0.55", 0, TAKEN, 55.000000000000007, NULL},
        {"scale before unit", COUNTER, {UNIT("kWh"), .scale = 0.1}, "63816", 0, TAKEN, 6381600, NULL},
        {"offset in unit", SIGNED, {UNIT("kW"), .scale = 0.1, .offset = -2}, "10", 0, TAKEN, -1000, NULL},
        {"sign last", SIGNED, {UNIT("kW"), .offset = 1, .sign = -1}, "2", 0, TAKEN, -3000, NULL},
        {"a float's noise", PERCENT, {0}, "64.699996948242188", 0, TAKEN, 64.7, NULL},
        {"a float's noise below 1", SIGNED, {0}, "0.30000001192092896", 0, TAKEN, 0.3, NULL},
        {"long, but no float", SIGNED, {0}, "472.851013184", 0, TAKEN, 472.851013184, NULL},
        {"long integers stay", COUNTER, {0}, "000123456792", 0, TAKEN, 123456792, NULL},

        {"0 %", PERCENT, {0}, "0", 0, TAKEN, 0, NULL},
        {"100 %", PERCENT, {0}, "100", 0, TAKEN, 100, NULL},
        {"100.1 %", PERCENT, {0}, "100.1", 0, INVALID, 0, "expected a percentage from 0 to 100, found 100.1"},
        {"-0.1 %", PERCENT, {0}, "-0.1", 0, INVALID, 0, "found -0.1"},
        {"in range after scaling", PERCENT, {.scale = 0.1}, "1000", 0, TAKEN, 100, NULL},
        {"out of range after scaling", PERCENT, {UNIT("ratio")}, "55", 0, INVALID, 0, "found 5500"},

        {"a night's drain is 0", POWER, {0}, "-0.3", 0, TAKEN, 0, NULL},
        {"down to -100 W", POWER, {UNIT("mW")}, "-100000", 0, TAKEN, 0, NULL},
        {"below it is a wrong sign", POWER, {0}, "-100.1", 0, INVALID, 0, "is the sign right?"},
        {"a wrapped power", POWER, {0}, "4294967196", 0, INVALID, 0, "expected at most 100000000 W, found 4294967196"},
        {"a wrapped signed power", SIGNED, {0}, "4294967196", 0, INVALID, 0, "either way"},
        {"a negative counter", COUNTER, {0}, "-1", 0, INVALID, 0, "expected a counter"},
        {"a wrapped counter", COUNTER, {UNIT("kWh"), .scale = 0.1}, "4294898079", 0, INVALID, 0, "expected a counter"},

        {"true", BOOL, {0}, "TRUE", 0, TAKEN, 1, NULL},
        {"off", BOOL, {0}, "Off", 0, TAKEN, 0, NULL},
        {"1", BOOL, {0}, "1", 0, TAKEN, 1, NULL},
        {"offline", BOOL, {0}, "offline", 0, TAKEN, 0, NULL},
        {"JSON true", BOOL, {JSON("/a")}, "{\"a\":true}", 0, TAKEN, 1, NULL},
        {"JSON 0", BOOL, {JSON("/a")}, "{\"a\":0}", 0, TAKEN, 0, NULL},
        {"yes is no boolean", BOOL, {0}, "yes", 0, INVALID, 0, "expected true or false"},
        {"a mapped boolean", BOOL, {MAP(grid_map)}, "UP", 0, TAKEN, 1, NULL},
        {"the map is tried first", BOOL, {MAP(grid_map)}, "DOWN", 0, TAKEN, 0, NULL},
        {"an unlisted text is no data", BOOL, {MAP(grid_map)}, "Island", 0, NO_DATA, 0, NULL},
        {"the map compares exactly", BOOL, {MAP(grid_map)}, "up", 0, NO_DATA, 0, NULL},

        {"a mode by name", MODE, {0}, "DISCHARGE", 0, TAKEN, F2M_MODE_DISCHARGE, NULL},
        {"no mode",
         MODE,
         {0},
         "discharge",
         0,
         INVALID,
         0,
         "expected a mode such as SELF_CONSUMPTION, found 'discharge'"},
        {"NONE is no mode of the battery", MODE, {0}, "NONE", 0, NO_DATA, 0, NULL},
        {"a mapped mode", MODE, {MAP(mode_map)}, "self_consumption", 0, TAKEN, F2M_MODE_SELF_CONSUMPTION, NULL},
        {"an unlisted mode", MODE, {MAP(mode_map)}, "backup", 0, NO_DATA, 0, NULL},

        {"a mapped number", PERCENT, {MAP(percent_map)}, "full", 0, TAKEN, 100, NULL},
        {"a number beside the map", PERCENT, {MAP(percent_map)}, "57", 0, TAKEN, 57, NULL},
        {"a number out of range beside the map", PERCENT, {MAP(percent_map)}, "157", 0, INVALID, 0, "percentage"},
        {"a text beside the map", PERCENT, {MAP(percent_map)}, "filling", 0, NO_DATA, 0, NULL},

        {"a text", TEXT, {0}, " Model 1 ", 0, TAKEN, 0, "Model 1"},
        {"a JSON text", TEXT, {JSON("/n")}, "{\"n\":\"a\\u00e4\\\"\"}", 0, TAKEN, 0, "a\xC3\xA4\""},
        {"a number as text", TEXT, {JSON("/n")}, "{\"n\":123456789012345678}", 0, TAKEN, 0, "123456789012345678"},
        {"no text: not UTF-8", TEXT, {0}, "\xff", 0, INVALID, 0, "expected a UTF-8 text of at most 255 bytes"},
    };

    memcpy(out, list, sizeof list);
    return sizeof list / sizeof list[0];
}

START_TEST(every_payload_becomes_what_it_should)
{
    struct example list[128];
    size_t n = examples(list);

    ck_assert_uint_le(n, 128);
    for (size_t i = 0; i < n; i++) {
        struct example *e = &list[i];
        struct f2m_source_frame frame = {.kind = e->kind, .max_age_ms = 300000};
        struct f2m_sample sample = {.number = NAN};
        struct f2m_payload payload;
        struct f2m_err err = {{0}};
        e->source.scale = e->source.scale == 0 ? 1 : e->source.scale;
        e->source.sign = e->source.sign == 0 ? 1 : e->source.sign;
        f2m_payload_init(&payload, (struct f2m_slice){e->payload, e->len ? e->len : strlen(e->payload)});
        enum f2m_source_outcome got = f2m_source_decode(&e->source, &frame, now, &payload, &sample, &err);
        if (got != e->outcome)
            ck_abort_msg("%s: %s (%s)", e->what, f2m_outcome_name(got), err.text);
        if (got == INVALID && !strstr(err.text, e->says))
            ck_abort_msg("%s: says %s", e->what, err.text);
        if (got == TAKEN && e->kind == TEXT && !f2m_slice_is(sample.text, e->says))
            ck_abort_msg("%s: text %.*s", e->what, (int)sample.text.len, sample.text.at);
        if (got == TAKEN && e->kind != TEXT && sample.number != e->number)
            ck_abort_msg("%s: number %.17g", e->what, sample.number);
        if (got == TAKEN && sample.at_ms != now.mono_ms)
            ck_abort_msg("%s: time", e->what);
    }
}
END_TEST

START_TEST(timestamps_are_read)
{
    static const struct {
        const char *payload;
        enum f2m_source_outcome outcome;
        int64_t age_ms;
        const char *says;
    } list[] = {
        {"{\"v\":1,\"t\":1769860790}", TAKEN, 10000, NULL},
        {"{\"v\":1,\"t\":1769860790.25}", TAKEN, 9750, NULL},
        {"{\"v\":1,\"t\":1769860790250}", TAKEN, 9750, NULL},
        {"{\"v\":1,\"t\":\"1769860790\"}", TAKEN, 10000, NULL},
        {"{\"v\":1,\"t\":\"2026-01-31T11:59:50Z\"}", TAKEN, 10000, NULL},
        {"{\"v\":1,\"t\":\"2026-01-31 12:59:50.500+01:00\"}", TAKEN, 9500, NULL},
        {"{\"v\":1,\"t\":1769860830}", TAKEN, 0, NULL}, /* half a minute ahead counts as now */
        {"{\"v\":1,\"t\":1769861101}", INVALID, 0, "timestamp /t: 301 s ahead of this machine's clock"},
        {"{\"v\":1,\"t\":\"2026-01-31T11:59:50\"}", INVALID, 0, "timestamp /t: expected a time with zone"},
        {"{\"v\":1,\"t\":\"yesterday\"}", INVALID, 0, "found 'yesterday'"},
        {"{\"v\":1,\"t\":-5}", INVALID, 0, "expected a time"},
        {"{\"v\":1,\"t\":true}", INVALID, 0, "expected a time"},
        {"{\"v\":1,\"t\":null}", INVALID, 0, "expected a time"},
        {"{\"v\":1}", INVALID, 0, "timestamp /t: "},
        {"", NO_DATA, 0, NULL},
    };

    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        struct f2m_source s = source_at("b", "/v", "");
        struct f2m_source_frame frame = {.kind = SIGNED, .max_age_ms = 300000};
        struct f2m_sample sample = {0};
        struct f2m_payload payload;
        struct f2m_err err = {{0}};
        s.timestamp_path = text("/t");
        f2m_payload_init(&payload, f2m_slice_of(list[i].payload));
        enum f2m_source_outcome got = f2m_source_decode(&s, &frame, now, &payload, &sample, &err);
        if (got != list[i].outcome)
            ck_abort_msg("%s: %s (%s)", list[i].payload, f2m_outcome_name(got), err.text);
        if (got == INVALID && !strstr(err.text, list[i].says))
            ck_abort_msg("%s: says %s", list[i].payload, err.text);
        if (got == TAKEN && now.mono_ms - sample.at_ms != list[i].age_ms)
            ck_abort_msg("%s: age %lld", list[i].payload, (long long)(now.mono_ms - sample.at_ms));
    }
}
END_TEST

START_TEST(a_payload_is_clipped_in_errors)
{
    char long_text[2000];
    struct f2m_source s = source_on("x");
    struct f2m_source_frame frame = {.kind = SIGNED};
    struct f2m_sample sample;
    struct f2m_payload payload;
    struct f2m_err err;

    memset(long_text, 'x', sizeof long_text);
    f2m_payload_init(&payload, (struct f2m_slice){long_text, sizeof long_text});
    ck_assert_int_eq(f2m_source_decode(&s, &frame, now, &payload, &sample, &err), INVALID);
    ck_assert_uint_lt(strlen(err.text), 100);
}
END_TEST

START_TEST(equal_sources_are_equal_and_others_are_not)
{
    struct f2m_source a = source_at("t", "/p", "kWh"), b = a;

    ck_assert(f2m_source_equal(&a, &b));
    ck_assert(f2m_source_fingerprint(&a) == f2m_source_fingerprint(&b));
    b.path = text("/q");
    ck_assert(!f2m_source_equal(&a, &b));
    ck_assert(f2m_source_fingerprint(&a) != f2m_source_fingerprint(&b));
    b = a;
    b.unit = unit_of("Wh");
    ck_assert(!f2m_source_equal(&a, &b));
    ck_assert(f2m_source_fingerprint(&a) != f2m_source_fingerprint(&b));
    b = a;
    b.max_age_ms = 1; /* not what the number means */
    ck_assert(!f2m_source_equal(&a, &b));
    ck_assert(f2m_source_fingerprint(&a) == f2m_source_fingerprint(&b));
}
END_TEST

RUN_TESTS("source", NULL, NULL, every_payload_becomes_what_it_should, timestamps_are_read,
          a_payload_is_clipped_in_errors, equal_sources_are_equal_and_others_are_not)
