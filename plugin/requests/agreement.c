/*
 * Enrollment is a contract: before one is created, the program is read, and the request must agree in so many words to
 * the very terms that the program shows and hold every field that its form asks for. Flip: Program, Enrollment create.
 */
#include "requests/internal.h"

#include "util/json.h"

static bool has_attribute(struct f2m_slice attributes, struct f2m_slice name)
{
    f2m_autostrbuf wanted;
    f2m_strbuf_init(&wanted, 0);
    (void)f2m_json_string(name, &wanted);
    struct f2m_json_iter it = f2m_json_iter(attributes);
    struct f2m_slice none, entry;
    while (f2m_json_next(&it, &none, &entry))
        if (f2m_json_string_is(f2m_json_member(entry, "name"), wanted.data) &&
            f2m_json_type(f2m_json_member(entry, "value")) == F2M_JSON_STRING)
            return true;
    return false;
}

/* Appends " account_id (Utility Account Number)" per field of the form that the request does not fill in. */
static void missing_fields(struct f2m_slice program, struct f2m_slice body, struct f2m_strbuf *out)
{
    struct f2m_slice form = f2m_json_member(program, "enrollment_form");
    struct f2m_slice attributes = f2m_json_member(body, "program_specific_attributes");
    struct f2m_json_iter it = f2m_json_iter(form);
    struct f2m_slice none, field;
    while (f2m_json_next(&it, &none, &field)) {
        struct f2m_slice name = f2m_json_member(field, "name");
        if (f2m_json_type(name) != F2M_JSON_STRING || has_attribute(attributes, name))
            continue;
        f2m_strbuf_adds(out, out->len ? ", " : "");
        (void)f2m_json_string(name, out);
        f2m_strbuf_adds(out, " (");
        (void)f2m_json_string(f2m_json_member(field, "label"), out);
        f2m_strbuf_addc(out, ')');
    }
}

/* "" where the request agrees to what the program shows. */
static void check_terms(struct f2m_slice program, struct f2m_slice body, struct f2m_strbuf *out)
{
    struct f2m_slice version = f2m_json_member(program, "terms_and_conditions_version");
    if (f2m_json_type(version) != F2M_JSON_STRING)
        return; /* the program has no terms */
    bool agreed = false;
    (void)f2m_json_bool(f2m_json_member(body, "has_agreed_to_terms_and_conditions"), &agreed);
    f2m_autostrbuf wanted;
    f2m_strbuf_init(&wanted, 0);
    (void)f2m_json_string(version, &wanted);
    if (!agreed)
        f2m_strbuf_addf(out,
                        "body.has_agreed_to_terms_and_conditions: expected true, with terms_and_conditions_version "
                        "\"%s\", once the homeowner has read terms_and_conditions_text of the program",
                        wanted.data);
    else if (!f2m_json_string_is(f2m_json_member(body, "terms_and_conditions_version"), wanted.data))
        f2m_strbuf_addf(out,
                        "body.terms_and_conditions_version: the program shows \"%s\", the request agrees to another",
                        wanted.data);
}

static void on_program(void *owner, uint64_t id, struct f2m_now now, const struct f2m_reply *reply,
                       struct f2m_effects *fx)
{
    struct f2m_requests *r = owner;
    struct request *q = request_find(r, id);
    if (!q)
        return;
    if (reply->outcome != F2M_OUTCOME_OK) {
        request_answer_reply(r, q, reply, fx);
        return;
    }
    f2m_autostrbuf error, fields;
    f2m_strbuf_init(&error, 0);
    f2m_strbuf_init(&fields, 0);
    check_terms(reply->body, q->envelope.body, &error);
    missing_fields(reply->body, q->envelope.body, &fields);
    if (fields.len)
        f2m_strbuf_addf(&error, "%sbody.program_specific_attributes: missing %s", error.len ? "; " : "", fields.data);
    if (error.len)
        request_answer(r, q, &(struct answer){.error = error.data}, fx);
    else
        request_call(r, q, now, fx);
}

void request_enroll(struct f2m_requests *r, struct request *q, struct f2m_now now, struct f2m_effects *fx)
{
    char program[F2M_MAX_ID_BYTES + 1];
    if (!f2m_json_string_copy(f2m_json_member(q->envelope.body, "program_id"), program, sizeof program)) {
        request_answer(r, q, &(struct answer){.error = "body.program_id: expected the id of a program"}, fx);
        return;
    }
    struct f2m_path_ids ids = f2m_envelope_ids(&q->envelope);
    ids.program_id = program;
    struct f2m_err err;
    int failed = f2m_cloud_call(
        r->c.cloud, now,
        &(struct f2m_call){
            .endpoint = F2M_ENDPOINT_PROGRAM_GET, .ids = ids, .done = on_program, .owner = r, .id = q->id},
        fx, &err);
    if (failed)
        request_answer(r, q, &(struct answer){.error = err.text}, fx);
}
