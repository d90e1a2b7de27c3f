/* One table of units and quantities, for payloads (telemetry) and for the configuration ("5 kW", "20 %", "256 MB"). */
#ifndef F2M_UTIL_UNIT_H
#define F2M_UTIL_UNIT_H

#include "util/slice.h"

#include <stdint.h>

enum f2m_quantity {
    F2M_QUANTITY_NONE,       /* a plain number or text */
    F2M_QUANTITY_POWER,      /* canonical W */
    F2M_QUANTITY_ENERGY,     /* canonical Wh */
    F2M_QUANTITY_PERCENTAGE, /* canonical %, 0 to 100 */
    F2M_QUANTITY_DURATION,   /* canonical ms; configuration only */
    F2M_QUANTITY_SIZE,       /* canonical bytes; configuration only (kB MB GB, powers of 1000; KiB MiB GiB) */
};

struct f2m_unit {
    const char *name; /* as written: "kW" */
    enum f2m_quantity quantity;
    double factor; /* times this = canonical */
};

/* By exact name, case-sensitive ("mW" is not "MW"); NULL where unknown. */
const struct f2m_unit *f2m_unit_find(struct f2m_slice name);
/* "W", "Wh", "%", "ms", "B", "" */
const char *f2m_unit_canonical(enum f2m_quantity);
/* The names of a quantity's units for messages: "mW, W, kW or MW". */
const char *f2m_unit_names(enum f2m_quantity);
/* "5 kW" / "5kW" / "20 %" / "1h30min"? -- no: one number, one unit, blanks between allowed. The unit is required:
 * a bare number is refused (Interface, clarification 23), except a bare 0. False where malformed, unknown unit or
 * another quantity. Value in canonical units. */
bool f2m_quantity_parse(struct f2m_slice text, enum f2m_quantity, double *value);

#endif
