/*
 * Sources: how a payload becomes a value. One rule book for telemetry, for control (veto) and for commissioning fields.
 * Interface, section 2 "Sources" and clarifications 1, 5, 21, 22, 32.
 *
 * f2m_source_decode() reads one payload for one topic source. struct f2m_source_reader keeps the values of a source
 * with all its parts and says what holds at a moment.
 *
 * Decided here, where the interface is silent:
 *  - an unsigned power or energy from -100 (W, Wh) up counts as 0 (an inverter's own drain at night, -0.3 W); anything
 *    lower is invalid: more likely the sign is wrong;
 *  - a power beyond 100 MW or an energy beyond 100 GWh is invalid: a negative number that some firmware shows as an
 *    unsigned 32-bit one;
 *  - a number with 12 or more characters that is exactly a 32-bit float is read as the shortest decimal of that float
 *    (64.699996948242188 is 64.7): that is what the sender measured;
 *  - a path at which nothing stands leaves the former value in force and is not counted as invalid: several kinds of
 *    message may share a topic;
 *  - with `map`, a text that is neither listed nor readable is no data; without, it is invalid;
 *  - the words for "no data" count in any case, and take effect at once;
 *  - a timestamp up to 5 minutes ahead of our clock counts as now; further ahead it is invalid;
 *  - parts of a sum, difference or product age by the max_age of the whole; the age of the whole is its oldest part's.
 */
#ifndef F2M_TELEMETRY_SOURCE_H
#define F2M_TELEMETRY_SOURCE_H

#include "config/config.h"
#include "port/event.h"
#include "telemetry/payload.h"
#include "util/err.h"
#include "util/now.h"

#define F2M_SMALL_NEGATIVE     (-100.0)        /* W or Wh: still 0 */
#define F2M_MAX_POWER_W        100e6           /* beyond is no home */
#define F2M_MAX_ENERGY_WH      100e9           /* 100 kW for a hundred years */
#define F2M_MAX_SOURCE_LEAD_MS INT64_C(300000) /* how far a source's clock may be ahead of ours */

#define F2M_AGE_UNKNOWN INT64_MIN /* the time of a value whose age nobody knows */
#define F2M_FOREVER     INT64_MAX

/* Whether a text stands for "no data": empty, unavailable, unknown, none or null, in any case. */
bool f2m_text_is_no_data(struct f2m_slice);

/* What came of a payload. */
enum f2m_source_outcome {
    F2M_OUTCOME_NONE,    /* nothing came yet, or the topic is another's */
    F2M_OUTCOME_TAKEN,   /* a value */
    F2M_OUTCOME_NO_DATA, /* the sender says that it has none */
    F2M_OUTCOME_MISSING, /* nothing stands at the path */
    F2M_OUTCOME_STALE,   /* a retained replay of unknown or too great age: shown, not used */
    F2M_OUTCOME_LATE,    /* its time lies before the open interval, or before the value in force */
    F2M_OUTCOME_INVALID, /* could not be read; the former value stays in force */
};
const char *f2m_outcome_name(enum f2m_source_outcome); /* "taken", "no data", … for people */

struct f2m_sample {
    double number;         /* canonical; bool as 0/1; mode as enum f2m_mode */
    struct f2m_slice text; /* TEXT kind only; borrowed from the payload */
    int64_t at_ms;         /* mono: the arrival, or the timestamp turned into mono; F2M_AGE_UNKNOWN */
};

/* What the decoder must know beside the source itself. */
struct f2m_source_frame {
    enum f2m_value_kind kind; /* of the whole source */
    bool part;                /* of a composed one: a plain number, whose range the whole decides */
    int64_t max_age_ms;       /* of the whole source */
    bool retained;            /* how the payload was delivered */
};

/* Reads one payload for one topic source. err is set for INVALID ("expected a number, found '…'"). */
enum f2m_source_outcome f2m_source_decode(const struct f2m_source *, const struct f2m_source_frame *, struct f2m_now,
                                          struct f2m_payload *, struct f2m_sample *, struct f2m_err *);
