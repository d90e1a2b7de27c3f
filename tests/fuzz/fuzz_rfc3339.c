/* Every date-time that is read is written and read back as the same moment. */
#include "fuzz.h"

#include "util/rfc3339.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct f2m_slice text = {(const char *)data, size};
    char buf[F2M_RFC3339_SIZE];
    int64_t first, second;

    if (f2m_rfc3339_parse(text, &first)) {
        F2M_FUZZ_CHECK(f2m_rfc3339_parse(f2m_slice_of(f2m_rfc3339_format(first, buf)), &second) && first == second);
        F2M_FUZZ_CHECK(strlen(buf) == 24);
        F2M_FUZZ_CHECK(f2m_rfc3339_parse_date(text, &second) && first == second);
    } else if (f2m_rfc3339_parse_date(text, &first)) {
        F2M_FUZZ_CHECK(size == 10 && first % 86400000 == 0);
        F2M_FUZZ_CHECK(memcmp(f2m_rfc3339_format(first, buf), data, 10) == 0);
    }
    if (size == sizeof first) {
        memcpy(&first, data, sizeof first);
        F2M_FUZZ_CHECK(f2m_rfc3339_parse(f2m_slice_of(f2m_rfc3339_format(first, buf)), &second));
        F2M_FUZZ_CHECK(first == second || first < 0 || first > 253402300799999);
    }
    return 0;
}
