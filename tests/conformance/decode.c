/* conformance_decode: what the bridge itself makes of payloads. Reads lines "<schema's place>\t<payload in hex>" and
 * writes for each "accepted" or "refused: <why>"; test_decoders.py compares that with the schemas. */
#include "control/ack_message.h"
#include "control/flip_command.h"
#include "requests/envelope.h"
#include "telemetry/upload_reply.h"
#include "util/boolean.h"
#include "util/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#define REQUEST "bridge/request/"

static bool read_switch(struct f2m_slice payload, struct f2m_err *err)
{
    bool value;

    f2m_err_set(err, "expected ON or OFF");
    return f2m_boolean_parse(payload, &value);
}

static bool read_ack(struct f2m_slice payload, struct f2m_err *err)
{
    struct f2m_ack_message message;

    return f2m_ack_read(payload, &message, err);
}

static bool read_command(struct f2m_slice payload, struct f2m_err *err)
{
    struct f2m_flip_command command;

    if (f2m_flip_command_decode(payload, &command, err) < 0)
        return false;
    bool possible = !command.impossible[0];
    f2m_err_set(err, "%s", command.impossible);
    f2m_flip_command_deinit(&command);
    return possible;
}

static void ignore(void *ctx, size_t index, bool ok, const char *message)
{
    (void)ctx, (void)index, (void)ok, (void)message;
}

static bool read_results(struct f2m_slice payload, struct f2m_err *err)
{
    size_t verdicts;

    return f2m_json_check(payload, err) == 0 &&
           f2m_upload_reply_read(f2m_json_root(payload), 1000, ignore, NULL, &verdicts, err) == 0;
}

static bool read_request(const char *name, struct f2m_slice payload, struct f2m_err *err)
{
    f2m_autostrbuf query = {0}, path = {0};
    struct f2m_operation op;
    struct f2m_envelope envelope;

    f2m_strbuf_init(&query, F2M_MAX_QUERY_BYTES);
    f2m_strbuf_init(&path, 0);
    if (!f2m_operation_find(f2m_slice_of(name), &op)) {
        f2m_err_set(err, "unknown operation");
        return false;
    }
    if (f2m_envelope_read(payload, &op, &envelope, &query, err) != 0)
        return false;
    struct f2m_path_ids ids = f2m_envelope_ids(&envelope);
    return op.kind != F2M_OPERATION_FLIP || f2m_endpoint_path(op.endpoint, &ids, query.data, &path, err) == 0;
}

static const struct {
    const char *place;
    bool (*read)(struct f2m_slice payload, struct f2m_err *);
} decoders[] = {
    {"device/pause/set", read_switch},
    {"site/participation/set", read_switch},
    {"site/event/participation/set", read_switch},
    {"device/command/ack", read_ack},
    {"flip/command", read_command},
    {"flip/telemetry-results", read_results},
};

static bool accepts(const char *place, struct f2m_slice payload, struct f2m_err *err)
{
    if (strncmp(place, REQUEST, strlen(REQUEST)) == 0)
        return read_request(place + strlen(REQUEST), payload, err);
    for (size_t i = 0; i < sizeof decoders / sizeof *decoders; i++)
        if (strcmp(decoders[i].place, place) == 0)
            return decoders[i].read(payload, err);
    fprintf(stderr, "nothing decodes %s\n", place);
    exit(EX_USAGE);
}

static int digit(char c)
{
    const char *digits = "0123456789abcdef", *at = strchr(digits, c);

    return c && at ? (int)(at - digits) : -1;
}

/* The payload in memory of exactly its size, so that the sanitizer sees a read beyond it. */
static bool decode(const char *place, const char *hex)
{
    size_t len = strlen(hex) / 2;
    struct f2m_err err;
    char *payload = malloc(len ? len : 1);

    if (!payload)
        exit(EX_OSERR);
    for (size_t i = 0; i < len; i++) {
        int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        payload[i] = (char)(high << 4 | low);
    }
    if (accepts(place, (struct f2m_slice){payload, len}, &err))
        puts("accepted");
    else
        printf("refused: %s\n", err.text);
    free(payload);
    return true;
}

int main(void)
{
    static char line[1u << 20];

    while (fgets(line, sizeof line, stdin)) {
        char *tab = strchr(line, '\t');
        if (!tab)
            return EX_USAGE;
        *tab = '\0';
        tab[1 + strcspn(tab + 1, "\n")] = '\0';
        if (!decode(line, tab + 1))
            return EX_USAGE;
    }
    return fflush(stdout) == 0 ? 0 : EX_IOERR;
}
