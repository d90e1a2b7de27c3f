/* flip2mqtt doctor: what the bridge would see, read and send, and what is wrong, in plain words with the next step. */
#include "app/clock.h"
#include "app/command.h"
#include "app/listen.h"
#include "app/probe.h"
#include "app/tool.h"
#include "util/json_writer.h"
#include "util/number.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#define DEFAULT_FOR_MS 60000

static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

static void show_value(const struct listen_source *s, struct f2m_now now)
{
    struct f2m_reading r = f2m_source_reader_read(s->reader, now);
    enum f2m_value_kind kind = f2m_source_info[s->id].kind;
    char number[F2M_NUMBER_SIZE];
    if (!r.known) {
        fputs("no value", stdout);
        return;
    }
    if (kind == F2M_VALUE_MODE)
        fputs(f2m_mode_name((enum f2m_mode)r.number), stdout);
    else if (kind == F2M_VALUE_BOOL)
        fputs(r.number != 0 ? "true" : "false", stdout);
    else if (kind == F2M_VALUE_TEXT)
        fputs(r.text, stdout);
    else
        printf("%s %s", f2m_number_format(r.number, number), f2m_unit_canonical(f2m_value_quantity(kind)));
    if (r.age_ms != F2M_FOREVER)
        printf(", %s s ago", f2m_number_format((double)(r.age_ms / 100) / 10, number));
}

/* One source; true where something is wrong with it. */
static bool show_source(const struct listen_source *s, struct f2m_now now, int64_t listened_ms)
{
    char buf[900];
    const char *complaint = listen_complaint(s, now, listened_ms, buf, sizeof buf);
    printf("  %-4s %-26s ", complaint ? "BAD" : "ok", f2m_source_info[s->id].name);
    show_value(s, now);
    putchar('\n');
    for (size_t i = 0; i < s->topics_len; i++)
        printf("         %s  %s%s%s%s\n", s->topics[i].filter, s->topics[i].messages ? "'" : "(nothing yet)",
               s->topics[i].raw, s->topics[i].messages ? "'" : "", s->topics[i].retained ? " (retained)" : "");
    if (complaint)
        printf("         -> %s\n", complaint);
    return complaint;
}

static const char *online_text(enum f2m_online online)
{
    switch (online) {
    case F2M_ONLINE: return "online";
    case F2M_OFFLINE: return "offline";
    case F2M_ONLINE_UNKNOWN: break;
    }
    return "nothing heard yet";
}

/* Things that no single source can be blamed for. */
static unsigned show_device_problems(const struct listen *l, const struct f2m_device *d, struct f2m_now now)
{
    unsigned n = 0;
    if (d->telemetry.endpoint == F2M_TELEMETRY_OFF || d->type != F2M_DEVICE_BATTERY)
        return 0;
    const struct f2m_source *sources = d->telemetry.sources;
    if (f2m_telemetry_mismatch(l->telemetry, d->id, now) && ++n)
        puts("  BAD  home power comes out below zero: solar + grid import - grid export + discharge - charge does not "
             "fit.\n"
             "         -> check `positive` of battery_power and grid_power, and the units");
    if (sources[F2M_SRC_STATE_OF_CHARGE].op == F2M_SOURCE_NONE && ++n)
        puts("  BAD  state_of_charge is not mapped: Flip cannot plan with a battery whose charge it does not know");
    if (sources[F2M_SRC_BATTERY_POWER].op == F2M_SOURCE_NONE &&
        sources[F2M_SRC_BATTERY_CHARGE_POWER].op == F2M_SOURCE_NONE && ++n)
        puts("  BAD  no battery power is mapped: Flip pays for what it sees flowing");
    return n;
}

static unsigned show_device(const struct listen *l, const struct f2m_device *d, struct f2m_now now, int64_t listened_ms)
{
    unsigned wrong = 0;
    printf("\n%s (%s), site %s: %s\n", d->name, d->id, d->site->id,
           online_text(f2m_telemetry_online(l->telemetry, d->id, now)));
    for (size_t i = 0; i < l->sources_len; i++)
        if (l->sources[i].device == d)
            wrong += show_source(&l->sources[i], now, listened_ms);
    wrong += show_device_problems(l, d, now);
    f2m_autostrbuf point;
    f2m_strbuf_init(&point, 0);
    if (f2m_telemetry_preview(l->telemetry, d->id, now, &point))
        printf("  The point that would be sent now:\n  %s\n", point.data);
    return wrong;
}

