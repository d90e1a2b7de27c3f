#include "control/ack_message.h"

#include "flip/outcome.h"
#include "util/json.h"

bool f2m_ack_read(struct f2m_slice payload, struct f2m_ack_message *m, struct f2m_err *err)
{
    char status[24];

    if (f2m_json_check(payload, err) < 0)
        return false;
    struct f2m_slice root = f2m_json_root(payload), reason = f2m_json_member(root, "reason");
    if (!f2m_json_string_copy(f2m_json_member(root, "id"), m->id, sizeof m->id) || !m->id[0]) {
        f2m_err_set(err, "id: expected the id of a command");
        return false;
    }
    if (!f2m_json_string_copy(f2m_json_member(root, "device_status"), status, sizeof status) ||
        !f2m_answer_parse(f2m_slice_of(status), &m->answer)) {
        f2m_err_set(err, "device_status: expected OK, FAILED_OFFLINE or FAILED_FAULT");
        return false;
    }
    m->reason[0] = '\0';
    if (!reason.at || f2m_json_is_null(reason))
        return true;
    f2m_autostrbuf text;
    f2m_strbuf_init(&text, F2M_MAX_PAYLOAD_BYTES);
    if (!f2m_json_string(reason, &text)) {
        f2m_err_set(err, "reason: expected a string, found %s", f2m_json_type_name(f2m_json_type(reason)));
        return false;
    }
    f2m_outcome_clean((struct f2m_slice){text.data, text.len}, m->reason, sizeof m->reason);
    return true;
}
