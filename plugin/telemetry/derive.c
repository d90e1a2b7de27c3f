#include "telemetry/derive.h"

#include <math.h>

double f2m_derive_home(const struct f2m_flows *f, double least, bool *mismatch)
{
    double home = f->solar + f->import - f->export + f->discharge - f->charge;

    if (!(home < 0))
        return home;
    double largest = fmax(fmax(f->solar, fmax(f->import, f->export)), fmax(f->discharge, f->charge));
    if (home >= -fmax(F2M_HOME_TOLERANCE * largest, least))
        return 0;
    *mismatch = true;
    return NAN;
}

double f2m_derive_capacity(double rated_wh, double state_of_health)
{
    return rated_wh * state_of_health / 100;
}

double f2m_derive_stored(double capacity_wh, double state_of_charge)
{
    return capacity_wh * state_of_charge / 100;
}

double f2m_round_micro(double value)
{
    return fabs(value) < 1e9 ? round(value * 1e6) / 1e6 : value;
}
