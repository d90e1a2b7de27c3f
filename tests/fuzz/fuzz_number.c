/* Numbers and quantities: what is read agrees with strtod(), what is written is read back as the same text. */
#include "fuzz.h"

#include "util/number.h"
#include "util/unit.h"
#include "util/xalloc.h"

#include <math.h>

static void check_format(double value)
{
    char first[F2M_NUMBER_SIZE], second[F2M_NUMBER_SIZE];
    double read;

    f2m_number_format(value, first);
    F2M_FUZZ_CHECK(strlen(first) < sizeof first);
    if (!isfinite(value)) {
        F2M_FUZZ_CHECK(strcmp(first, "null") == 0);
        return;
    }
    F2M_FUZZ_CHECK(strcmp(first, "-0") != 0);
    if (!f2m_number_parse(f2m_slice_of(first), &read)) { /* only where the 15 digits round up beyond the largest */
        F2M_FUZZ_CHECK(fabs(value) > 1.797e308);
        return;
    }
    F2M_FUZZ_CHECK(fabs(read - value) <= fabs(value) * 1e-14 + 1e-28);
    if (fabs(value) < 1e15)
        F2M_FUZZ_CHECK(!strpbrk(first, "eE") || fabs(value) >= 999999999999999.0);
    F2M_FUZZ_CHECK(strcmp(f2m_number_format(read, second), first) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct f2m_slice text = {(const char *)data, size};
    double value;
    int64_t integer;

    if (f2m_number_parse(text, &value)) {
        char *copy = f2m_xmemdup0(data, size), *end;
        double libc = strtod(copy, &end);
        F2M_FUZZ_CHECK(value == libc && f2m_slice_trim(f2m_slice_of(end)).len == 0);
        free(copy);
        check_format(value);
    }
    if (size == sizeof value) {
        memcpy(&value, data, sizeof value);
        check_format(value);
    }
    if (f2m_integer_parse(text, INT64_MIN, INT64_MAX, &integer)) {
        F2M_FUZZ_CHECK(f2m_number_parse(text, &value) && value == (double)integer);
    }
    for (int q = F2M_QUANTITY_NONE; q <= F2M_QUANTITY_SIZE; q++)
        f2m_quantity_parse(text, (enum f2m_quantity)q, &value);
    return 0;
}
