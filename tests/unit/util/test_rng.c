/* The generator repeats itself from its seed, stays within its bounds and fills them evenly. */
#include "suite.h"

#include "util/rng.h"

START_TEST(a_seed_gives_splitmix64)
{
    /* The reference implementation's first values for seed 1234567. */
    static const uint64_t expected[] = {UINT64_C(6457827717110365317), UINT64_C(3203168211198807973),
                                        UINT64_C(9817491932198370423), UINT64_C(4593380528125082431),
                                        UINT64_C(16408922859458223821)};
    struct f2m_rng rng = {1234567};

    for (size_t i = 0; i < F2M_COUNT(expected); i++)
        ck_assert_uint_eq(f2m_rng_next(&rng), expected[i]);
}
END_TEST

START_TEST(bounds_are_kept_and_filled)
{
    struct f2m_rng rng = {1};
    int seen[7] = {0};

    for (int i = 0; i < 70000; i++) {
        int64_t value = f2m_rng_below(&rng, 7);
        ck_assert(value >= 0 && value < 7);
        seen[value]++;
    }
    for (int i = 0; i < 7; i++)
        ck_assert_msg(seen[i] > 9500 && seen[i] < 10500, "%d came %d times of 10000 (seed 1)", i, seen[i]);
    ck_assert_int_eq(f2m_rng_below(&rng, 1), 0);
    ck_assert_int_eq(f2m_rng_below(&rng, 0), 0);
    ck_assert_int_eq(f2m_rng_below(&rng, -5), 0);
    ck_assert_int_ge(f2m_rng_below(&rng, INT64_MAX), 0);
}
END_TEST

START_TEST(units_are_below_one)
{
    struct f2m_rng rng = {2};
    double sum = 0;

    for (int i = 0; i < 10000; i++) {
        double value = f2m_rng_unit(&rng);
        ck_assert(value >= 0 && value < 1);
        sum += value;
    }
    ck_assert_double_eq_tol(sum / 10000, 0.5, 0.02);
}
END_TEST

F2M_SUITE("util/rng", a_seed_gives_splitmix64, bounds_are_kept_and_filled, units_are_below_one)
