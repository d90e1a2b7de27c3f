/* Units are known by their exact name, and a quantity is one number with one unit of its kind. */
#include "suite.h"

#include "util/unit.h"

static const struct {
    const char *text;
    enum f2m_quantity quantity;
    double value;
} good[] = {
    {"5 kW", F2M_QUANTITY_POWER, 5000},
    {"5kW", F2M_QUANTITY_POWER, 5000},
    {" 5\tkW ", F2M_QUANTITY_POWER, 5000},
    {"-2.5 kW", F2M_QUANTITY_POWER, -2500},
    {"1500 mW", F2M_QUANTITY_POWER, 1.5},
    {"0.001 MW", F2M_QUANTITY_POWER, 1000},
    {"5e3 W", F2M_QUANTITY_POWER, 5000},
    {"5e3W", F2M_QUANTITY_POWER, 5000},
    {".5 kW", F2M_QUANTITY_POWER, 500},
    {"5. kW", F2M_QUANTITY_POWER, 5000},
    {"13.5 kWh", F2M_QUANTITY_ENERGY, 13500},
    {"1 MWh", F2M_QUANTITY_ENERGY, 1e6},
    {"20 %", F2M_QUANTITY_PERCENTAGE, 20},
    {"20%", F2M_QUANTITY_PERCENTAGE, 20},
    {"0.2 ratio", F2M_QUANTITY_PERCENTAGE, 20},
    {"250ms", F2M_QUANTITY_DURATION, 250},
    {"2s", F2M_QUANTITY_DURATION, 2000},
    {"5min", F2M_QUANTITY_DURATION, 300000},
    {"6h", F2M_QUANTITY_DURATION, 21600000},
    {"30d", F2M_QUANTITY_DURATION, 2592000000},
    {"256 MB", F2M_QUANTITY_SIZE, 256e6},
    {"1 kB", F2M_QUANTITY_SIZE, 1000},
    {"1 KiB", F2M_QUANTITY_SIZE, 1024},
    {"1 MiB", F2M_QUANTITY_SIZE, 1048576},
    {"2 GiB", F2M_QUANTITY_SIZE, 2147483648},
    {"17 B", F2M_QUANTITY_SIZE, 17},
    {"0", F2M_QUANTITY_POWER, 0},
    {"0.0", F2M_QUANTITY_DURATION, 0},
    {"0", F2M_QUANTITY_NONE, 0},
    {"12.5", F2M_QUANTITY_NONE, 12.5},
};

static const struct {
    const char *text;
    enum f2m_quantity quantity;
} bad[] = {
    {"", F2M_QUANTITY_POWER},           {" ", F2M_QUANTITY_POWER},
    {"kW", F2M_QUANTITY_POWER},         {"5", F2M_QUANTITY_POWER},
    {"5 kw", F2M_QUANTITY_POWER},       {"5 KW", F2M_QUANTITY_POWER},
    {"5 mw", F2M_QUANTITY_POWER},       {"5 kWh", F2M_QUANTITY_POWER},
    {"5 kW h", F2M_QUANTITY_POWER},     {"5 kW 3", F2M_QUANTITY_POWER},
    {"5 5 kW", F2M_QUANTITY_POWER},     {"5,5 kW", F2M_QUANTITY_POWER},
    {"kW 5", F2M_QUANTITY_POWER},       {"0x5 W", F2M_QUANTITY_POWER},
    {"inf W", F2M_QUANTITY_POWER},      {"1e999 W", F2M_QUANTITY_POWER},
    {"5 W.", F2M_QUANTITY_POWER},       {"1h30min", F2M_QUANTITY_DURATION},
    {"5 m", F2M_QUANTITY_DURATION},     {"5 minutes", F2M_QUANTITY_DURATION},
    {"5M", F2M_QUANTITY_SIZE},          {"5 mB", F2M_QUANTITY_SIZE},
    {"20", F2M_QUANTITY_PERCENTAGE},    {"20 percent", F2M_QUANTITY_PERCENTAGE},
    {"20 %%", F2M_QUANTITY_PERCENTAGE}, {"5 W", F2M_QUANTITY_NONE},
    {"%", F2M_QUANTITY_PERCENTAGE},     {"1e308 MW", F2M_QUANTITY_POWER},
};

