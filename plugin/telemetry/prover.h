/*
 * Whether what a battery says of itself can be true: its power, summed over time, against the change of its state of
 * charge and against its energy counters. Names a wrong sign, kW taken for W (or the reverse) and a scale that is off
 * by ten. Those are the mistakes of a configuration by which a home would be paid for the opposite of what it did.
 *
 * It compares stretches in which the battery moved: from one change of the state of charge until it is 3 % further, and
 * from one step of a counter until 200 Wh are through. Two stretches in a row that err alike make a verdict, one that
 * is right takes it back. What a healthy battery does as well proves nothing and is passed over: idling, going back and
 * forth, a state of charge that is set anew (near full and empty, or faster than any battery, as in a demonstration in
 * quick motion), gaps. Losses, coarse steps and noise stay far inside of 0.4 to 2.5 times.
 *
 * Pure values: no allocation, no clock.
 */
#ifndef F2M_TELEMETRY_PROVER_H
#define F2M_TELEMETRY_PROVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define F2M_VERDICT_SIZE 400

/* What is known at a moment; NAN = unknown or not fresh. */
struct f2m_prover_sample {
    int64_t mono_ms;
    double soc;                     /* % */
    double power;                   /* W, charging is positive */
    double capacity_wh;             /* without it only the sign is proven */
    double charge_wh, discharge_wh; /* counters */
};

/* How far off: by which power of ten (−3, −1, 1, 3; 0 = none), and whether turned round. */
struct f2m_prover_error {
    int8_t tens;
    bool turned;
};

struct f2m_prover_case {
    struct f2m_prover_error error; /* of the stretches counted, or none */
    uint8_t count;                 /* stretches in a row; 2 = a verdict */
    bool right;                    /* the last stretch that said anything was right */
    double summed_wh, other_wh;    /* the evidence, of those stretches: power against the other */
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
    int64_t last_ms;          /* of the last sample; INT64_MIN = none */
    double power;             /* holds since then */
    double plus_wh, minus_wh; /* summed since the beginning */

    struct f2m_prover_stretch soc;
    double soc_last, soc_high, soc_low, soc_rise, soc_fall; /* rise from the lowest, fall from the highest */
    int64_t soc_changed_ms;
    struct f2m_prover_stretch counter[2]; /* charge, discharge */
    double counter_last[2];

    struct f2m_prover_case by_soc, by_counter[2];
};

/* What the verdict's words need to know of the configuration. */
struct f2m_prover_words {
    bool separate; /* charge and discharge power are two sources */
};

void f2m_prover_init(struct f2m_prover *);
/* In the order of time; several of the same moment are fine. True where the verdict may have changed. */
bool f2m_prover_feed(struct f2m_prover *, const struct f2m_prover_sample *);
/* What is wrong, with evidence and the next step; false where nothing is proven. */
bool f2m_prover_verdict(const struct f2m_prover *, const struct f2m_prover_words *, char *buf, size_t size);

#endif
