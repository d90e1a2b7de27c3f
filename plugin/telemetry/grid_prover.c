#include "telemetry/grid_prover.h"

#include "telemetry/derive.h"
#include "telemetry/prover.h"

#include <math.h>

#define MINUTE_MS 60000
#define HOUR_MS   3600000.0

#define GAP_MS       (6 * MINUTE_MS)
#define RUN_MS       (15 * MINUTE_MS)
#define MIN_READINGS 10
#define PROVEN_TIMES 4        /* as long, where the sign was right before */
#define LEAST_W      200.0    /* at the grid */
#define MOST_W       100000.0 /* of a home; beyond, it is the unit that is wrong */
#define DARK         0.1      /* of the grid's power: the sun gives less */
#define MEETS        0.25     /* of the larger term: the balance meets the home's own power */
#define MISSES       0.5

void f2m_grid_prover_init(struct f2m_grid_prover *g)
{
    *g = (struct f2m_grid_prover){.last_ms = INT64_MIN};
}

static enum f2m_grid_sign by_balance(double home, double turned, double grid)
{
    double least = fmax(F2M_HOME_TOLERANCE_W, F2M_HOME_TOLERANCE * fabs(grid));

    if (home < -least && turned > least)
        return F2M_GRID_TURNED;
    return home > least && turned < -least ? F2M_GRID_RIGHT : F2M_GRID_SILENT;
}

static enum f2m_grid_sign by_home(const struct f2m_grid_sample *now, double home, double turned)
{
    double size = fmax(fabs(now->grid), now->home);
    double as_is = fabs(now->home - home) / size, as_turned = fabs(now->home - turned) / size;

    if (as_is > MISSES && as_turned < MEETS)
        return F2M_GRID_TURNED;
    return as_is < MEETS && as_turned > MISSES ? F2M_GRID_RIGHT : F2M_GRID_SILENT;
}

static enum f2m_grid_sign look(const struct f2m_grid_sample *now, double *home)
{
    double solar = now->solar_mapped ? now->solar : 0;

    *home = solar + now->grid - now->battery;
    if (isnan(*home) || fabs(now->grid) < LEAST_W || fabs(now->grid) > MOST_W || solar > DARK * fabs(now->grid) ||
        (now->home_mapped && isnan(now->home)))
        return F2M_GRID_SILENT;
    double turned = solar - now->grid - now->battery;
    return now->home_mapped ? by_home(now, *home, turned) : by_balance(*home, turned, now->grid);
}

static void go_on(struct f2m_grid_prover *g, int64_t passed_ms)
{
    if (passed_ms < 0 || passed_ms > GAP_MS || g->says != g->run) {
        g->run = passed_ms < 0 || passed_ms > GAP_MS ? F2M_GRID_SILENT : g->says;
        g->run_ms = 0;
        g->readings = 0;
        g->grid_wh = g->home_wh = 0;
    }
    if (g->run == F2M_GRID_SILENT)
        return;
    g->run_ms += passed_ms;
    g->readings += passed_ms > 0;
    g->grid_wh += g->grid * (double)passed_ms / HOUR_MS;
    g->home_wh += g->home * (double)passed_ms / HOUR_MS;
}

static bool judge(struct f2m_grid_prover *g)
{
    bool was = g->verdict;

    if (g->run_ms < RUN_MS || g->readings < MIN_READINGS)
        return false;
    if (g->run == F2M_GRID_RIGHT) {
        g->proven = true;
        g->verdict = false;
    } else if (!was && g->run_ms >= RUN_MS * (g->proven ? PROVEN_TIMES : 1)) {
        g->verdict = true;
        g->told_ms = g->run_ms;
        g->told_grid_wh = g->grid_wh;
        g->told_home_wh = g->home_wh;
    }
    return g->verdict != was;
}

bool f2m_grid_prover_feed(struct f2m_grid_prover *g, const struct f2m_grid_sample *now)
{
    bool news = false;

    if (g->last_ms != INT64_MIN) {
        go_on(g, now->mono_ms - g->last_ms);
        news = judge(g);
    }
    g->last_ms = now->mono_ms;
    g->says = look(now, &g->home);
    g->grid = now->grid;
    g->solar_mapped = now->solar_mapped;
    g->home_mapped = now->home_mapped;
    return news;
}

void f2m_grid_prover_tell(const struct f2m_grid_prover *g, int sign, struct f2m_strbuf *out)
{
    char grid[F2M_ENERGY_TEXT], home[F2M_ENERGY_TEXT];

    if (!g->verdict)
        return;
    f2m_strbuf_addf(out, "grid_power says %s %s in %lld min, by which the home %s %s%s: ",
                    g->told_grid_wh < 0 ? "export" : "import", f2m_energy_text(g->told_grid_wh, grid),
                    (long long)(g->told_ms / MINUTE_MS), g->told_home_wh < 0 ? "would have given" : "would have taken",
                    f2m_energy_text(g->told_home_wh, home), g->home_mapped ? ", not what home_power says" : "");
    if (!g->solar_mapped)
        f2m_strbuf_adds(out, "solar_power is not mapped, or ");
    f2m_strbuf_addf(out, "the sign is turned; set `positive: %s`", sign < 0 ? "import" : "export");
}
