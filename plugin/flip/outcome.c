#include "flip/outcome.h"

#include "util/json.h"
#include "util/limits.h"
#include "util/strbuf.h"
#include "util/utf8.h"

#include <stdio.h>

#define MAX_TEXT_BYTES   4096 /* of Flip's message before it is clipped */
#define MAX_DETAIL_ITEMS 3    /* of detail[]: more tell nobody more */
#define ELLIPSIS         "\xE2\x80\xA6"

/* ---- status ---- */

static enum f2m_outcome outcome_of(int status)
{
    switch (status) {
    case 401:
    case 403: return F2M_OUTCOME_AUTH;
    case 408:
    case 425:
    case 429: return F2M_OUTCOME_RETRY;
    case 413: return F2M_OUTCOME_SPLIT;
    default:
        if (status >= 200 && status < 300)
            return F2M_OUTCOME_OK;
        return status >= 400 && status < 500 ? F2M_OUTCOME_REJECT : F2M_OUTCOME_RETRY;
    }
}

/* ---- text ---- */

/* C0, DEL and C1 (U+0080 to U+009F): terminals and log readers act on them. */
static bool is_control(const char *at, size_t len)
{
    unsigned char c = (unsigned char)at[0];
    return (len == 1 && (c < 0x20 || c == 0x7f)) || (len == 2 && c == 0xc2 && (unsigned char)at[1] < 0xa0);
}

void f2m_outcome_clean(struct f2m_slice text, char *buf, size_t size)
{
    size_t used = 0, clip = 0; /* clip: the last place where the ellipsis would still fit */
    const size_t mark = sizeof ELLIPSIS - 1;
    text = f2m_slice_trim(text);
    for (size_t i = 0; i < text.len;) {
        size_t len = f2m_utf8_length(text.at + i, text.len - i);
        const char *piece = text.at + i;
        size_t piece_len = len;
        if (len == 0) {
            piece = F2M_UTF8_REPLACEMENT;
            piece_len = sizeof F2M_UTF8_REPLACEMENT - 1;
        } else if (is_control(piece, len)) {
            piece = " ";
            piece_len = 1;
        }
        if (used + piece_len + 1 > size) {
            memcpy(buf + clip, ELLIPSIS, mark);
            used = clip + mark;
            break;
        }
        memcpy(buf + used, piece, piece_len);
        used += piece_len;
        if (used + mark + 1 <= size)
            clip = used;
        i += len ? len : 1;
    }
    buf[used] = '\0';
}

/* ---- Flip's message ---- */

/* "body.telemetry.3.duration_s: " from ["body","telemetry",3,"duration_s"] (FastAPI), or from "a.b" as it is. */
static void add_location(struct f2m_slice loc, struct f2m_strbuf *out)
{
    size_t before = out->len;
    if (!f2m_json_string(loc, out)) {
        struct f2m_slice name, part;
        for (struct f2m_json_iter it = f2m_json_iter(loc); f2m_json_next(&it, &name, &part);) {
            if (out->len > before)
                f2m_strbuf_addc(out, '.');
            if (!f2m_json_string(part, out))
                f2m_strbuf_add(out, part.at, part.len);
        }
    }
    if (out->len > before)
        f2m_strbuf_adds(out, ": ");
}

/* detail[] {loc, msg} of FastAPI, errors[] {path, message} of Flip's newer services. */
static bool add_items(struct f2m_slice list, const char *where, const char *what, struct f2m_strbuf *out)
{
    struct f2m_slice name, item;
    size_t n = 0, before = out->len;
    for (struct f2m_json_iter it = f2m_json_iter(list); n < MAX_DETAIL_ITEMS && f2m_json_next(&it, &name, &item);) {
        struct f2m_slice text = f2m_json_member(item, what);
        if (f2m_json_type(text) != F2M_JSON_STRING)
            continue;
        if (n++)
            f2m_strbuf_adds(out, "; ");
        add_location(f2m_json_member(item, where), out);
        f2m_json_string(text, out);
    }
    return out->len > before;
}

static bool add_string(struct f2m_slice value, struct f2m_strbuf *out)
{
    size_t before = out->len;
    return f2m_json_string(value, out) && out->len > before;
}

/* Flip: Errors. `message`, else `error`, else a plain `detail`; and where the items say which field is meant, that too.
 */
static bool flip_message(struct f2m_slice body, struct f2m_strbuf *out)
{
    struct f2m_slice detail = f2m_json_member(body, "detail");
    bool said = add_string(f2m_json_member(body, "message"), out) || add_string(f2m_json_member(body, "error"), out) ||
                add_string(detail, out);
    size_t before = out->len;
    if (said)
        f2m_strbuf_adds(out, ": ");
    if (add_items(detail, "loc", "msg", out) || add_items(f2m_json_member(body, "errors"), "path", "message", out))
        return true;
    f2m_strbuf_truncate(out, before);
    return said;
}

static void status_text(int status, const struct f2m_err *json, struct f2m_strbuf *out)
{
    if (status >= 300 && status < 400)
        f2m_strbuf_addf(out, "HTTP %d: redirects are not followed, check flip.base_url", status);
    else if (status >= 200 && status < 300)
        f2m_strbuf_addf(out, "HTTP %d whose answer is no JSON: %s", status, json->text);
    else
        f2m_strbuf_addf(out, "HTTP %d", status);
}

/* Before clipping, so that no half of a secret stays at the cut. */
static void hide(struct f2m_strbuf *text, const char *secret)
{
    static const char stars[] = "***";
    size_t len = secret ? strlen(secret) : 0;
    if (len < sizeof stars - 1)
        return;
    for (char *at = text->data; (at = memmem(at, text->len - (size_t)(at - text->data), secret, len));) {
        size_t rest = text->len - (size_t)(at - text->data) - len;
        memcpy(at, stars, sizeof stars - 1);
        memmove(at + sizeof stars - 1, at + len, rest);
        f2m_strbuf_truncate(text, text->len - len + sizeof stars - 1);
        at += sizeof stars - 1;
    }
}

void f2m_outcome_read(const struct f2m_http_result *r, const char *const secrets[2],
                      char message[F2M_REPLY_MESSAGE_SIZE], struct f2m_reply *reply)
{
    f2m_autostrbuf text;
    f2m_strbuf_init(&text, MAX_TEXT_BYTES);
    struct f2m_err err = {""};
    *reply = (struct f2m_reply){.status = r->error ? 0 : r->status, .message = message};
    if (r->retry_after_s > 0)
        reply->retry_after_s = r->retry_after_s < F2M_MAX_RETRY_AFTER_S ? r->retry_after_s : F2M_MAX_RETRY_AFTER_S;
    if (r->error) {
        reply->outcome = F2M_OUTCOME_RETRY;
        f2m_strbuf_adds(&text, r->error);
    } else {
        reply->outcome = outcome_of(r->status);
        bool empty = f2m_slice_trim(r->body).len == 0;
        bool json = !empty && f2m_json_check(r->body, &err) == 0;
        if (json)
            reply->body = f2m_json_root(r->body);
        if (reply->outcome == F2M_OUTCOME_OK && !empty && !json)
            reply->outcome = F2M_OUTCOME_RETRY;
        if (reply->outcome != F2M_OUTCOME_OK && !flip_message(reply->body, &text))
            status_text(r->status, &err, &text);
    }
    hide(&text, secrets[0]);
    hide(&text, secrets[1]);
    f2m_outcome_clean((struct f2m_slice){text.data, text.len}, message, F2M_REPLY_MESSAGE_SIZE);
}