static void write_source(struct f2m_jw *w, const struct listen_source *s, struct f2m_now now, int64_t listened_ms)
{
    char buf[900];
    struct f2m_reading r = f2m_source_reader_read(s->reader, now);
    enum f2m_value_kind kind = f2m_source_info[s->id].kind;
    f2m_jw_object(w, f2m_source_info[s->id].name);
    f2m_jw_array(w, "topics");
    for (size_t i = 0; i < s->topics_len; i++) {
        f2m_jw_object(w, NULL);
        f2m_jw_string(w, "topic", s->topics[i].filter);
        f2m_jw_integer(w, "messages", (int64_t)s->topics[i].messages);
        f2m_jw_string(w, "raw", s->topics[i].messages ? s->topics[i].raw : NULL);
        f2m_jw_end(w);
    }
    f2m_jw_end(w);
    if (!r.known)
        f2m_jw_null(w, "value");
    else if (kind == F2M_VALUE_MODE)
        f2m_jw_string(w, "value", f2m_mode_name((enum f2m_mode)r.number));
    else if (kind == F2M_VALUE_BOOL)
        f2m_jw_bool(w, "value", r.number != 0);
    else
        f2m_jw_number(w, "value", r.number);
    f2m_jw_string(w, "unit", f2m_unit_canonical(f2m_value_quantity(kind)));
    if (r.known && r.age_ms != F2M_FOREVER)
        f2m_jw_number(w, "age_s", (double)r.age_ms / 1000);
    else
        f2m_jw_null(w, "age_s");
    f2m_jw_string(w, "problem", listen_complaint(s, now, listened_ms, buf, sizeof buf));
    f2m_jw_end(w);
}

static void write_device(struct f2m_jw *w, const struct listen *l, const struct f2m_device *d, struct f2m_now now,
                         int64_t listened_ms)
{
    f2m_autostrbuf point;
    f2m_strbuf_init(&point, 0);
    f2m_jw_object(w, NULL);
    f2m_jw_string(w, "id", d->id);
    f2m_jw_string(w, "state", online_text(f2m_telemetry_online(l->telemetry, d->id, now)));
    f2m_jw_object(w, "sources");
    for (size_t i = 0; i < l->sources_len; i++)
        if (l->sources[i].device == d)
            write_source(w, &l->sources[i], now, listened_ms);
    f2m_jw_end(w);
    f2m_jw_bool(w, "mismatch", f2m_telemetry_mismatch(l->telemetry, d->id, now));
    if (f2m_telemetry_preview(l->telemetry, d->id, now, &point))
        f2m_jw_raw(w, "point", (struct f2m_slice){point.data, point.len});
    f2m_jw_end(w);
}

static void show_json(const struct listen *l, const char *flip, int64_t listened_ms)
{
    f2m_autostrbuf out;
    f2m_strbuf_init(&out, 0);
    struct f2m_now now = f2m_clock_now();
    struct f2m_jw w = f2m_jw(&out);
    f2m_jw_object(&w, NULL);
    f2m_jw_string(&w, "flip", flip);
    f2m_jw_array(&w, "devices");
    for (size_t s = 0; s < l->config->sites_len; s++)
        for (size_t d = 0; d < l->config->sites[s].devices_len; d++)
            write_device(&w, l, &l->config->sites[s].devices[d], now, listened_ms);
    f2m_jw_end(&w);
    f2m_jw_end(&w);
    puts(out.data);
}

static void show_text(const struct listen *l, const char *flip, bool flip_ok, int64_t listened_ms)
{
    const struct f2m_mqtt_config *m = &l->config->mqtt;
    struct f2m_now now = f2m_clock_now();
    unsigned wrong = !flip_ok;
    printf("Broker   %s:%d, connected%s\n", m->host, m->port,
           m->tls                 ? " over TLS"
           : is_loopback(m->host) ? ""
                                  : "; unencrypted: anybody on the network can read and command (mqtts:// helps)");
    printf("Flip     %s: %s\n", l->config->flip.base_url, flip);
    for (size_t s = 0; s < l->config->sites_len; s++)
        for (size_t d = 0; d < l->config->sites[s].devices_len; d++)
            wrong += show_device(l, &l->config->sites[s].devices[d], now, listened_ms);
    if (wrong)
        printf("\n%u thing%s to mend.\n", wrong, wrong == 1 ? "" : "s");
    else
        puts("\nEverything is as it should be.");
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
    if (o->json)
        show_json(&l, flip.text, listened_ms);
    else
        show_text(&l, flip.text, flip_ok, listened_ms);
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
