#include "telemetry/upload_reply.h"

#include "flip/list.h"
#include "flip/outcome.h"
#include "util/json.h"
#include "util/strbuf.h"

#include <errno.h>

#define MAX_MESSAGE_BYTES 4096 /* before clipping */

static int check(struct f2m_slice array, size_t points, size_t *entries, struct f2m_err *err)
{
    struct f2m_slice name, entry;
    size_t n = 0, with_status = 0;
    for (struct f2m_json_iter it = f2m_json_iter(array); f2m_json_next(&it, &name, &entry); n++) {
        if (f2m_json_type(entry) != F2M_JSON_OBJECT) {
            f2m_err_set(err, "result %zu is %s, expected an object", n, f2m_json_type_name(f2m_json_type(entry)));
            return -EINVAL;
        }
        with_status += f2m_json_member(entry, "status").at != NULL;
    }
    if (n > points) {
        f2m_err_set(err, "%zu results for %zu points", n, points);
        return -EINVAL;
    }
    if (n > 0 && with_status == 0) {
        f2m_err_set(err, "results without a status");
        return -EINVAL;
    }
    *entries = n;
    return 0;
}

static void add_text(struct f2m_strbuf *out, struct f2m_slice value)
{
    if (!f2m_json_string(value, out))
        f2m_strbuf_add(out, value.at, value.len);
}

/* Flip's message; without one, what it said instead. */
static void explain(struct f2m_slice entry, struct f2m_strbuf *out)
{
    struct f2m_slice message = f2m_json_member(entry, "message"), status = f2m_json_member(entry, "status");
    if (message.at && !f2m_json_is_null(message))
        add_text(out, message);
    if (out->len > 0)
        return;
    f2m_strbuf_adds(out, status.at ? "status " : "no status");
    add_text(out, status);
}

int f2m_upload_reply_read(struct f2m_slice body, size_t points, f2m_verdict_visit visit, void *ctx, size_t *verdicts,
                          struct f2m_err *err)
{
    struct f2m_slice array, name, entry;
    if (!f2m_list_find(body, NULL, &array)) {
        f2m_err_set(err, "the answer is %s, expected an array of results", f2m_json_type_name(f2m_json_type(body)));
        return -EINVAL;
    }
    if (check(array, points, verdicts, err) < 0)
        return -EINVAL;
    f2m_autostrbuf text;
    f2m_strbuf_init(&text, MAX_MESSAGE_BYTES);
    size_t i = 0;
    for (struct f2m_json_iter it = f2m_json_iter(array); f2m_json_next(&it, &name, &entry); i++) {
        char message[F2M_VERDICT_MESSAGE_SIZE] = "";
        bool ok = f2m_json_string_is(f2m_json_member(entry, "status"), "OK");
        if (!ok) {
            f2m_strbuf_reset(&text);
            explain(entry, &text);
            f2m_outcome_clean((struct f2m_slice){text.data, text.len}, message, sizeof message);
        }
        visit(ctx, i, ok, message);
    }
    return 0;
}
