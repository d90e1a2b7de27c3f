/*
 * Whether grid_power has the right sign. A home takes energy and gives none: where solar + grid - battery comes out
 * below zero for a quarter of an hour without a break, and above it with the grid turned round, the sign is turned.
 * Where the home's own power is mapped, the balance must meet that, one way or the other.
 *
 * By day a home that sends out may have generation that is not mapped, which looks alike; so only the time counts in
 * which the mapped solar gives next to nothing. Once the sign was right for as long, four times as much is asked for.
 * Which of two batteries feeds the grid no bridge can tell from one of them: not for sites with several.
 *
 * Pure values: no allocation, no clock.
 */
#ifndef F2M_TELEMETRY_GRID_PROVER_H
#define F2M_TELEMETRY_GRID_PROVER_H

#include "util/strbuf.h"

#include <stdbool.h>
#include <stdint.h>

/* W; NAN = unknown. */
struct f2m_grid_sample {
    int64_t mono_ms;
    double grid;    /* import is positive */
    double solar;   /* NAN where not mapped, too */
    double battery; /* charging is positive; 0 where there is none */
    double home;    /* as measured; NAN where it is derived */
    bool solar_mapped, home_mapped;
};

enum f2m_grid_sign {
    F2M_GRID_SILENT, /* nothing can be told from this moment */
    F2M_GRID_RIGHT,
    F2M_GRID_TURNED,
};

struct f2m_grid_prover {
    int64_t last_ms;         /* INT64_MIN = none */
    enum f2m_grid_sign says; /* since then */
    double grid, home;       /* W, since then; home as it comes out */

    enum f2m_grid_sign run; /* without a break */
    int64_t run_ms;
    unsigned readings;
    double grid_wh, home_wh; /* of the run */

    bool proven;  /* it was right for long enough */
    bool verdict; /* it is turned: */
    double told_grid_wh, told_home_wh;
    int64_t told_ms;
    bool home_mapped, solar_mapped;
};

void f2m_grid_prover_init(struct f2m_grid_prover *);
/* In the order of time. True where the verdict changed. */
bool f2m_grid_prover_feed(struct f2m_grid_prover *, const struct f2m_grid_sample *);
/* Appends what was seen, what follows from it, and the next step; nothing where nothing is proven. sign: as configured,
 * -1 where `positive: export`. */
void f2m_grid_prover_tell(const struct f2m_grid_prover *, int sign, struct f2m_strbuf *out);

#endif
