/*
 * What follows from other sources. Interface, Telemetry 3, clarification 8. NAN = unknown throughout.
 */
#ifndef F2M_TELEMETRY_DERIVE_H
#define F2M_TELEMETRY_DERIVE_H

#include <stdbool.h>

#define F2M_HOME_TOLERANCE   0.05 /* of the largest term */
#define F2M_HOME_TOLERANCE_W 50.0 /* but at least this */

struct f2m_flows {
    double solar, import, export, discharge, charge; /* ≥ 0, W or Wh */
};

/* solar + import − export + discharge − charge; NAN where a term is. Below 0 it counts as 0 down to 5 % of the largest
 * term (at least `least`: 50 W, or 50 W × the interval for energies); below that it is NAN and *mismatch is set: the
 * sources do not fit together. *mismatch is left alone otherwise. */
double f2m_derive_home(const struct f2m_flows *, double least, bool *mismatch);

/* Capacity reported = rated capacity × state of health; 100 where no state of health is mapped. */
double f2m_derive_capacity(double rated_wh, double state_of_health);
/* Stored = state of charge × capacity reported. */
double f2m_derive_stored(double capacity_wh, double state_of_charge);

/* Six digits behind the point: differences of decimals lose their binary noise. NAN stays. */
double f2m_round_micro(double);

#endif
