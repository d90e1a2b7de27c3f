/* A verdict in plain words: what was seen, what follows from it, what to do. */
#include "telemetry/prover.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MINUTE_MS 60000

/* What says how much flowed in, how much out, and both as the subject of a sentence. */
static const struct {
    const char *one[2], *both;
} flows[] = {
    [F2M_FLOW_SIGNED] = {{"battery_power says", "battery_power says"}, "battery_power says"},
    [F2M_FLOW_PAIR] = {{"battery_charge_power says", "battery_discharge_power says"},
                       "battery_charge_power and battery_discharge_power say"},
    [F2M_FLOW_COUNTERS] = {{"battery_charge_energy says", "battery_discharge_energy says"},
                           "battery_charge_energy and battery_discharge_energy say"},
};

static const char *const counters[] = {"battery_charge_energy", "battery_discharge_energy"};

const char *f2m_energy_text(double wh, char buf[F2M_ENERGY_TEXT])
{
    double size = fabs(wh);

    if (size < 1000)
        (void)snprintf(buf, F2M_ENERGY_TEXT, "%.*f Wh", size < 10 ? 1 : 0, size);
    else
        (void)snprintf(buf, F2M_ENERGY_TEXT, "%.*f kWh", size < 100000 ? 1 : 0, size / 1000);
    return buf;
}

static const char *times(int8_t tens)
{
    switch (tens) {
    case 3: return "about 1000 times too large";
    case 1: return "about 10 times too large";
    case -1: return "about 10 times too small";
    default: return "about 1000 times too small";
    }
}

/* The unit that a payload is probably in; NULL where there is none. */
static const char *unit_for(const char *configured, int8_t tens)
{
    static const char *const ladder[][2] = {{"mW", "W"}, {"W", "kW"}, {"kW", "MW"}, {"Wh", "kWh"}, {"kWh", "MWh"}};

    for (size_t i = 0; i < sizeof ladder / sizeof ladder[0]; i++)
        if (strcmp(ladder[i][tens > 0], configured) == 0)
            return ladder[i][tens < 0];
    return NULL;
}

static void tell_unit(struct f2m_strbuf *out, const char *configured, int8_t tens)
{
    const char *unit = tens == 3 || tens == -3 ? unit_for(configured, tens) : NULL;

    if (unit)
        f2m_strbuf_addf(out, "the payload is probably in %s: set `unit: %s`", unit, unit);
    else
        f2m_strbuf_adds(out, "check `unit` and `scale`");
}

static void tell_turned(const struct f2m_prover *p, bool fell, const struct f2m_prover_words *words,
                        struct f2m_strbuf *out)
{
    if (p->flow == F2M_FLOW_SIGNED && p->by_soc[!fell].right)
        f2m_strbuf_addf(out, "it says %s in both directions: it has no sign, so it cannot be battery_power alone",
                        fell ? "charging" : "discharging");
    else if (p->flow == F2M_FLOW_SIGNED)
        f2m_strbuf_addf(out, "the sign is turned; set `positive: %s`", words->sign < 0 ? "charging" : "discharging");
    else if (p->by_soc[!fell].right)
        f2m_strbuf_addf(out, "%s runs in both directions: check its topic and path",
                        fell == (p->flow == F2M_FLOW_PAIR) ? "the one for charging" : "the one for discharging");
    else
        f2m_strbuf_adds(out, "the two are exchanged");
}

static void tell_scale(const struct f2m_prover *p, bool fell, const struct f2m_prover_words *words,
                       struct f2m_strbuf *out)
{
    struct f2m_prover_error e = p->by_soc[fell].error;
    bool agreed = p->flow != F2M_FLOW_COUNTERS && (p->by_counter[0].right || p->by_counter[1].right);

    if (agreed && !e.turned) {
        f2m_strbuf_adds(out, "power and counters agree with each other, so it is `capacity` that does not fit");
        return;
    }
    f2m_strbuf_addf(out, "that is %s%s; ", times(e.tens), e.turned ? " and turned round" : "");
    tell_unit(out, p->flow == F2M_FLOW_COUNTERS ? words->counter_unit[fell] : words->power_unit[fell], e.tens);
    if (e.turned)
        f2m_strbuf_adds(out, p->flow == F2M_FLOW_SIGNED ? ", and turn `positive` round" : ", and exchange the two");
    else if (e.tens == 1 || e.tens == -1)
        f2m_strbuf_adds(out, ", and `capacity`");
}

static void tell_soc(const struct f2m_prover *p, bool fell, const struct f2m_prover_words *words,
                     struct f2m_strbuf *out)
{
    const struct f2m_prover_case *c = &p->by_soc[fell];
    char energy[F2M_ENERGY_TEXT], capacity[F2M_ENERGY_TEXT];

    f2m_strbuf_addf(out, "%s %s %s in %lld min while state_of_charge %s by %.0f %%",
                    c->error.turned ? flows[p->flow].both : flows[p->flow].one[fell],
                    c->summed_wh > 0 ? "charging" : "discharging", f2m_energy_text(c->summed_wh, energy),
                    (long long)(c->took_ms / MINUTE_MS), fell ? "fell" : "rose", fabs(c->moved));
    if (!isnan(c->other_wh))
        f2m_strbuf_addf(out, " of %s", f2m_energy_text(c->other_wh / c->moved * 100, capacity));
    f2m_strbuf_adds(out, ": ");
    if (c->error.tens)
        tell_scale(p, fell, words, out);
    else
        tell_turned(p, fell, words, out);
}

static void tell_counter(const struct f2m_prover *p, int side, const struct f2m_prover_words *words,
                         struct f2m_strbuf *out)
{
    const struct f2m_prover_case *c = &p->by_counter[side];
    bool soc_right = p->by_soc[0].right || p->by_soc[1].right, charging = (side == 0) != c->error.turned;
    char counted[F2M_ENERGY_TEXT], summed[F2M_ENERGY_TEXT];
    int8_t tens = (int8_t)-c->error.tens;

    f2m_strbuf_addf(out, "%s counted %s in %lld min while %s %s %s: ", counters[side],
                    f2m_energy_text(c->other_wh, counted), (long long)(c->took_ms / MINUTE_MS),
                    c->error.turned ? flows[p->flow].both : flows[p->flow].one[side],
                    charging ? "charging" : "discharging", f2m_energy_text(c->summed_wh, summed));
    if (c->error.turned && soc_right) {
        f2m_strbuf_adds(out, "battery_charge_energy and battery_discharge_energy are exchanged");
    } else if (c->error.turned) {
        f2m_strbuf_adds(out, p->flow == F2M_FLOW_SIGNED
                                 ? "turn `positive` of battery_power round, or the counters are exchanged"
                                 : "the two powers are exchanged, or the counters are");
    } else if (soc_right) {
        f2m_strbuf_addf(out, "the counter is %s; ", times(tens));
        tell_unit(out, words->counter_unit[side], tens);
    } else {
        f2m_strbuf_addf(out, "the counter is %s, or the power %s; check `unit` and `scale` of both", times(tens),
                        times(c->error.tens));
    }
}

void f2m_prover_tell(const struct f2m_prover *p, const struct f2m_prover_words *words, struct f2m_strbuf *out)
{
    for (int fell = 0; fell < 2; fell++)
        if (p->by_soc[fell].verdict) {
            tell_soc(p, fell, words, out);
            return;
        }
    for (int side = 0; side < 2; side++)
        if (p->by_counter[side].verdict) {
            tell_counter(p, side, words, out);
            return;
        }
}
