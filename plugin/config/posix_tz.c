#include "config/posix_tz.h"

#include <stddef.h>
#include <string.h>

#define DAY_S 86400

static bool parse_name(const char **at, char out[F2M_TZ_NAME_SIZE])
{
    const char *from = *at;
    size_t len;

    if (*from == '<') {
        from++;
        len = strcspn(from, ">");
        if (from[len] != '>')
            return false;
        *at = from + len + 1;
    } else {
        len = strspn(from, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
        *at = from + len;
    }
    if (len < 3 || len >= F2M_TZ_NAME_SIZE)
        return false;
    memcpy(out, from, len);
    out[len] = '\0';
    return true;
}

static bool parse_int(const char **at, int max, int *out)
{
    int value = 0;

    if (**at < '0' || **at > '9')
        return false;
    for (; **at >= '0' && **at <= '9'; (*at)++) {
        value = value * 10 + (**at - '0');
        if (value > max)
            return false;
    }
    *out = value;
    return true;
}

/* [+-]hh[:mm[:ss]] in seconds; RFC 8536 allows up to 167 hours. */
static bool parse_time(const char **at, int32_t *out)
{
    int sign = **at == '-' ? -1 : 1, hours, minutes = 0, seconds = 0;

    if (**at == '-' || **at == '+')
        (*at)++;
    if (!parse_int(at, 167, &hours))
        return false;
    if (**at == ':') {
        (*at)++;
        if (!parse_int(at, 59, &minutes))
            return false;
    }
    if (**at == ':') {
        (*at)++;
        if (!parse_int(at, 59, &seconds))
            return false;
    }
    *out = sign * (hours * 3600 + minutes * 60 + seconds);
    return true;
}

static bool parse_month_rule(const char **at, struct f2m_tz_rule *rule)
{
    rule->form = 'M';
    (*at)++;
    if (!parse_int(at, 12, &rule->month) || rule->month < 1 || *(*at)++ != '.')
        return false;
    if (!parse_int(at, 5, &rule->week) || rule->week < 1 || *(*at)++ != '.')
        return false;
    return parse_int(at, 6, &rule->day);
}

static bool parse_rule(const char **at, struct f2m_tz_rule *rule)
{
    if (*(*at)++ != ',')
        return false;
    rule->time = 2 * 3600;
    if (**at == 'M') {
        if (!parse_month_rule(at, rule))
            return false;
    } else {
        rule->form = **at == 'J' ? 'J' : '0';
        if (rule->form == 'J')
            (*at)++;
        if (!parse_int(at, 365, &rule->day) || (rule->form == 'J' && rule->day < 1))
            return false;
    }
    if (**at != '/')
        return true;
    (*at)++;
    return parse_time(at, &rule->time);
}

bool f2m_posix_tz_parse(const char *text, struct f2m_posix_tz *tz)
{
    const char *at = text;
    int32_t west;

    *tz = (struct f2m_posix_tz){0};
    if (!parse_name(&at, tz->standard.name) || !parse_time(&at, &west))
        return false;
    tz->standard.seconds = -west; /* POSIX counts westwards */
    if (*at == '\0')
        return true;
    tz->has_summer = true;
    tz->summer.dst = true;
    tz->summer.seconds = tz->standard.seconds + 3600;
    if (!parse_name(&at, tz->summer.name))
        return false;
    if (*at != ',') {
        if (!parse_time(&at, &west))
            return false;
        tz->summer.seconds = -west;
    }
    return parse_rule(&at, &tz->start) && parse_rule(&at, &tz->end) && *at == '\0';
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days from 1970-01-01 to a day of the proleptic Gregorian calendar. */
static int64_t days_from_civil(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = floor_div(year, 400);
    int64_t of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int64_t year_of(int64_t days)
{
    int64_t year = 1970 + floor_div(days * 400, 146097);

    while (days_from_civil(year, 1, 1) > days)
        year--;
    while (days_from_civil(year + 1, 1, 1) <= days)
        year++;
    return year;
}

/* The day of the year's transition, counted from 1970. */
static int64_t rule_day(const struct f2m_tz_rule *rule, int64_t year)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    if (rule->form == '0')
        return days_from_civil(year, 1, 1) + rule->day;
    if (rule->form == 'J')
        return days_from_civil(year, 1, 1) + rule->day - 1 + (rule->day > 59 && is_leap(year));
    int64_t first = days_from_civil(year, rule->month, 1);
    int64_t weekday = ((first + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
    int64_t day = (rule->day - weekday + 7) % 7 + (rule->week - 1) * 7;
    int length = lengths[rule->month - 1] + (rule->month == 2 && is_leap(year));
    while (day >= length)
        day -= 7;
    return first + day;
}

const struct f2m_tz_offset *f2m_posix_tz_at(const struct f2m_posix_tz *tz, int64_t unix_s)
{
    if (!tz->has_summer)
        return &tz->standard;
    int64_t year = year_of(floor_div(unix_s + tz->standard.seconds, DAY_S));
    /* Each transition happens on the clock that is in force until then. */
    int64_t start = rule_day(&tz->start, year) * DAY_S + tz->start.time - tz->standard.seconds;
    int64_t end = rule_day(&tz->end, year) * DAY_S + tz->end.time - tz->summer.seconds;
    bool summer = start < end ? unix_s >= start && unix_s < end : unix_s >= start || unix_s < end;

    return summer ? &tz->summer : &tz->standard;
}
