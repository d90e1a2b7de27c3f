/*
 * Devices' records travel with their points. On disk: in one transaction. In memory: with the point, until that is
 * written; of a point that Flip took from memory the record alone stays ("spent"). A device's points get on disk in
 * their order (outbox_disk.c), so what is there last is the newest record.
 */
#include "telemetry/outbox_internal.h"

int f2m_outbox_write_record(struct f2m_outbox *o, struct f2m_now now, const struct f2m_kept *k)
{
    if (!k->record.at)
        return 0;
    return f2m_store_record_put(o->store, F2M_STORE_DEVICE, k->point.device_id, k->record, now.wall_ms);
}

void f2m_outbox_record(struct f2m_outbox *o, struct f2m_now now, const char *device_id, struct f2m_slice record,
                       struct f2m_effects *fx)
{
    struct f2m_kept *k = f2m_memory_last(&o->memory, device_id);
    if (k) {
        f2m_kept_record(k, record);
        return;
    }
    k = f2m_memory_last_of_turn(&o->memory, device_id);
    if (k) {
        f2m_kept_record(k, record);
        int rc = f2m_outbox_write_record(o, now, k);
        if (rc != 0)
            f2m_outbox_disk_refused(o, now, rc, fx); /* and the commit gives both back */
        return;
    }
    struct f2m_point none = {.device_id = device_id, .endpoint = F2M_TELEMETRY_OFF};
    k = f2m_kept_new(&o->memory, &none);
    f2m_kept_record(k, record);
    k->spent = true;
    int rc = o->failing ? 0 : f2m_outbox_write_record(o, now, k);
    if (rc != 0)
        f2m_outbox_disk_refused(o, now, rc, fx);
    if (o->failing)
        f2m_outbox_keep_in_memory(o, now, k, fx);
    else
        f2m_memory_add_turn(&o->memory, k, 0);
}

/* Earlier points of the device still wait. A crash may cost those in memory, but must not count the energy of one that
 * Flip has twice: the newest record counts for all of them. */
static void hand_over(struct f2m_outbox *o, struct f2m_kept *from, struct f2m_kept *first)
{
    struct f2m_kept *other;
    for (other = first; other != from; other = other->next)
        if (strcmp(other->point.device_id, from->point.device_id) == 0)
            f2m_kept_record(other, (struct f2m_slice){NULL, 0});
    f2m_kept_record(first, from->record);
    f2m_memory_remove_alone(&o->memory, from);
    f2m_kept_free(from);
}

void f2m_outbox_leave_memory(struct f2m_outbox *o, struct f2m_kept *k)
{
    struct f2m_kept *first = f2m_memory_first(&o->memory, k->point.device_id);
    if (!k->record.at) {
        f2m_memory_remove_alone(&o->memory, k);
        f2m_kept_free(k);
    } else if (first != k) {
        hand_over(o, k, first);
    } else {
        f2m_memory_spend(&o->memory, k);
    }
    o->counters->points_in_memory = f2m_memory_points(&o->memory);
}

void f2m_outbox_sent_from_memory(struct f2m_outbox *o, struct f2m_now now, struct f2m_kept *k, struct f2m_effects *fx)
{
    /* Tried at once: a disk that is merely full mostly has room for this. */
    int rc = f2m_outbox_write_record(o, now, k);
    if (rc != 0)
        f2m_outbox_disk_refused(o, now, rc, fx);
    f2m_outbox_leave_memory(o, k);
}
