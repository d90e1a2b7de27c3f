/* flip2mqtt doctor: what the bridge would see, read and send, and what is wrong, in plain words with the next step. */
#include "app/doctor.h"

#include "app/clock.h"
#include "app/command.h"
#include "app/probe.h"
#include "app/tool.h"
#include "util/json.h"
#include "util/number.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#define DEFAULT_FOR_MS 60000
#define LINE_WIDTH     110

static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

bool doctor_broker_exposed(const struct f2m_config *c)
{
    return !c->mqtt.tls && !is_loopback(c->mqtt.host);
}

bool doctor_flip_exposed(const struct f2m_config *c)
{
    return c->flip.insecure && strncmp(c->flip.base_url, "http://", strlen("http://")) == 0;
}

const char *doctor_online_text(enum f2m_online online)
{
    switch (online) {
    case F2M_ONLINE: return "online";
    case F2M_OFFLINE: return "offline";
    case F2M_ONLINE_UNKNOWN: break;
    }
    return "nothing heard yet";
}

/* ---- words, folded at blanks ---- */

static void show_words(const char *indent, const char *mark, const char *words)
{
    printf("%s%s", indent, mark);
    size_t begin = strlen(indent) + strlen(mark), column = begin;
    while (*words) {
        size_t len = strcspn(words, " ");
        if (column > begin && column + 1 + len > LINE_WIDTH) {
            printf("\n%*s", (int)begin, "");
            column = begin;
        } else if (column > begin) {
            putchar(' ');
            column++;
        }
        printf("%.*s", (int)len, words);
        column += len;
        words += len;
        words += *words == ' ';
    }
    putchar('\n');
}

/* ---- sources ---- */

static void show_value(const struct listen_source *s, struct f2m_now now)
{
    struct f2m_reading r = f2m_source_reader_read(s->reader, now);
    char number[F2M_NUMBER_SIZE];
    if (!r.known) {
        fputs("no value", stdout);
        return;
    }
    if (s->kind == F2M_VALUE_MODE || s->kind == F2M_VALUE_TEXT)
        fputs(r.text, stdout);
    else if (s->role == LISTEN_AVAILABILITY)
        fputs(r.number != 0 ? "online" : "offline", stdout);
    else if (s->kind == F2M_VALUE_BOOL)
        fputs(r.number != 0 ? "true" : "false", stdout);
    else
        printf("%s %s", f2m_number_format(r.number, number), f2m_unit_canonical(f2m_value_quantity(s->kind)));
    if (r.age_ms != F2M_FOREVER)
        printf(", %s s ago", f2m_number_format((double)(r.age_ms / 100) / 10, number));
}

static void show_leaf(const struct listen_leaf *leaf)
{
    if (!leaf->filter)
        return;
    printf("         %s%s%s  ", leaf->filter, leaf->source->path ? "  " : "",
           leaf->source->path ? leaf->source->path : "");
    if (leaf->messages)
        printf("'%s'%s\n", leaf->raw, leaf->retained ? " (retained)" : "");
    else
        puts(leaf->refused ? "(refused)" : "(nothing yet)");
}

static enum verdict show_source(const struct diagnosis *x, const struct listen_source *s)
{
    f2m_autostrbuf words;
    f2m_strbuf_init(&words, 0);
    enum verdict v = diagnose_source(x, s, &words);
    printf("  %-4s %-26s ", verdict_name(v), s->name);
    show_value(s, x->now);
    putchar('\n');
    for (size_t i = 0; i < s->leaves_len; i++)
        show_leaf(&s->leaves[i]);
    if (v != VERDICT_OK)
        show_words("         ", "-> ", words.data);
    return v;
}

/* ---- devices ---- */

struct tally {
    unsigned bad, odd;
};

static void count(struct tally *t, enum verdict v)
{
    t->bad += v == VERDICT_BAD;
    t->odd += v == VERDICT_ASK;
}

static void show_problem(void *ctx, enum verdict v, const char *words)
{
    char mark[16];
    (void)snprintf(mark, sizeof mark, "%-4s ", verdict_name(v));
    show_words("  ", mark, words);
    count(ctx, v);
}

/* The fields with a value one by one, the others in one list. */
static void show_point(struct f2m_slice point)
{
    f2m_autostrbuf unknown;
    struct f2m_slice name, value;
    struct f2m_json_iter it = f2m_json_iter(point);
    f2m_strbuf_init(&unknown, 0);
    puts("  The point that would be sent now:");
    while (f2m_json_next(&it, &name, &value)) {
        if (f2m_json_is_null(value))
            f2m_strbuf_addf(&unknown, "%s%.*s", unknown.len ? ", " : "", (int)name.len - 2, name.at + 1);
        else
            printf("         %-42.*s %.*s\n", (int)name.len - 2, name.at + 1, (int)value.len, value.at);
    }
    if (unknown.len)
        show_words("         ", "null: ", unknown.data);
}

