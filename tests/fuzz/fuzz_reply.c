/* Whatever Flip answers, its outcome is one of five, its message is short, clean UTF-8 without our secret, and results
 * settle each point at most once, in order. The first byte chooses the status, the second the number of points. */
#include "fuzz.h"

#include "flip/list.h"
#include "flip/outcome.h"
#include "flip/token.h"
#include "telemetry/upload_reply.h"
#include "util/json.h"
#include "util/utf8.h"

#include <string.h>

static const char secret[] = "top-secret";

static void check_text(const char *text, size_t size)
{
    size_t len = strlen(text);
    F2M_FUZZ_CHECK(len < size && f2m_utf8_valid(text, len));
    for (size_t i = 0; i < len; i++)
        F2M_FUZZ_CHECK((unsigned char)text[i] >= 0x20 && text[i] != 0x7f);
}

struct settled {
    size_t next, points;
};

static void visit(void *ctx, size_t index, bool ok, const char *message)
{
    struct settled *s = ctx;
    F2M_FUZZ_CHECK(index == s->next && index < s->points);
    s->next++;
    check_text(message, F2M_VERDICT_MESSAGE_SIZE);
    F2M_FUZZ_CHECK(ok == (message[0] == '\0') || !ok);
}

static void results(struct f2m_slice body, size_t points)
{
    struct settled s = {.points = points};
    struct f2m_err err = {""};
    size_t verdicts = 0;
    if (f2m_upload_reply_read(body, points, visit, &s, &verdicts, &err) == 0)
        F2M_FUZZ_CHECK(verdicts == s.next && verdicts <= points);
    else
        F2M_FUZZ_CHECK(s.next == 0 && err.text[0]);
}

static void token(struct f2m_slice body)
{
    struct f2m_rng rng = {1};
    struct f2m_tokens *tokens = f2m_tokens_new(&rng);
    struct f2m_now now = {0, 1750000000000};
    const char *put = f2m_tokens_put(tokens, "site", body, now);
    for (; put && *put; put++)
        F2M_FUZZ_CHECK(*put > ' ' && *put < 0x7f);
    f2m_tokens_free(tokens);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = {200, 204, 301, 400, 401, 404, 408, 413, 422, 429, 500, 503, 0, -1, 999};
    const char *const secrets[2] = {secret, NULL};
    if (size < 2)
        return 0;
    char message[F2M_REPLY_MESSAGE_SIZE];
    struct f2m_reply reply;
    struct f2m_slice array;
    struct f2m_http_result result = {
        .status = statuses[data[0] % (sizeof statuses / sizeof *statuses)],
        .body = {(const char *)data + 2, size - 2},
    };
    f2m_outcome_read(&result, secrets, message, &reply);
    check_text(message, sizeof message);
    F2M_FUZZ_CHECK(!strstr(message, secret));
    F2M_FUZZ_CHECK(reply.outcome != F2M_OUTCOME_OK || !message[0]);
    if (f2m_list_find(reply.body, "sites", &array))
        F2M_FUZZ_CHECK(f2m_json_type(array) == F2M_JSON_ARRAY);
    results(reply.body, data[1]);
    token(reply.body);
    return 0;
}
