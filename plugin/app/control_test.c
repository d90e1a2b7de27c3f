/*
 * flip2mqtt control test: a rehearsal of a command by the very same path as Flip's (modes, confirm, guard, restore), on
 * a journal in memory and without Flip. This file reads the command line and opens what the rehearsal needs.
 */
#include "app/clock.h"
#include "app/command.h"
#include "app/rehearsal.h"
#include "port/own_topic.h"
#include "store/sqlite.h"
#include "util/limits.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#define DEFAULT_FOR_MS 60000

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    rehearsal_interrupted = 1;
}

static bool read_number(const char *option, const char *text, enum f2m_quantity quantity, const char *example,
                        double *value)
{
    *value = NAN;
    if (!text || f2m_quantity_parse(f2m_slice_of(text), quantity, value))
        return true;
    fprintf(stderr, "flip2mqtt: --%s: expected a value such as '%s', found '%s'\n", option, example, text);
    return false;
}

static bool read_command(const struct f2m_options *o, struct f2m_rehearsal *c)
{
    if (!o->device || !o->mode) {
        fputs("flip2mqtt: control test: --device and --mode are needed\nTry 'flip2mqtt --help'.\n", stderr);
        return false;
    }
    *c = (struct f2m_rehearsal){.device_id = o->device, .power_mode = o->power_mode};
    if (!f2m_mode_parse(f2m_slice_of(o->mode), &c->mode)) {
        fprintf(stderr,
                "flip2mqtt: --mode: expected BACKUP, CHARGE, DISCHARGE, SAVINGS, SELF_CONSUMPTION or STANDBY, "
                "found '%s'\n",
                o->mode);
        return false;
    }
    c->duration_ms = o->for_ms ? o->for_ms : DEFAULT_FOR_MS;
    if (!read_number("setpoint", o->setpoint, F2M_QUANTITY_POWER, "2 kW", &c->setpoint_w) ||
        !read_number("reserve", o->reserve, F2M_QUANTITY_PERCENTAGE, "20 %", &c->reserve))
        return false;
    if (!c->power_mode && !isnan(c->setpoint_w))
        c->power_mode = "SETPOINT";
    return true;
}

static void subscribe(void *tool, const char *filter)
{
    (void)f2m_mqtt_subscribe(((struct tool *)tool)->mqtt, filter);
}

/* Vetoes and read-backs. */
static void watch(void *rehearsal, const char *filter)
{
    struct rehearsal *r = rehearsal;
    subscribe(&r->tool, filter);
    f2m_router_add(r->read_backs, filter, r);
}

static int rehearse(struct rehearsal *r, const struct f2m_rehearsal *command)
{
    f2m_strbuf_init(&r->control_topic, 0);
    f2m_strbuf_init(&r->command_topic, 0);
    f2m_strbuf_init(&r->kept, F2M_MAX_PAYLOAD_BYTES);
    f2m_own_topic_device(&r->control_topic, r->config->mqtt.base_topic, r->device->id, "control");
    f2m_own_topic_device(&r->command_topic, r->config->mqtt.base_topic, r->device->id, "command");
    r->read_backs = f2m_router_new();
    f2m_control_filters(r->control, watch, r);
    subscribe(&r->tool, r->control_topic.data);
    f2m_telemetry_filters(r->telemetry, subscribe, &r->tool);
    int result = rehearsal_play(r, command);
    f2m_router_free(r->read_backs);
    f2m_strbuf_deinit(&r->kept);
    f2m_strbuf_deinit(&r->command_topic);
    f2m_strbuf_deinit(&r->control_topic);
    return result;
}

/* The rooms know this one device only: the others are none of our business. */
static int open_rooms_and_rehearse(struct rehearsal *r, const struct f2m_rehearsal *command)
{
    struct f2m_site site = *r->device->site;
    struct f2m_config config = *r->config;
    struct f2m_now now = f2m_clock_now();
    site.devices = r->device;
    site.devices_len = 1;
    config.sites = &site;
    config.sites_len = 1;
    config.index = NULL;
    r->started_ms = now.mono_ms;
    r->rng.state = (uint64_t)now.wall_ms;
    r->store = f2m_store_open_memory();
    r->effects = f2m_effects_new();
    r->outbox = f2m_outbox_new(&config, r->store, &r->counters);
    r->telemetry = f2m_telemetry_new(&config, r->store, r->outbox, &r->counters, now);
    r->control = f2m_control_new(
        &(struct f2m_control_context){
            .config = &config, .store = r->store, .telemetry = r->telemetry, .rng = &r->rng, .counters = &r->counters},
        now);
    int result = rehearse(r, command);
    f2m_control_free(r->control);
    f2m_telemetry_free(r->telemetry);
    f2m_outbox_free(r->outbox);
    f2m_effects_free(r->effects);
    f2m_store_free(r->store);
    return result;
}

static int connect_and_rehearse(struct rehearsal *r, const struct f2m_rehearsal *command)
{
    struct f2m_err err;
    int result = tool_open(&r->tool, r->config, "control-test", &err);
    if (result == 0)
        result = tool_connect(&r->tool, &err);
    if (result == 0)
        result = open_rooms_and_rehearse(r, command);
    else {
        fprintf(stderr, "flip2mqtt: control test: broker %s:%d: %s\n", r->config->mqtt.host, r->config->mqtt.port,
                err.text);
        result = EX_UNAVAILABLE;
    }
    if (r->tool.mqtt)
        tool_close(&r->tool);
    return result;
}

int f2m_command_control(const struct f2m_options *o)
{
    struct f2m_rehearsal command;
    if (o->words_len != 2 || strcmp(o->words[1], "test") != 0) {
        fputs("flip2mqtt: control: expected test\nTry 'flip2mqtt --help'.\n", stderr);
        return EX_USAGE;
    }
    if (!read_command(o, &command))
        return EX_USAGE;
    struct rehearsal r = {.config = f2m_command_load(o)};
    if (!r.config)
        return EX_CONFIG;
    r.device = f2m_config_device(r.config, o->device);
    int result = EX_USAGE;
    struct sigaction action = {.sa_handler = on_interrupt};
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    if (r.device)
        result = connect_and_rehearse(&r, &command);
    else
        fprintf(stderr, "flip2mqtt: --device: '%s' is not in the configuration\n", o->device);
    f2m_config_free(r.config);
    return result;
}
