/* The status page: what the bridge knows, at one look. HTML without scripts or links, so that it also works behind a
 * proxy's path (Home Assistant's ingress); no secrets. Interface, section 2 (http). */
#include "engine/internal.h"

#include "util/json.h"

#include <inttypes.h>

#define REFRESH_S 5

static const char HEAD[] =
    "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">"
    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
    "<meta http-equiv=\"refresh\" content=\"%d\"><title>flip2mqtt</title><style>"
    ":root{color-scheme:light dark}body{font:15px/1.45 system-ui,sans-serif;max-width:52rem;margin:1.5rem auto;padding:0 1rem}"
    "h1{font-size:1.4rem}h2{font-size:1.1rem;margin:1.6rem 0 .3rem}small{color:gray;font-weight:normal}"
    "table{border-collapse:collapse;width:100%%}td,th{padding:.15rem .6rem .15rem 0;text-align:left;border-bottom:1px solid "
    "#8883}td.n{text-align:right;font-variant-numeric:tabular-nums}.old{color:gray}"
    ".tag{border-radius:.7rem;padding:.05rem .6rem;font-size:.85rem;color:#fff;background:#777}.ok{background:#2a7d46}"
    ".bad{background:#b3261e}li{color:#b3261e}</style></head><body>";

/* Text from configuration, battery or cloud, as text. */
static void add_text(struct f2m_strbuf *out, const char *text)
{
    for (const char *c = text; *c; c++) {
        switch (*c) {
        case '&': f2m_strbuf_adds(out, "&amp;"); break;
        case '<': f2m_strbuf_adds(out, "&lt;"); break;
        case '>': f2m_strbuf_adds(out, "&gt;"); break;
        case '"': f2m_strbuf_adds(out, "&quot;"); break;
        case '\'': f2m_strbuf_adds(out, "&#39;"); break;
        default: f2m_strbuf_addc(out, *c);
        }
    }
}

/* A JSON string as text; anything else as it is written. */
static void add_json(struct f2m_strbuf *out, struct f2m_slice value)
{
    f2m_autostrbuf text;
    f2m_strbuf_init(&text, 0);
    if (!f2m_json_string(value, &text))
        f2m_strbuf_add(&text, value.at, value.len);
    add_text(out, text.data);
}

static void add_tag(struct f2m_strbuf *out, const char *class, const char *text)
{
    f2m_strbuf_addf(out, " <span class=\"tag %s\">%s</span>", class, text);
}

static void add_time(struct f2m_strbuf *out, int64_t wall_ms)
{
    char text[F2M_RFC3339_SIZE];
    f2m_strbuf_adds(out, f2m_rfc3339_format(wall_ms, text));
}

static void head(struct f2m_strbuf *out, const struct f2m_engine *e, const struct f2m_health_facts *f)
{
    f2m_strbuf_addf(out, HEAD, REFRESH_S);
    f2m_strbuf_addf(out, "<h1>flip2mqtt <small>%s</small>", e->version);
    add_tag(out, e->announced ? "ok" : "bad", e->announced ? "broker connected" : "no broker");
    add_tag(out,
            f->cloud > 0   ? "ok"
            : f->cloud < 0 ? ""
                           : "bad",
            f->cloud > 0   ? "Flip reachable"
            : f->cloud < 0 ? "Flip not called yet"
                           : "Flip not reachable");
    if (!f->clock_set)
        add_tag(out, "bad", "clock not set");
    if (f->disk_failing)
        add_tag(out, "bad", "disk full or failing");
    f2m_strbuf_adds(out, "</h1>");
}

static void problems(struct f2m_strbuf *out, const struct f2m_health_facts *f)
{
    struct f2m_json_iter it = f2m_json_iter(f->problems);
    struct f2m_slice name, value;
    if (!f->any_problem)
        return;
    f2m_strbuf_adds(out, "<h2>To mend</h2><ul>");
    while (f2m_json_next(&it, &name, &value)) {
        f2m_strbuf_adds(out, "<li>");
        add_json(out, value);
        f2m_strbuf_adds(out, "</li>");
    }
    f2m_strbuf_adds(out, "</ul>");
}

