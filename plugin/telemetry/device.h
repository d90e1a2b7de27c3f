/*
 * One battery as telemetry sees it: latest values, open interval, energy accounts. Inside of the room only.
 */
#ifndef F2M_TELEMETRY_DEVICE_H
#define F2M_TELEMETRY_DEVICE_H

#include "telemetry/agenda.h"
#include "telemetry/counter.h"
#include "telemetry/energy.h"
#include "telemetry/interval.h"
#include "telemetry/point.h"
#include "telemetry/source.h"
#include "telemetry/telemetry.h"

#include <uthash.h>

/* A mapped source. */
struct f2m_slot {
    struct f2m_source_reader *reader;
    struct f2m_counter *counter;  /* COUNTER kinds, else NULL */
    struct f2m_integral integral; /* powers */
    int64_t complained_ms;        /* mono: last log line about an unreadable payload */
    uint8_t id;                   /* enum f2m_source_id */
    uint8_t outcome;              /* enum f2m_source_outcome */
    bool power;                   /* its energy is summed */
    bool shown_fresh;             /* as device/…/state last said */
};

/* What a topic filter leads to. */
struct f2m_feed {
    struct f2m_telemetry_device *device;
    uint32_t leaf; /* of the source's reader */
    uint8_t slot;  /* F2M_FEED_AVAILABILITY */
    bool shared;   /* the device has other sources on the same topic */
};
#define F2M_FEED_AVAILABILITY UINT8_MAX

enum f2m_availability_state {
    F2M_AVAILABILITY_UNHEARD,
    F2M_AVAILABILITY_ONLINE,
    F2M_AVAILABILITY_OFFLINE,
};

struct f2m_telemetry_device {
    struct f2m_agenda_entry due; /* first member: the agenda hands it back */
    UT_hash_handle hh;           /* by id */
    const struct f2m_device *config;

    struct f2m_prove *prove; /* NULL where nothing can be proven */
    struct f2m_slot *slots;
    struct f2m_feed *feeds;
    unsigned slots_len, feeds_len;
    int8_t slot_of[F2M_SRC_COUNT]; /* -1 = not mapped */

    int64_t started_ms; /* mono */
    bool heard;         /* a value or availability came since */
    enum f2m_availability_state availability;
    enum f2m_mode flip_mode;
    double capacity, max_charge, max_discharge; /* NAN = unknown */

    struct f2m_interval interval;
    int64_t offset_ms; /* wall - mono when last looked at */
    bool held;         /* closing was forbidden when last looked at */

    /* The counter endpoint's derived home reading: the sources' readings plus an offset, never falling. */
    double home_offset, home_total; /* NAN = not yet known */
    /* Wh: where the continued reading of a counter stood that is not mapped now; NAN = none. Home's is home_total. */
    double left_off[F2M_SRC_COUNT];

    bool record_dirty; /* baselines not yet handed to the outbox as they are */

    char *problem, *found; /* "a; b" or NULL: as shown, and what was found since (f2m_telemetry_problem()); owned */

    bool state_dirty;
    enum f2m_online shown_online;
    int64_t state_ms;     /* mono: last publish of device/…/state; INT64_MIN = never */
    int64_t keepalive_ms; /* mono: next one */
};

struct f2m_telemetry_device *f2m_device_new(const struct f2m_device *, struct f2m_now);
void f2m_device_free(struct f2m_telemetry_device *);
/* After a reload: the same sources at their new addresses. */
void f2m_device_rebind(struct f2m_telemetry_device *, const struct f2m_device *);
/* Whether the telemetry sections of both are the same. */
bool f2m_device_same(const struct f2m_device *, const struct f2m_device *);

/* NULL where not mapped. */
struct f2m_slot *f2m_device_slot(const struct f2m_telemetry_device *, enum f2m_source_id);
/* A source's value, mapped or derived. */
struct f2m_value f2m_device_value(const struct f2m_telemetry_device *, enum f2m_source_id, int64_t mono_ms,
                                  bool *mismatch);
/* Whether the source is mapped or follows from mapped ones. */
bool f2m_device_has(const struct f2m_telemetry_device *, enum f2m_source_id);
enum f2m_online f2m_device_online(const struct f2m_telemetry_device *, int64_t mono_ms);
/* The most that can flow through a counter; NAN = unknown. */
double f2m_device_rating(const struct f2m_telemetry_device *, enum f2m_source_id);

/* The point of the open interval, were it to end there. */
void f2m_device_point(const struct f2m_telemetry_device *, int64_t end_wall_ms, int64_t end_mono_ms,
                      struct f2m_point_values *);
/* What that point said is said: the counters' energy is in it. */
void f2m_device_consume(struct f2m_telemetry_device *, const struct f2m_point_values *, int64_t end_mono_ms);
/* Opens the energy accounts of the open interval. */
void f2m_device_open_accounts(struct f2m_telemetry_device *, struct f2m_now);

/* The stored record: baselines and high-water mark. */
void f2m_device_write_record(const struct f2m_telemetry_device *, struct f2m_now, struct f2m_strbuf *out);
/* False where it is none of ours. */
bool f2m_device_read_record(struct f2m_telemetry_device *, struct f2m_now, struct f2m_slice record);
/* Carries values and baselines over to the device as reconfigured, where the source is the same. The former one is only
 * good for f2m_device_free() afterwards. */
void f2m_device_inherit(struct f2m_telemetry_device *, struct f2m_telemetry_device *former);

/* Marks the state dirty where freshness or online changed since it was last published. */
void f2m_device_check_state(struct f2m_telemetry_device *, int64_t mono_ms);
/* The next moment at which f2m_device_check_state() can find something by age alone. */
int64_t f2m_device_next_change(const struct f2m_telemetry_device *, int64_t mono_ms);
/* Appends device/…/state. */
void f2m_device_write_state(struct f2m_telemetry_device *, int64_t mono_ms, struct f2m_strbuf *out);

#endif
