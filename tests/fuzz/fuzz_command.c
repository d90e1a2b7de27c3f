/* A Command as Flip might send it, or anybody else: what decodes has an id and a device, says the same twice, and
 * whatever is wrong with it is told in a short clean text. */
#include "fuzz.h"

#include "control/flip_command.h"
#include "util/json.h"

static void check_text(const char *text)
{
    F2M_FUZZ_CHECK(strlen(text) < 160);
    for (; *text; text++)
        F2M_FUZZ_CHECK((unsigned char)*text >= 0x20 && *text != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct f2m_flip_command command, again;
    struct f2m_err err;

    if (f2m_flip_command_decode((struct f2m_slice){(const char *)data, size}, &command, &err) < 0) {
        F2M_FUZZ_CHECK(!command.raw && strlen(err.text) > 0);
        return 0;
    }
    F2M_FUZZ_CHECK(command.id[0] && command.device_id[0] && f2m_json_check(f2m_slice_of(command.raw), &err) == 0);
    check_text(command.impossible);
    F2M_FUZZ_CHECK(command.impossible[0] || command.ends_ms > command.starts_ms);
    F2M_FUZZ_CHECK(command.impossible[0] || command.orders.mode != F2M_MODE_NONE);
    F2M_FUZZ_CHECK(f2m_flip_command_decode(f2m_slice_of(command.raw), &again, &err) == 0);
    F2M_FUZZ_CHECK(f2m_flip_command_same(&command, &again) && command.updated_ms == again.updated_ms);
    f2m_flip_command_deinit(&again);
    f2m_flip_command_deinit(&command);
    f2m_flip_command_deinit(&command);
    return 0;
}