static void uploads(struct f2m_strbuf *out, const struct f2m_health_facts *f)
{
    f2m_strbuf_adds(out, "<h2>Uploads</h2><table><tr><td>Last upload</td><td>");
    if (f->last_upload_ms)
        add_time(out, f->last_upload_ms);
    else
        f2m_strbuf_adds(out, "none yet");
    f2m_strbuf_addf(out,
                    "</td></tr><tr><td>Points waiting</td><td>%" PRId64 "</td></tr><tr><td>Points that Flip rejected"
                    "</td><td>%" PRId64 "</td></tr></table>",
                    f->outbox.pending, f->outbox.rejected);
}

/* "2.1 kW": short figures for people; the exact ones are on MQTT. */
static void add_number(struct f2m_strbuf *out, double value, const char *unit)
{
    bool kilo = strcmp(unit, "W") == 0 || strcmp(unit, "Wh") == 0;
    if (kilo && (value >= 10000 || value <= -10000))
        f2m_strbuf_addf(out, "%.2f k%s", value / 1000, unit);
    else
        f2m_strbuf_addf(out, "%.*f %s", kilo ? 0 : 1, value, unit);
}

/* Which way a signed power flows: nobody remembers which sign means what. */
static const char *direction(enum f2m_source_id id, double value)
{
    if (f2m_source_info[id].kind != F2M_VALUE_SIGNED_POWER || value == 0)
        return "";
    if (id == F2M_SRC_BATTERY_POWER)
        return value > 0 ? " (charging)" : " (discharging)";
    return value > 0 ? " (import)" : " (export)";
}

static void add_reading(struct f2m_strbuf *out, enum f2m_source_id id, const struct f2m_reading *r)
{
    enum f2m_value_kind kind = f2m_source_info[id].kind;
    if (!r->known)
        f2m_strbuf_adds(out, "no data");
    else if (kind == F2M_VALUE_BOOL)
        f2m_strbuf_adds(out, r->number != 0 ? "yes" : "no");
    else if (kind == F2M_VALUE_MODE)
        f2m_strbuf_adds(out, f2m_mode_name((enum f2m_mode)r->number));
    else if (kind == F2M_VALUE_TEXT)
        add_text(out, r->text ? r->text : "");
    else
        add_number(out, r->number, f2m_unit_canonical(f2m_value_quantity(kind)));
    f2m_strbuf_adds(out, r->known ? direction(id, r->number) : "");
}

/* A source's name in words: state of charge. */
static void add_name(struct f2m_strbuf *out, const char *name)
{
    for (const char *c = name; *c; c++)
        f2m_strbuf_addc(out, *c == '_' ? ' ' : *c);
}

static void readings(struct f2m_strbuf *out, const struct f2m_engine *e, struct f2m_now now, const char *device_id)
{
    f2m_strbuf_adds(out, "<table>");
    for (enum f2m_source_id id = 0; id < F2M_SRC_COUNT; id++) {
        struct f2m_reading r = f2m_telemetry_reading(e->telemetry, device_id, id, now);
        if (!r.mapped)
            continue;
        f2m_strbuf_addf(out, "<tr%s><td>", r.fresh ? "" : " class=\"old\"");
        add_name(out, f2m_source_info[id].name);
        f2m_strbuf_adds(out, "</td><td class=\"n\">");
        add_reading(out, id, &r);
        f2m_strbuf_adds(out, "</td><td>");
        if (r.known && r.age_ms != F2M_FOREVER)
            f2m_strbuf_addf(out, "%" PRId64 " s ago", r.age_ms / 1000);
        f2m_strbuf_addf(out, "%s</td></tr>", r.known && !r.fresh ? ", too old" : "");
    }
    f2m_strbuf_adds(out, "</table>");
}

