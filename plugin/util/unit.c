#include "util/unit.h"

#include "util/number.h"

#include <math.h>

static const struct f2m_unit units[] = {
    {"mW", F2M_QUANTITY_POWER, 0.001},
    {"W", F2M_QUANTITY_POWER, 1},
    {"kW", F2M_QUANTITY_POWER, 1e3},
    {"MW", F2M_QUANTITY_POWER, 1e6},
    {"Wh", F2M_QUANTITY_ENERGY, 1},
    {"kWh", F2M_QUANTITY_ENERGY, 1e3},
    {"MWh", F2M_QUANTITY_ENERGY, 1e6},
    {"%", F2M_QUANTITY_PERCENTAGE, 1},
    {"ratio", F2M_QUANTITY_PERCENTAGE, 100},
    {"ms", F2M_QUANTITY_DURATION, 1},
    {"s", F2M_QUANTITY_DURATION, 1e3},
    {"min", F2M_QUANTITY_DURATION, 60e3},
    {"h", F2M_QUANTITY_DURATION, 3600e3},
    {"d", F2M_QUANTITY_DURATION, 86400e3},
    {"B", F2M_QUANTITY_SIZE, 1},
    {"kB", F2M_QUANTITY_SIZE, 1e3},
    {"MB", F2M_QUANTITY_SIZE, 1e6},
    {"GB", F2M_QUANTITY_SIZE, 1e9},
    {"KiB", F2M_QUANTITY_SIZE, 1024},
    {"MiB", F2M_QUANTITY_SIZE, 1024.0 * 1024},
    {"GiB", F2M_QUANTITY_SIZE, 1024.0 * 1024 * 1024},
};

static const struct {
    const char *canonical, *names;
} quantities[] = {
    [F2M_QUANTITY_NONE] = {"", ""},
    [F2M_QUANTITY_POWER] = {"W", "mW, W, kW or MW"},
    [F2M_QUANTITY_ENERGY] = {"Wh", "Wh, kWh or MWh"},
    [F2M_QUANTITY_PERCENTAGE] = {"%", "% or ratio"},
    [F2M_QUANTITY_DURATION] = {"ms", "ms, s, min, h or d"},
    [F2M_QUANTITY_SIZE] = {"B", "B, kB, MB, GB, KiB, MiB or GiB"},
};

const struct f2m_unit *f2m_unit_find(struct f2m_slice name)
{
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (f2m_slice_is(name, units[i].name))
            return &units[i];
    return NULL;
}

const char *f2m_unit_canonical(enum f2m_quantity quantity)
{
    return quantities[quantity].canonical;
}

const char *f2m_unit_names(enum f2m_quantity quantity)
{
    return quantities[quantity].names;
}

/* Where the number ends and the unit begins: no unit contains a digit, and only "e" continues a number ("5e3 W"). */
static size_t number_length(struct f2m_slice text)
{
    size_t len = text.len;

    while (len && !(text.at[len - 1] >= '0' && text.at[len - 1] <= '9') && text.at[len - 1] != '.')
        len--;
    return len;
}

bool f2m_quantity_parse(struct f2m_slice text, enum f2m_quantity quantity, double *value)
{
    double number;

    text = f2m_slice_trim(text);
    if (text.len == 0)
        return false;
    size_t len = number_length(text);
    struct f2m_slice name = f2m_slice_trim((struct f2m_slice){text.at + len, text.len - len});
    if (!f2m_number_parse((struct f2m_slice){text.at, len}, &number))
        return false;
    if (name.len == 0) {
        if (quantity != F2M_QUANTITY_NONE && number != 0)
            return false;
        *value = number;
        return true;
    }
    const struct f2m_unit *unit = f2m_unit_find(name);
    if (!unit || unit->quantity != quantity)
        return false;
    number *= unit->factor;
    if (!isfinite(number))
        return false;
    *value = number;
    return true;
}