START_TEST(quantities_are_read_into_canonical_units)
{
    double value;

    for (size_t i = 0; i < F2M_COUNT(good); i++) {
        ck_assert_msg(f2m_quantity_parse(f2m_slice_of(good[i].text), good[i].quantity, &value), "%s", good[i].text);
        ck_assert_msg(value == good[i].value, "%s: %.17g", good[i].text, value);
    }
}
END_TEST

START_TEST(what_is_no_quantity_of_that_kind_is_refused)
{
    double value = 7;

    for (size_t i = 0; i < F2M_COUNT(bad); i++)
        ck_assert_msg(!f2m_quantity_parse(f2m_slice_of(bad[i].text), bad[i].quantity, &value), "%s", bad[i].text);
    ck_assert(!f2m_quantity_parse((struct f2m_slice){NULL, 0}, F2M_QUANTITY_POWER, &value));
    ck_assert_double_eq(value, 7);
}
END_TEST

START_TEST(units_are_found_by_exact_name)
{
    const struct f2m_unit *unit = f2m_unit_find(f2m_slice_of("kWh"));

    ck_assert_ptr_nonnull(unit);
    ck_assert_str_eq(unit->name, "kWh");
    ck_assert_int_eq(unit->quantity, F2M_QUANTITY_ENERGY);
    ck_assert_double_eq(unit->factor, 1000);
    ck_assert_ptr_null(f2m_unit_find(f2m_slice_of("kwh")));
    ck_assert_ptr_null(f2m_unit_find(f2m_slice_of("kW ")));
    ck_assert_ptr_null(f2m_unit_find(f2m_slice_of("")));
    ck_assert_ptr_null(f2m_unit_find((struct f2m_slice){NULL, 0}));
    ck_assert_double_lt(f2m_unit_find(f2m_slice_of("mW"))->factor, f2m_unit_find(f2m_slice_of("MW"))->factor);
}
END_TEST

/* The lists for messages name exactly the units that are known. */
START_TEST(messages_name_the_units_of_a_quantity)
{
    static const char *const all[] = {"mW",  "W", "kW", "MW", "Wh", "kWh", "MWh", "%",   "ratio", "ms", "s",
                                      "min", "h", "d",  "B",  "kB", "MB",  "GB",  "KiB", "MiB",   "GiB"};
    size_t named = 0;

    ck_assert_str_eq(f2m_unit_names(F2M_QUANTITY_POWER), "mW, W, kW or MW");
    ck_assert_str_eq(f2m_unit_names(F2M_QUANTITY_PERCENTAGE), "% or ratio");
    for (int q = F2M_QUANTITY_POWER; q <= F2M_QUANTITY_SIZE; q++) {
        const char *at = f2m_unit_names((enum f2m_quantity)q);
        while (*at) {
            size_t len = strcspn(at, ", ");
            const struct f2m_unit *unit = f2m_unit_find((struct f2m_slice){at, len});
            ck_assert_msg(unit && unit->quantity == (enum f2m_quantity)q, "%.*s", (int)len, at);
            named++;
            at += len;
            at += strspn(at, ", ");
            if (strncmp(at, "or ", 3) == 0)
                at += 3;
        }
    }
    ck_assert_uint_eq(named, F2M_COUNT(all));
    for (size_t i = 0; i < F2M_COUNT(all); i++)
        ck_assert_ptr_nonnull(f2m_unit_find(f2m_slice_of(all[i])));
}
END_TEST

START_TEST(canonical_units_have_the_factor_one)
{
    static const char *const names[] = {"", "W", "Wh", "%", "ms", "B"};

    for (int q = F2M_QUANTITY_NONE; q <= F2M_QUANTITY_SIZE; q++) {
        ck_assert_str_eq(f2m_unit_canonical((enum f2m_quantity)q), names[q]);
        if (q != F2M_QUANTITY_NONE)
            ck_assert_double_eq(f2m_unit_find(f2m_slice_of(names[q]))->factor, 1);
    }
}
END_TEST

F2M_SUITE("util/unit", quantities_are_read_into_canonical_units, what_is_no_quantity_of_that_kind_is_refused,
          units_are_found_by_exact_name, messages_name_the_units_of_a_quantity, canonical_units_have_the_factor_one)
