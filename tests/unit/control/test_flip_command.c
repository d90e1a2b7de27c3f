/* Flip's Command is read as it comes: what is needed is demanded, what is odd makes it impossible with a reason, what
 * is unknown passes through. Flip: Command; Flip, decisions 2, 4, 5. */
#include "suite.h"

#include "control/flip_command.h"

#include <errno.h>
#include <math.h>

static const char base[] =
    "{\"id\":\"c1\",\"event_id\":null,\"device_id\":\"xyz\",\"starts_at\":\"2026-06-01T12:00:00Z\",\"ends_at\":"
    "\"2026-06-01T13:00:00Z\",\"battery_commands\":{\"mode\":\"CHARGE\",\"power_mode\":\"SETPOINT\",\"setpoint_w\":"
    "5000,"
    "\"enable_grid_import\":false,\"backup_reserve_percentage\":20},\"status\":\"OK\",\"device_status\":\"PENDING\","
    "\"updated_at\":\"2026-06-01T11:00:00Z\"}";

/* The base with one text replaced. */
static struct f2m_flip_command decode(const char *from, const char *to)
{
    struct f2m_flip_command c;
    struct f2m_strbuf text;
    struct f2m_err err;

    f2m_strbuf_init(&text, 0);
    const char *at = from ? strstr(base, from) : base + strlen(base);
    ck_assert_ptr_nonnull(at);
    f2m_strbuf_add(&text, base, (size_t)(at - base));
    if (from)
        f2m_strbuf_addf(&text, "%s%s", to, at + strlen(from));
    ck_assert_msg(f2m_flip_command_decode((struct f2m_slice){text.data, text.len}, &c, &err) == 0, "%s: %s", err.text,
                  text.data);
    f2m_strbuf_deinit(&text);
    return c;
}

START_TEST(reads_every_member)
{
    struct f2m_flip_command c = decode(NULL, NULL);

    ck_assert_str_eq(c.id, "c1");
    ck_assert_ptr_null(c.event_id);
    ck_assert_str_eq(c.device_id, "xyz");
    ck_assert_int_eq(c.starts_ms, NOON);
    ck_assert_int_eq(c.ends_ms, NOON + HOUR);
    ck_assert_int_eq(c.updated_ms, NOON - HOUR);
    ck_assert_int_eq(c.orders.mode, F2M_MODE_CHARGE);
    ck_assert_str_eq(c.orders.power_mode, "SETPOINT");
    ck_assert(c.orders.setpoint_w == 5000 && c.orders.reserve == 20 && c.orders.grid_import == 0);
    ck_assert_int_eq(c.status, F2M_COMMAND_OK);
    ck_assert_int_eq(c.device_status, F2M_DEVICE_STATUS_PENDING);
    ck_assert_str_eq(c.impossible, "");
    ck_assert_str_eq(c.raw, base);
    f2m_flip_command_deinit(&c);
}
END_TEST