/* Reads the text of a `const`. */
enum f2m_source_outcome f2m_source_constant(const struct f2m_source *, const struct f2m_source_frame *,
                                            struct f2m_sample *, struct f2m_err *);
/* Range rules of a kind on a canonical value after its sign; false where invalid. */
bool f2m_source_settle(enum f2m_value_kind, double *number, struct f2m_err *);
/* A timestamp: seconds or milliseconds since 1970 by magnitude, or RFC 3339 with a zone. */
bool f2m_source_timestamp(const struct f2m_scalar *, int64_t *wall_ms, struct f2m_err *);

/* Same topics, paths and conversions all the way down (reloads, stored baselines). */
bool f2m_source_equal(const struct f2m_source *, const struct f2m_source *);
uint64_t f2m_source_fingerprint(const struct f2m_source *);

/* ---- a source with its present value ---- */

struct f2m_reading {
    bool mapped;      /* the configuration has this source (or derives it) */
    bool known;       /* a value was read since start */
    bool fresh;       /* known and not older than max_age */
    double number;    /* canonical unit; bool as 0/1 */
    const char *text; /* mode and text kinds */
    int64_t age_ms;   /* F2M_FOREVER where nobody knows it */
};

/* What holds at a moment. */
struct f2m_value {
    bool known, fresh;
    bool constant;    /* no MQTT in it: does not make a device fresh */
    double number;    /* NAN where not known */
    const char *text; /* TEXT kind */
    int64_t at_ms;    /* mono, of the oldest part */
    int64_t until_ms; /* mono: what was said here can change by age alone at this time */
};

struct f2m_source_reader;

/* The source is borrowed. NULL for op NONE. */
struct f2m_source_reader *f2m_source_reader_new(const struct f2m_source *, enum f2m_value_kind);
void f2m_source_reader_free(struct f2m_source_reader *);
/* After a reload: the same source at its new address (f2m_source_equal holds). */
void f2m_source_reader_rebind(struct f2m_source_reader *, const struct f2m_source *);

/* Feeds every topic part that the message's topic matches. TAKEN where any was taken. */
enum f2m_source_outcome f2m_source_reader_feed(struct f2m_source_reader *, struct f2m_now,
                                               const struct f2m_mqtt_message *, struct f2m_err *);
struct f2m_reading f2m_source_reader_read(const struct f2m_source_reader *, struct f2m_now);
/* Calls visit for every topic filter. */
void f2m_source_reader_filters(const struct f2m_source_reader *, void (*visit)(void *ctx, const char *filter),
                               void *ctx);

/* ---- the same in single steps, for telemetry, which must integrate between decoding and taking ---- */

size_t f2m_source_reader_leaves(const struct f2m_source_reader *);
/* The topic of a leaf; NULL for a const. */
const char *f2m_source_reader_topic(const struct f2m_source_reader *, size_t leaf);
enum f2m_source_outcome f2m_source_reader_decode(const struct f2m_source_reader *, size_t leaf, struct f2m_now,
                                                 bool retained, struct f2m_payload *, struct f2m_sample *,
                                                 struct f2m_err *);
/* Takes a decoded sample: TAKEN, NO_DATA and STALE change the leaf. INVALID where the whole falls out of its range (the
 * leaf is as before then), LATE where the leaf's value in force is newer; else the outcome given. *changed is set where
 * the leaf says something else than before. */
enum f2m_source_outcome f2m_source_reader_put(struct f2m_source_reader *, size_t leaf, enum f2m_source_outcome,
                                              const struct f2m_sample *, int64_t mono_ms, bool *changed,
                                              struct f2m_err *);
struct f2m_value f2m_source_reader_at(const struct f2m_source_reader *, int64_t mono_ms);
/* As f2m_source_reader_at(), but a value ends with max_age instead of holding to its last millisecond: for sums over
 * time, where ends count. */
struct f2m_value f2m_source_reader_held(const struct f2m_source_reader *, int64_t mono_ms);

#endif