static void add_command(struct f2m_strbuf *out, struct f2m_slice command)
{
    static const struct {
        const char *member, *before, *after;
    } parts[] = {
        {"mode", "", ""},
        {"setpoint_w", " at ", " W"},
        {"starts_at", " from ", ""},
        {"ends_at", " to ", ""},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct f2m_slice value = f2m_json_member(command, parts[i].member);
        if (!value.len || f2m_json_is_null(value))
            continue;
        f2m_strbuf_adds(out, parts[i].before);
        add_json(out, value);
        f2m_strbuf_adds(out, parts[i].after);
    }
}

static void control(struct f2m_strbuf *out, const struct f2m_engine *e, struct f2m_now now, const char *device_id)
{
    f2m_autostrbuf text;
    f2m_strbuf_init(&text, 0);
    if (!f2m_control_describe(e->control, now, device_id, &text))
        return;
    struct f2m_slice root = f2m_json_root((struct f2m_slice){text.data, text.len});
    struct f2m_slice next = f2m_json_member(root, "next");
    bool flip = f2m_json_string_is(f2m_json_member(root, "owner"), "flip");
    f2m_strbuf_adds(out, "<p>");
    if (flip) {
        f2m_strbuf_adds(out, "Flip controls this battery: ");
        add_command(out, root);
    } else {
        f2m_strbuf_adds(out, "The battery runs as you set it.");
    }
    if (!f2m_json_is_null(next)) {
        f2m_strbuf_adds(out, " Next: ");
        add_command(out, next);
        f2m_strbuf_addc(out, '.');
    }
    f2m_strbuf_adds(out, "</p>");
}

static void last_point(struct f2m_strbuf *out, const struct f2m_engine *e, const char *device_id)
{
    struct f2m_latest_point p;
    if (!f2m_outbox_latest(e->outbox, device_id, &p))
        return;
    f2m_strbuf_adds(out, "<p>Last point, from ");
    add_time(out, p.start_ms);
    f2m_strbuf_addf(out, ": %s%s", f2m_upload_state_name(p.state), p.message ? ": " : "");
    if (p.message)
        add_text(out, p.message);
    f2m_strbuf_adds(out, "</p>");
}

static void device(struct f2m_strbuf *out, const struct f2m_engine *e, struct f2m_now now, const struct f2m_site *site,
                   const struct f2m_device *d)
{
    static const struct {
        const char *class, *text;
    } tags[] = {
        [F2M_ONLINE_UNKNOWN] = {"", "nothing heard yet"},
        [F2M_ONLINE] = {"ok", "online"},
        [F2M_OFFLINE] = {"bad", "offline"},
    };
    enum f2m_online online = f2m_telemetry_online(e->telemetry, d->id, now);
    f2m_strbuf_adds(out, "<h2>");
    add_text(out, d->name ? d->name : d->id);
    f2m_strbuf_adds(out, " <small>");
    add_text(out, d->id);
    f2m_strbuf_adds(out, ", site ");
    add_text(out, site->id);
    f2m_strbuf_adds(out, "</small>");
    add_tag(out, tags[online].class, tags[online].text);
    f2m_strbuf_adds(out, "</h2>");
    control(out, e, now, d->id);
    readings(out, e, now, d->id);
    last_point(out, e, d->id);
}

void f2m_engine_status_page(struct f2m_engine *e, struct f2m_now now, struct f2m_strbuf *out)
{
    struct f2m_health_facts facts;
    size_t shown = 0, all = 0;
    collect_facts(e, now, &facts);
    head(out, e, &facts);
    problems(out, &facts);
    uploads(out, &facts);
    for (size_t s = 0; s < e->config->sites_len; s++) {
        const struct f2m_site *site = &e->config->sites[s];
        all += site->devices_len;
        for (size_t d = 0; d < site->devices_len && shown < F2M_MAX_STATUS_DEVICES; d++, shown++)
            device(out, e, now, site, &site->devices[d]);
    }
    if (all > shown)
        f2m_strbuf_addf(out, "<p>… and %zu more devices.</p>", all - shown);
    f2m_strbuf_adds(out, "<p class=\"old\">");
    add_time(out, now.wall_ms);
    f2m_strbuf_adds(out, "</p></body></html>\n");
}