static void show_device(const struct diagnosis *x, const struct f2m_device *d, struct tally *t)
{
    const struct listen *l = x->listen;
    f2m_autostrbuf point;
    f2m_strbuf_init(&point, 0);
    printf("\n%s (%s), site %s: %s\n", d->name, d->id, d->site->id,
           d->type == F2M_DEVICE_BATTERY ? doctor_online_text(f2m_telemetry_online(l->telemetry, d->id, x->now))
                                         : "has no telemetry");
    for (size_t i = 0; i < l->sources_len; i++)
        if (l->sources[i].device == d)
            count(t, show_source(x, &l->sources[i]));
    diagnose_device(x, d, show_problem, t);
    if (f2m_telemetry_preview(l->telemetry, d->id, x->now, &point))
        show_point((struct f2m_slice){point.data, point.len});
}

/* ---- the whole ---- */

static void show_running_bridge(const struct listen *l)
{
    struct f2m_slice health = {l->health.data, l->health.len}, problem;
    struct f2m_err ignored;
    if (!l->state.len)
        puts("Bridge   none is running with this base_topic, as far as this broker knows");
    else
        printf("Bridge   %s\n", l->state.data);
    if (strcmp(l->state.len ? l->state.data : "", "online") != 0 || f2m_json_check(health, &ignored) != 0)
        return;
    struct f2m_json_iter it = f2m_json_iter(f2m_json_member(f2m_json_root(health), "problems"));
    while (f2m_json_next(&it, &(struct f2m_slice){0}, &problem)) {
        f2m_autostrbuf text;
        f2m_strbuf_init(&text, 0);
        if (f2m_json_string(problem, &text))
            show_words("         ", "it says: ", text.data);
    }
}

static void show_text(const struct findings_of_doctor *f)
{
    const struct f2m_config *c = f->x.listen->config;
    struct tally t = {.bad = !f->flip_ok};
    printf("Broker   %s:%d, connected%s\n", c->mqtt.host, c->mqtt.port,
           c->mqtt.tls                ? " over TLS"
           : doctor_broker_exposed(c) ? "; unencrypted: anybody on the network can read and command (mqtts:// helps)"
                                      : "");
    printf("Flip     %s: %s%s\n", c->flip.base_url, f->flip,
           doctor_flip_exposed(c) ? "; unencrypted: anybody on the way can read the token (https:// helps)" : "");
    show_running_bridge(f->x.listen);
    for (size_t s = 0; s < c->sites_len; s++)
        for (size_t d = 0; d < c->sites[s].devices_len; d++)
            show_device(&f->x, &c->sites[s].devices[d], &t);
    if (t.bad)
        printf("\n%u thing%s to mend", t.bad, t.bad == 1 ? "" : "s");
    else
        fputs(t.odd ? "\nNothing is wrong" : "\nEverything is as it should be", stdout);
    if (t.odd)
        printf(", %u to look at", t.odd);
    puts(".");
}

static int examine(const struct f2m_options *o, const struct f2m_config *config)
{
    struct tool tool = {0};
    struct f2m_err err, flip;
    int r = tool_open(&tool, config, "doctor", &err);
    if (r == 0 && (r = tool_connect(&tool, &err)) != 0)
        f2m_err_wrap(&err, "broker %s:%d", config->mqtt.host, config->mqtt.port);
    if (r != 0) {
        fprintf(stderr, "flip2mqtt: doctor: %s\n", err.text);
        if (tool.mqtt)
            tool_close(&tool);
        return EX_UNAVAILABLE;
    }
    int64_t listened_ms = o->for_ms ? o->for_ms : DEFAULT_FOR_MS;
    if (!o->json)
        printf("Listening for %lld s…\n", (long long)(listened_ms / 1000));
    (void)fflush(stdout);
    bool flip_ok = probe_flip(config, &flip) == 0;
    struct listen l;
    listen_open(&l, config);
    listen_run(&l, &tool, f2m_clock_now().mono_ms + listened_ms, false);
    struct findings_of_doctor f = {
        .x = {.listen = &l, .now = f2m_clock_now(), .listened_ms = listened_ms},
        .flip = flip.text,
        .flip_ok = flip_ok,
    };
    if (o->json)
        doctor_show_json(&f);
    else
        show_text(&f);
    listen_close(&l);
    tool_close(&tool);
    return 0;
}

int f2m_command_doctor(const struct f2m_options *o)
{
    struct f2m_config *config = f2m_command_load(o);
    if (!config)
        return EX_CONFIG;
    int r = examine(o, config);
    f2m_config_free(config);
    return r;
}
