/* Which device has something to do next: a binary heap over entries that the devices embed. */
#ifndef F2M_TELEMETRY_AGENDA_H
#define F2M_TELEMETRY_AGENDA_H

#include <stddef.h>
#include <stdint.h>

#define F2M_AGENDA_NEVER INT64_MAX

struct f2m_agenda_entry {
    int64_t due_ms; /* mono */
    size_t place;   /* in the heap */
};

struct f2m_agenda {
    struct f2m_agenda_entry **heap; /* owned; the entries are the devices' */
    size_t len, cap;
};

void f2m_agenda_deinit(struct f2m_agenda *);
void f2m_agenda_add(struct f2m_agenda *, struct f2m_agenda_entry *, int64_t due_ms);
void f2m_agenda_clear(struct f2m_agenda *); /* forgets every entry, keeps the memory */
void f2m_agenda_move(struct f2m_agenda *, struct f2m_agenda_entry *, int64_t due_ms);
/* Every entry is due at once (the clock was set). */
void f2m_agenda_all_due(struct f2m_agenda *);
/* The entry that is due first; NULL where there is none. */
struct f2m_agenda_entry *f2m_agenda_first(const struct f2m_agenda *);

#endif
