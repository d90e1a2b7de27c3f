/* Templates and POSIX time zones: what the check accepts expands without a syntax error, whatever has a value. */
#include "fuzz.h"

#include "config/posix_tz.h"
#include "config/template.h"

#include <errno.h>
#include <string.h>

static const struct f2m_template_value list[] = {
    {.name = "mode", .kind = F2M_TEMPLATE_TEXT, .text = "DISCHARGE"},
    {.name = "setpoint_w", .kind = F2M_TEMPLATE_NUMBER, .number = 3333},
    {.name = "enable_grid_import", .kind = F2M_TEMPLATE_BOOL, .boolean = true},
    {.name = "now", .kind = F2M_TEMPLATE_TIME, .wall_ms = 1750372200123},
};

static void expand(const char *text, size_t known)
{
    const struct f2m_template_values values = {list, known};
    struct f2m_err err = {""};
    f2m_autostrbuf out = {0};

    f2m_strbuf_init(&out, 0);
    bool good = f2m_template_check(text, &err) == 0;
    F2M_FUZZ_CHECK(good || err.text[0]);
    int rc = f2m_template_expand(text, &values, "UTC", &out, &err);
    F2M_FUZZ_CHECK(rc == 0 || rc == -ENODATA || rc == -EINVAL);
    F2M_FUZZ_CHECK(good || rc != 0);
    if (good && !f2m_template_has_variables(text))
        F2M_FUZZ_CHECK(rc == 0 && strcmp(out.data, text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    struct f2m_posix_tz tz;

    F2M_FUZZ_CHECK(text);
    memcpy(text, data, size);
    text[size] = '\0';
    expand(text, sizeof list / sizeof list[0]);
    expand(text, 0);
    if (f2m_posix_tz_parse(text, &tz))
        for (int64_t t = -(1LL << 40); t < 1LL << 40; t += 1LL << 35)
            F2M_FUZZ_CHECK(f2m_posix_tz_at(&tz, t));
    free(text);
    return 0;
}
