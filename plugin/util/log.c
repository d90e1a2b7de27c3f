#include "util/log.h"

#include "util/json_writer.h"
#include "util/limits.h"
#include "util/log_pairs.h"
#include "util/rfc3339.h"
#include "util/utf8.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const char *const level_names[] = {
    [F2M_LOG_ERROR] = "error",
    [F2M_LOG_WARN] = "warn",
    [F2M_LOG_INFO] = "info",
    [F2M_LOG_DEBUG] = "debug",
};

/* Set once before the second thread starts, only read afterwards. */
static struct {
    enum f2m_log_level level;
    enum f2m_log_format format;
    bool timestamps;
} settings = {F2M_LOG_INFO, F2M_LOG_TEXT, false};

void f2m_log_init(enum f2m_log_level level, enum f2m_log_format format, bool timestamps)
{
    settings.level = level;
    settings.format = format;
    settings.timestamps = timestamps;
}

bool f2m_log_level_parse(const char *name, enum f2m_log_level *level)
{
    for (size_t i = 0; i < sizeof level_names / sizeof level_names[0]; i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *level = (enum f2m_log_level)i;
            return true;
        }
    }
    return false;
}

bool f2m_log_enabled(enum f2m_log_level level)
{
    return level <= settings.level;
}

/* The present time as text; logging is no logic, so it may read the clock itself. */
static const char *present(char buf[F2M_RFC3339_SIZE])
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return f2m_rfc3339_format((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, buf);
}

/* Pairs are safe already; a stray control still must not begin a second line. */
static void add_pairs(struct f2m_strbuf *out, const char *pairs)
{
    size_t from = out->len + 1;

    if (!*pairs)
        return;
    f2m_strbuf_addf(out, " %.*s", (int)strnlen(pairs, F2M_MAX_LOG_LINE_BYTES), pairs);
    for (size_t i = from; i < out->len; i++)
        if ((unsigned char)out->data[i] < 0x20)
            out->data[i] = '?';
}

static void text_line(struct f2m_strbuf *out, enum f2m_log_level level, const char *component, const char *msg,
                      const char *pairs)
{
    char time[F2M_RFC3339_SIZE], quoted[F2M_MAX_LOG_MESSAGE_BYTES];

    if (settings.timestamps)
        f2m_strbuf_addf(out, "%s ", present(time));
    f2m_strbuf_addf(out, "%s %s msg=", level_names[level], component);
    f2m_strbuf_adds(out, f2m_log_quote(msg, quoted, sizeof quoted));
    add_pairs(out, pairs);
    if (out->len > F2M_MAX_LOG_LINE_BYTES - 1) {
        f2m_strbuf_truncate(out, f2m_utf8_clip(out->data, F2M_MAX_LOG_LINE_BYTES - 4));
        f2m_strbuf_adds(out, "…");
    }
}

/* A pair that no longer fits goes, and those behind it; "clipped" says so. */
static void add_members(struct f2m_jw *w, const char *pairs)
{
    f2m_autostrbuf value;
    struct f2m_slice rest = {pairs, strnlen(pairs, F2M_MAX_LOG_LINE_BYTES)}, key;

    f2m_strbuf_init(&value, 0);
    while (f2m_log_next_pair(&rest, &key, &value)) {
        struct f2m_jw before = *w;
        size_t len = w->out->len;
        f2m_jw_key_text(w, key);
        f2m_jw_text(w, NULL, (struct f2m_slice){value.data, value.len});
        if (w->out->len > F2M_MAX_LOG_LINE_BYTES - sizeof ",\"clipped\":true}") {
            *w = before;
            f2m_strbuf_truncate(w->out, len);
            f2m_jw_bool(w, "clipped", true);
            return;
        }
    }
}

static void json_line(struct f2m_strbuf *out, enum f2m_log_level level, const char *component, const char *msg,
                      const char *pairs)
{
    char time[F2M_RFC3339_SIZE];
    struct f2m_slice text = f2m_slice_of(msg);
    struct f2m_jw w = f2m_jw(out);

    if (text.len > F2M_MAX_LOG_MESSAGE_BYTES / 2)
        text.len = f2m_utf8_clip(msg, F2M_MAX_LOG_MESSAGE_BYTES / 2);
    f2m_jw_object(&w, NULL);
    if (settings.timestamps)
        f2m_jw_string(&w, "timestamp", present(time));
    f2m_jw_string(&w, "level", level_names[level]);
    f2m_jw_string(&w, "component", component);
    f2m_jw_text(&w, "msg", text);
    add_members(&w, pairs);
    f2m_jw_end(&w);
}

static void format_line(struct f2m_strbuf *out, enum f2m_log_level level, const char *component, const char *msg,
                        const char *pairs)
{
    f2m_strbuf_reset(out);
    if (settings.format == F2M_LOG_JSON)
        json_line(out, level, component, msg, pairs);
    else
        text_line(out, level, component, msg, pairs);
    f2m_strbuf_addc(out, '\n');
}

/* The one place that writes; the lock keeps "is there room?" and the write together. */
static struct {
    pthread_mutex_t lock;
    unsigned long dropped; /* lines since the last one that fitted */
    bool torn;             /* the last line went out in part: the next begins on a line of its own */
} output = {.lock = PTHREAD_MUTEX_INITIALIZER};

/*
 * One write that does not wait. O_NONBLOCK would change the terminal or pipe for everybody who shares it, so we ask
 * first: a pipe that polls writable takes PIPE_BUF bytes, which no line exceeds. A socket (the journal) is told.
 */
static ssize_t write_now(const char *text, size_t len)
{
    struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};
    ssize_t n;

    do
        n = send(p.fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n >= 0 || errno != ENOTSOCK)
        return n;
    if (poll(&p, 1, 0) != 1 || !(p.revents & POLLOUT))
        return -1;
    do
        n = write(p.fd, text, len);
    while (n < 0 && errno == EINTR);
    return n;
}

static bool write_line(const struct f2m_strbuf *line)
{
    if (output.torn && write_now("\n", 1) != 1)
        return false;
    output.torn = false;
    ssize_t n = write_now(line->data, line->len);
    output.torn = n > 0 && (size_t)n < line->len;
    return n == (ssize_t)line->len;
}

static bool tell_dropped(void)
{
    f2m_autostrbuf line;
    char pairs[40];

    f2m_strbuf_init(&line, 0);
    snprintf(pairs, sizeof pairs, "count=%lu", output.dropped);
    format_line(&line, F2M_LOG_WARN, "log", "lines were dropped because nobody read them", pairs);
    return write_line(&line);
}

void f2m_log_line(enum f2m_log_level level, const char *component, const char *msg, const char *pairs)
{
    if (!f2m_log_enabled(level))
        return;
    f2m_autostrbuf line; /* not before the return, which would free it */
    f2m_strbuf_init(&line, 0);
    format_line(&line, level, component, msg, pairs);
    pthread_mutex_lock(&output.lock);
    if (output.dropped && tell_dropped())
        output.dropped = 0;
    if (output.dropped || !write_line(&line))
        output.dropped++;
    pthread_mutex_unlock(&output.lock);
}

void f2m_log(enum f2m_log_level level, const char *component, const char *msg, const char *pairs_fmt, ...)
{
    va_list args;

    if (!f2m_log_enabled(level))
        return;
    f2m_autostrbuf pairs;
    f2m_strbuf_init(&pairs, 0);
    va_start(args, pairs_fmt);
    f2m_strbuf_vaddf(&pairs, pairs_fmt, args);
    va_end(args);
    f2m_log_line(level, component, msg, pairs.data);
}
