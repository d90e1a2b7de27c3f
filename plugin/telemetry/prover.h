/*
 * Whether what a battery says of itself can be true: its power, summed over time, against the change of its state of
 * charge and against its energy counters; where no power is known, the counters against the state of charge. Names a
 * wrong sign, kW taken for W (or the reverse) and a scale that is off by ten. Those are the mistakes of a configuration
 * by which a home would be paid for the opposite of what it did.
 *
 * It compares stretches in which the battery moved: from one change of the state of charge until it is 3 % further, and
 * from one step of a counter until 200 Wh are through. Two or three stretches in a row that err alike make a
 * verdict, one that is right takes it back. Units do not change while a bridge runs, so after stretches that were right
 * up to four more are asked for. What a healthy battery does as well proves nothing and is passed over: idling, the
 * drain of its own electronics, going back and forth, a state of charge that is set anew (near full and empty, or
 * faster than the battery can, as in a demonstration in quick motion), gaps. Losses, coarse steps and noise stay far
 * inside of 0.4 to 2.5 times.
 *
 * Nothing is kept over a restart, in which the mistake may have been mended; what is wrong shows again within minutes.
 * Pure values: no allocation, no clock.
 */
#ifndef F2M_TELEMETRY_PROVER_H
#define F2M_TELEMETRY_PROVER_H

#include "util/strbuf.h"

#include <stdbool.h>
#include <stdint.h>

/* What is held against the state of charge. */
enum f2m_prover_flow {
    F2M_FLOW_SIGNED,   /* battery_power */
    F2M_FLOW_PAIR,     /* battery_charge_power and battery_discharge_power: a mistake may be in one of them */
    F2M_FLOW_COUNTERS, /* no power is mapped: battery_charge_energy and battery_discharge_energy */
};

/* What is known at a moment; NAN = unknown. */
struct f2m_prover_sample {
    int64_t mono_ms;
    double soc;                     /* %; the last one heard, even where it is not fresh: only its changes count */
    double power;                   /* W, charging is positive */
    double capacity_wh;             /* without it only the sign is proven by the state of charge */
    double rating_w;                /* the most that the battery does */
    double charge_wh, discharge_wh; /* counters, as read */
};

/* How far off: by which power of ten (-3, -1, 1, 3; 0 = none), and whether turned round. */
struct f2m_prover_error {
    int8_t tens;
    bool turned;
};

struct f2m_prover_case {
    struct f2m_prover_error error; /* of the stretches counted, or none */
    uint8_t count;                 /* stretches in a row */
    bool verdict;                  /* there were enough of them */
    bool right;                    /* the last stretch that said anything was right */
    double summed_wh, other_wh;    /* the evidence, of those stretches: the flow against the other */
    double moved;                  /* %: of the state of charge */
    int64_t took_ms;
};

/* An open stretch: where everything stood at its beginning. */
struct f2m_prover_stretch {
    bool open;
    int64_t start_ms;
    double start; /* %, or Wh */
    double plus_wh, minus_wh;
    unsigned readings, steps;
};

struct f2m_prover {
    enum f2m_prover_flow flow;
    int64_t last_ms;          /* of the last sample; INT64_MIN = none */
    double power;             /* holds since then */
    double plus_wh, minus_wh; /* what flowed since the beginning */

    struct f2m_prover_stretch soc;
    double soc_last, soc_high, soc_low, soc_rise, soc_fall; /* rise from the lowest, fall from the highest */
    int64_t soc_changed_ms;
    struct f2m_prover_stretch counter[2]; /* charge, discharge */
    double counter_last[2];

    struct f2m_prover_case by_soc[2];     /* while it rose, while it fell */
    struct f2m_prover_case by_counter[2]; /* charge, discharge */
    uint8_t trust[3];                     /* stretches that were right of late, at most four: by soc, by counters */
};

void f2m_prover_init(struct f2m_prover *, enum f2m_prover_flow);
/* In the order of time; several of the same moment are fine. True where the verdict may have changed. */
bool f2m_prover_feed(struct f2m_prover *, const struct f2m_prover_sample *);
/* Which verdict stands: 0 = nothing is proven; the same number as long as the same mistake is found. */
unsigned f2m_prover_verdict(const struct f2m_prover *);

/* ---- prover_words.c ---- */

/* What the words need to know of the configuration. */
struct f2m_prover_words {
    int sign;                                    /* of battery_power: -1 where `positive: discharging` */
    const char *power_unit[2], *counter_unit[2]; /* as configured, "kW": of charging, of discharging */
};

/* Appends what was seen, what follows from it, and the next step; nothing where nothing is proven. */
void f2m_prover_tell(const struct f2m_prover *, const struct f2m_prover_words *, struct f2m_strbuf *out);

#define F2M_ENERGY_TEXT 24
/* "12 Wh", "2.1 kWh"; returns buf. */
const char *f2m_energy_text(double wh, char buf[F2M_ENERGY_TEXT]);

#endif
