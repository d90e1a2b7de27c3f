/* A log line is one line whatever it is given, in either format, and writing it never waits for a reader. */
#include "suite.h"

#include "util/json.h"
#include "util/limits.h"
#include "util/log.h"
#include "util/utf8.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int reader;         /* the other end of stderr */
static char text[1 << 20]; /* what was read from it */

/* Each test runs in a process of its own, so stderr need not be put back. */
static void stderr_to_pipe(void)
{
    int fds[2];

    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    ck_assert_int_eq(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
    close(fds[1]);
    reader = fds[0];
    ck_assert_int_eq(fcntl(reader, F_SETFL, O_NONBLOCK), 0);
}

/* All that waits to be read. */
static const char *drain(void)
{
    size_t len = 0;
    ssize_t n;

    while ((n = read(reader, text + len, sizeof text - 1 - len)) > 0)
        len += (size_t)n;
    text[len] = '\0';
    return text;
}

static void fill(int fd)
{
    static const char junk[4096];
    int flags = fcntl(fd, F_GETFL);

    ck_assert_int_eq(fcntl(fd, F_SETFL, flags | O_NONBLOCK), 0);
    while (write(fd, junk, sizeof junk) > 0)
        continue;
    while (write(fd, junk, 1) > 0)
        continue;
    ck_assert_int_eq(fcntl(fd, F_SETFL, flags), 0);
}

START_TEST(a_text_line_has_level_component_message_and_pairs)
{
    char buf[64];

    f2m_log_init(F2M_LOG_DEBUG, F2M_LOG_TEXT, false);
    f2m_log_line(F2M_LOG_ERROR, "config", "cannot read it", "");
    f2m_log_line(F2M_LOG_WARN, "flip", "it \"failed\"", "status=500 retry_s=3");
    f2m_log(F2M_LOG_INFO, "telemetry", "new value", "device=%s value=%d", f2m_log_value("a b", buf, sizeof buf), 7);
    f2m_log(F2M_LOG_DEBUG, "app", "", "%s", "");
    ck_assert_str_eq(drain(), "error config msg=\"cannot read it\"\n"
                              "warn flip msg=\"it \\\"failed\\\"\" status=500 retry_s=3\n"
                              "info telemetry msg=\"new value\" device=\"a b\" value=7\n"
                              "debug app msg=\"\"\n");
}
END_TEST

START_TEST(levels_below_the_chosen_one_are_silent)
{
    enum f2m_log_level level = F2M_LOG_ERROR;

    ck_assert(f2m_log_level_parse("warn", &level));
    ck_assert_int_eq(level, F2M_LOG_WARN);
    ck_assert(f2m_log_level_parse("debug", &level) && level == F2M_LOG_DEBUG);
    ck_assert(!f2m_log_level_parse("WARN", &level) && !f2m_log_level_parse("", &level));
    f2m_log_init(F2M_LOG_WARN, F2M_LOG_TEXT, false);
    ck_assert(f2m_log_enabled(F2M_LOG_ERROR) && f2m_log_enabled(F2M_LOG_WARN) && !f2m_log_enabled(F2M_LOG_INFO));
    f2m_log_line(F2M_LOG_INFO, "app", "hidden", "");
    f2m_log(F2M_LOG_DEBUG, "app", "hidden", "a=%d", 1);
    ck_assert_str_eq(drain(), "");
}
END_TEST

START_TEST(a_timestamp_leads_where_it_is_wanted)
{
    f2m_log_init(F2M_LOG_INFO, F2M_LOG_TEXT, true);
    f2m_log_line(F2M_LOG_INFO, "app", "started", "");
    const char *line = drain();
    ck_assert_uint_eq(strlen(line), 25 + strlen("info app msg=\"started\"\n"));
    ck_assert_int_eq(line[10], 'T');
    ck_assert_str_eq(line + 23, "Z info app msg=\"started\"\n");

    f2m_log_init(F2M_LOG_INFO, F2M_LOG_JSON, true);
    f2m_log_line(F2M_LOG_INFO, "app", "started", "");
    ck_assert_int_eq(strncmp(drain(), "{\"timestamp\":\"20", 16), 0);
}
END_TEST

START_TEST(a_json_line_has_the_pairs_as_members)
{
    char buf[64], pairs[128];
    struct f2m_err err;

    f2m_log_init(F2M_LOG_INFO, F2M_LOG_JSON, false);
    snprintf(pairs, sizeof pairs, "count=3 path=%s bare e=\"\"",
             f2m_log_value("a \"b\"\\\n\x01\xC3\xBC", buf, sizeof buf));
    f2m_log_line(F2M_LOG_INFO, "app", "it's \"done\"", pairs);
    const char *line = drain();
    ck_assert_str_eq(line, "{\"level\":\"info\",\"component\":\"app\",\"msg\":\"it's \\\"done\\\"\",\"count\":\"3\","
                           "\"path\":\"a \\\"b\\\"\\\\\\n\\u0001\xC3\xBC\",\"bare\":\"\",\"e\":\"\"}\n");
    ck_assert_int_eq(f2m_json_check(f2m_slice_of(line), &err), 0);
}
END_TEST

static const struct {
    const char *value, *text;
} values[] = {
    {"plain", "plain"},
    {"solar/power:1,2;{}", "solar/power:1,2;{}"},
    {"gr\xC3\xBC\xC3\x9F", "gr\xC3\xBC\xC3\x9F"},
    {"", "\"\""},
    {"a b", "\"a b\""},
    {"a=b", "\"a=b\""},
    {"say \"hi\"", "\"say \\\"hi\\\"\""},
    {"a\\b", "\"a\\\\b\""},
    {"a\nlevel=error", "\"a\\nlevel=error\""},
    {"\r\t\x1B[31m\x7F", "\"\\r\\t\\x1b[31m\\x7f\""},
    {"\xFF\xC3", "\"\\xff\\xc3\""},
    {"\xC2\x9B", "\"\\xc2\\x9b\""}, /* a terminal would take it for the start of a command */
    {"\xC2\xA0", "\xC2\xA0"},
};

START_TEST(values_are_quoted_where_they_need_it)
{
    char buf[64];

    for (size_t i = 0; i < F2M_COUNT(values); i++)
        ck_assert_str_eq(f2m_log_value(values[i].value, buf, sizeof buf), values[i].text);
}
END_TEST

START_TEST(values_are_clipped_between_characters)
{
    char buf[64];

    ck_assert_str_eq(f2m_log_value("abcdefgh", buf, 9), "abcdefgh");
    ck_assert_str_eq(f2m_log_value("abcdefghi", buf, 9), "abcde\xE2\x80\xA6");
    ck_assert_str_eq(f2m_log_value("abc efgh", buf, 11), "\"abc efgh\"");
    ck_assert_str_eq(f2m_log_value("abc efghi", buf, 11), "\"abc e\xE2\x80\xA6\"");
    ck_assert_str_eq(f2m_log_value("a\n\n\n\n\n", buf, 10), "\"a\\n\xE2\x80\xA6\"");
    for (unsigned size = 0; size < sizeof buf; size++) {
        memset(buf, '#', sizeof buf);
        f2m_log_value("\xE2\x82\xAC \"\x01\xF0\x9F\x94\x8B=\\\xFF\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC", buf, size);
        for (size_t i = size; i < sizeof buf; i++)
            ck_assert_int_eq(buf[i], '#');
        if (size > 0)
            ck_assert_msg(memchr(buf, '\0', size) && f2m_utf8_valid(buf, strlen(buf)), "size %u: %s", size, buf);
        if (size > 5)
            ck_assert(buf[0] == '"' && buf[strlen(buf) - 1] == '"');
    }
}
END_TEST

START_TEST(no_input_makes_a_second_line)
{
    f2m_log_init(F2M_LOG_INFO, F2M_LOG_TEXT, false);
    f2m_log_line(F2M_LOG_INFO, "app", "one\nerror app two", "a=1\nerror\rx=2");
    ck_assert_str_eq(drain(), "info app msg=\"one\\nerror app two\" a=1?error?x=2\n");
}
END_TEST

START_TEST(long_lines_are_clipped)
{
    static char msg[3000], pairs[20001];
    struct f2m_err err;

    for (size_t i = 0; i + 3 < sizeof msg; i += 3)
        memcpy(msg + i, "\xE2\x82\xAC", 4);
    for (size_t i = 0; i + 10 < sizeof pairs; i += 10)
        memcpy(pairs + i, "ab=\xE2\x82\xAC\x63\x64\x65 ", 11);
    f2m_log_init(F2M_LOG_INFO, F2M_LOG_TEXT, false);
    f2m_log_line(F2M_LOG_INFO, "app", msg, pairs);
    const char *line = drain();
    ck_assert_uint_le(strlen(line), F2M_MAX_LOG_LINE_BYTES);
    ck_assert_uint_ge(strlen(line), F2M_MAX_LOG_LINE_BYTES - 4);
    ck_assert(f2m_utf8_valid(line, strlen(line)));
    ck_assert_str_eq(line + strlen(line) - 4, "\xE2\x80\xA6\n");

    f2m_log_init(F2M_LOG_INFO, F2M_LOG_JSON, false);
    f2m_log_line(F2M_LOG_INFO, "app", msg, pairs);
    line = drain();
    ck_assert_uint_le(strlen(line), F2M_MAX_LOG_LINE_BYTES);
    ck_assert_msg(f2m_json_check(f2m_slice_of(line), &err) == 0, "%s: %s", err.text, line);
    ck_assert_str_eq(line + strlen(line) - strlen(",\"clipped\":true}\n"), ",\"clipped\":true}\n");
}
END_TEST

START_TEST(a_full_pipe_drops_lines_and_tells_how_many)
{
    f2m_log_init(F2M_LOG_INFO, F2M_LOG_TEXT, false);
    fill(STDERR_FILENO);
    for (int i = 0; i < 5; i++)
        f2m_log_line(F2M_LOG_INFO, "app", "lost", "");
    drain();
    f2m_log_line(F2M_LOG_INFO, "app", "here again", "");
    ck_assert_str_eq(drain(), "warn log msg=\"lines were dropped because nobody read them\" count=5\n"
                              "info app msg=\"here again\"\n");
    f2m_log_line(F2M_LOG_INFO, "app", "and on", "");
    ck_assert_str_eq(drain(), "info app msg=\"and on\"\n");
}
END_TEST

START_TEST(the_pipe_is_left_as_it_was)
{
    f2m_log_init(F2M_LOG_INFO, F2M_LOG_TEXT, false);
    f2m_log_line(F2M_LOG_INFO, "app", "a", "");
    ck_assert_int_eq(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK, 0);
}
END_TEST

START_TEST(a_full_socket_drops_lines)
{
    int fds[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    ck_assert_int_eq(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
    close(fds[1]);
    reader = fds[0];
    ck_assert_int_eq(fcntl(reader, F_SETFL, O_NONBLOCK), 0);
    f2m_log_init(F2M_LOG_INFO, F2M_LOG_JSON, false);
    fill(STDERR_FILENO);
    for (int i = 0; i < 3; i++)
        f2m_log_line(F2M_LOG_INFO, "app", "lost", "");
    drain();
    f2m_log_line(F2M_LOG_INFO, "app", "here again", "");
    const char *lines = drain();
    ck_assert_ptr_nonnull(strstr(lines, "\"count\":\"3\"}\n"));
    ck_assert_ptr_nonnull(strstr(lines, "\"msg\":\"here again\"}\n"));
}
END_TEST

START_TEST(a_closed_stderr_harms_nobody)
{
    f2m_log_init(F2M_LOG_INFO, F2M_LOG_TEXT, false);
    close(STDERR_FILENO);
    f2m_log_line(F2M_LOG_INFO, "app", "unheard", "");
}
END_TEST

#define THREADS 4
#define LINES   400

static void *write_many(void *argument)
{
    char pairs[128];

    snprintf(pairs, sizeof pairs, "thread=%d filler=%.*s", *(const int *)argument, 40,
             "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    for (int i = 0; i < LINES; i++)
        f2m_log_line(F2M_LOG_INFO, "app", "busy", pairs);
    return NULL;
}

/* Nobody reads meanwhile, so most lines are dropped; those that came are whole, and each one is accounted for. */
START_TEST(threads_write_whole_lines)
{
    static const char notice[] = "warn log msg=\"lines were dropped because nobody read them\" count=";
    pthread_t threads[THREADS];
    int ids[THREADS];
    unsigned long came = 0, dropped = 0;

    ck_assert_int_gt(fcntl(STDERR_FILENO, F_SETPIPE_SZ, 16384), 0);
    f2m_log_init(F2M_LOG_INFO, F2M_LOG_TEXT, false);
    for (int i = 0; i < THREADS; i++) {
        ids[i] = i;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_many, &ids[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    const char *at = drain();
    for (; strncmp(at, "info app msg=\"busy\" thread=", 27) == 0; came++)
        at += 27 + 1 + strlen(" filler=\n") + 40;
    ck_assert_str_eq(at, "");
    f2m_log_line(F2M_LOG_INFO, "app", "end", "");
    at = drain();
    ck_assert_int_eq(strncmp(at, notice, sizeof notice - 1), 0);
    dropped = strtoul(at + sizeof notice - 1, NULL, 10);
    ck_assert_uint_gt(came, 0);
    ck_assert_uint_eq(came + dropped, THREADS * LINES);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_text_line_has_level_component_message_and_pairs,
        levels_below_the_chosen_one_are_silent,
        a_timestamp_leads_where_it_is_wanted,
        a_json_line_has_the_pairs_as_members,
        values_are_quoted_where_they_need_it,
        values_are_clipped_between_characters,
        no_input_makes_a_second_line,
        long_lines_are_clipped,
        a_full_pipe_drops_lines_and_tells_how_many,
        the_pipe_is_left_as_it_was,
        a_full_socket_drops_lines,
        a_closed_stderr_harms_nobody,
        threads_write_whole_lines,
    };
    Suite *suite = suite_create("util/log");
    TCase *tcase = tcase_create("log");

    tcase_add_checked_fixture(tcase, stderr_to_pipe, NULL);
    for (size_t i = 0; i < F2M_COUNT(tests); i++)
        tcase_add_test(tcase, tests[i]);
    tcase_set_timeout(tcase, F2M_TIMEOUT);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
