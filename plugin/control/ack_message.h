/* What an integration publishes on device/<id>/command/ack. Interface, section 3.3. */
#ifndef F2M_CONTROL_ACK_MESSAGE_H
#define F2M_CONTROL_ACK_MESSAGE_H

#include "control/internal.h"

struct f2m_ack_message {
    char id[F2M_MAX_ID_BYTES + 1];
    enum f2m_answer answer;
    char reason[F2M_REASON_SIZE]; /* cleaned and clipped; "" where none was given */
};

/* Members that are not ours are left alone: an integration may send Flip's Command back with its device_status set.
 * False with a text that names the member. */
bool f2m_ack_read(struct f2m_slice payload, struct f2m_ack_message *, struct f2m_err *);

#endif