START_TEST(tolerates_what_flip_may_send)
{
    static const char *const rows[][2] = {
        {"2026-06-01T12:00:00Z", "2026-06-01 12:00:00.000Z"},
        {"2026-06-01T12:00:00Z", "2026-06-01T05:00:00-07:00"},
        {"\"event_id\":null", "\"event_id\":7,\"new\":{\"a\":[1]}"},
        {"\"power_mode\":\"SETPOINT\"", "\"power_mode\":null"},
        {"\"enable_grid_import\":false", "\"enable_grid_import\":null,\"enable_grid_export\":true"},
        {"\"updated_at\":\"2026-06-01T11:00:00Z\"", "\"updated_at\":null"},
        {"\"backup_reserve_percentage\":20", "\"backup_reserve_percentage\":20.5"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct f2m_flip_command c = decode(rows[i][0], rows[i][1]);
        ck_assert_msg(!c.impossible[0] && c.starts_ms == NOON, "%s: %s", rows[i][1], c.impossible);
        f2m_flip_command_deinit(&c);
    }
}
END_TEST

START_TEST(what_cannot_be_done_has_its_reason)
{
    static const char *const rows[][3] = {
        {"\"starts_at\":\"2026-06-01T12:00:00Z\"", "\"starts_at\":\"soon\"", "starts_at is no date-time: soon"},
        {"\"starts_at\":\"2026-06-01T12:00:00Z\"", "\"starts_at\":null", "starts_at is no date-time:"},
        {"2026-06-01T13:00:00Z", "2026-06-01T25:00:00Z", "ends_at is no date-time: 2026-06-01T25:00:00Z"},
        {"2026-06-01T13:00:00Z", "2026-06-01T12:00:00Z", "it ends before it starts"},
        {"\"battery_commands\":{", "\"ev_commands\":{", "no battery_commands"},
        {"\"mode\":\"CHARGE\"", "\"mode\":\"charge\"", "unknown mode charge"},
        {"\"mode\":\"CHARGE\"", "\"mode\":\"NONE\"", "unknown mode NONE"},
        {"\"mode\":\"CHARGE\"", "\"mode\":3", "unknown mode 3"},
        {"\"mode\":\"CHARGE\",", "", "unknown mode"},
        {"\"power_mode\":\"SETPOINT\"", "\"power_mode\":\"EVEN\"", "unknown power_mode EVEN"},
        {"\"power_mode\":\"SETPOINT\"", "\"power_mode\":\"SETPOINT_SETPOINT_SETPOINT_SETPOINT\"",
         "unknown power_mode SETPOINT_SETPOINT_SETPOINT_SETPOINT"},
        {"\"setpoint_w\":5000", "\"setpoint_w\":0", "SETPOINT without a setpoint_w above 0"},
        {"\"setpoint_w\":5000", "\"setpoint_w\":\"5000\"", "setpoint_w out of range: 5000"},
        {"\"setpoint_w\":5000", "\"setpoint_w\":1e12", "setpoint_w out of range: 1e12"},
        {"\"backup_reserve_percentage\":20", "\"backup_reserve_percentage\":-1",
         "backup_reserve_percentage out of range: -1"},
        {"\"status\":\"OK\"", "\"status\":\"PAUSED\"", "unknown status PAUSED"},
        {"\"status\":\"OK\",", "", "unknown status"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct f2m_flip_command c = decode(rows[i][0], rows[i][1]);
        ck_assert_str_eq(c.impossible, rows[i][2]);
        f2m_flip_command_deinit(&c);
    }
}
END_TEST

START_TEST(a_device_status_is_a_question_only_where_it_says_pending)
{
    static const struct {
        const char *text;
        enum f2m_device_status status;
    } rows[] = {{"\"OK\"", F2M_DEVICE_STATUS_OK},
                {"\"FAILED\"", F2M_DEVICE_STATUS_FAILED},
                {"\"FAILED_OFFLINE\"", F2M_DEVICE_STATUS_FAILED},
                {"\"FAILED_FAULT\"", F2M_DEVICE_STATUS_FAILED},
                {"\"MAYBE\"", F2M_DEVICE_STATUS_OTHER},
                {"null", F2M_DEVICE_STATUS_OTHER}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct f2m_flip_command c = decode("\"PENDING\"", rows[i].text);
        ck_assert_int_eq(c.device_status, rows[i].status);
        ck_assert_str_eq(c.impossible, "");
        f2m_flip_command_deinit(&c);
    }
}
END_TEST

START_TEST(nothing_usable_is_refused_with_the_place)
{
    static const char *const rows[][2] = {
        {"[]", "a command: expected an object, found an array"},
        {"{}", "a command: id: expected a string of 1 to 256 bytes"},
        {"{\"id\":\"a\"}", "a command: device_id: expected a string of 1 to 256 bytes"},
        {"{\"id\":5,\"device_id\":\"b\"}", "a command: id: expected a string of 1 to 256 bytes"},
    };
    struct f2m_flip_command c;
    struct f2m_err err;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_int_eq(f2m_flip_command_decode(f2m_slice_of(rows[i][0]), &c, &err), -EINVAL);
        ck_assert_str_eq(err.text, rows[i][1]);
        ck_assert_ptr_null(c.raw);
    }
    ck_assert_int_eq(f2m_flip_command_decode(f2m_slice_of("{\"id\":"), &c, &err), -EINVAL);
    ck_assert_msg(strncmp(err.text, "a command: at byte 6:", 21) == 0, "%s", err.text);
}
END_TEST

START_TEST(same_but_for_what_our_own_answer_changes)
{
    static const struct {
        const char *from, *to;
        bool same;
    } rows[] = {
        {"\"updated_at\":\"2026-06-01T11:00:00Z\"", "\"updated_at\":\"2026-06-01T11:30:00Z\"", true},
        {"\"device_status\":\"PENDING\"", "\"device_status\":\"OK\",\"device_status_reason\":\"x\"", true},
        {"\"status\":\"OK\"", "\"status\":\"CANCELED\"", false},
        {"13:00:00Z", "14:00:00Z", false},
        {"\"setpoint_w\":5000", "\"setpoint_w\":4999", false},
        {"\"backup_reserve_percentage\":20", "\"backup_reserve_percentage\":null", false},
        {"\"enable_grid_import\":false", "\"enable_grid_import\":null", false},
        {"\"event_id\":null", "\"event_id\":\"e\"", false},
        {"xyz", "abc", false},
    };
    struct f2m_flip_command a = decode(NULL, NULL);

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct f2m_flip_command b = decode(rows[i].from, rows[i].to);
        ck_assert_msg(f2m_flip_command_same(&a, &b) == rows[i].same, "%s", rows[i].to);
        f2m_flip_command_deinit(&b);
    }
    f2m_flip_command_deinit(&a);
}
END_TEST

static void nothing(void) {}
#define world_close nothing

SUITE("flip_command", reads_every_member, tolerates_what_flip_may_send, what_cannot_be_done_has_its_reason,
      a_device_status_is_a_question_only_where_it_says_pending, nothing_usable_is_refused_with_the_place,
      same_but_for_what_our_own_answer_changes)
