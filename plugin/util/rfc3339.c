#include "util/rfc3339.h"

#define DAY_MS  INT64_C(86400000)
#define LAST_MS INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */

struct date {
    int year, month, day;
};

/* Reads exactly n digits; -1 where there are none. */
static int digits(struct f2m_slice *s, size_t n)
{
    int value = 0;

    if (s->len < n)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (s->at[i] < '0' || s->at[i] > '9')
            return -1;
        value = value * 10 + (s->at[i] - '0');
    }
    *s = (struct f2m_slice){s->at + n, s->len - n};
    return value;
}

static bool literal(struct f2m_slice *s, char c)
{
    if (s->len == 0 || *s->at != c)
        return false;
    *s = (struct f2m_slice){s->at + 1, s->len - 1};
    return true;
}

static bool two(struct f2m_slice *s, int max, int *out)
{
    *out = digits(s, 2);
    return *out >= 0 && *out <= max;
}

static int days_in_month(int year, int month)
{
    static const char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap);
}

/* Days since 1970-01-01 in the Gregorian calendar; years begin in March, so that the leap day is the last. */
static int64_t days_of(struct date d)
{
    int64_t y = d.month > 2 ? d.year : d.year - 1;
    int64_t era = y / 400, of_era = y % 400;
    int64_t of_year = (153 * (d.month > 2 ? d.month - 3 : d.month + 9) + 2) / 5 + d.day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* The inverse, from 0000-03-01 on. */
static struct date date_of(int64_t days)
{
    days += 719468;
    int64_t era = days / 146097, of_era = days % 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;

    return (struct date){
        .year = (int)(year + era * 400 + (month >= 10)),
        .month = (int)(month < 10 ? month + 3 : month - 9),
        .day = (int)(of_year - (153 * month + 2) / 5 + 1),
    };
}

static bool read_date(struct f2m_slice *s, int64_t *ms)
{
    struct date d = {.year = digits(s, 4)};

    if (d.year < 1970 || !literal(s, '-') || !two(s, 12, &d.month) || d.month < 1 || !literal(s, '-') ||
        !two(s, 31, &d.day) || d.day < 1 || d.day > days_in_month(d.year, d.month))
        return false;
    *ms = days_of(d) * DAY_MS;
    return true;
}

static bool read_fraction(struct f2m_slice *s, int *ms)
{
    size_t n = 0;

    *ms = 0;
    if (!literal(s, '.'))
        return true;
    for (; n < s->len && s->at[n] >= '0' && s->at[n] <= '9'; n++)
        if (n < 3)
            *ms = *ms * 10 + (s->at[n] - '0');
    for (size_t i = n; i < 3; i++)
        *ms *= 10;
    *s = (struct f2m_slice){s->at + n, s->len - n};
    return n >= 1 && n <= 9;
}

/* Z or ±hh:mm, to the end of the text. */
static bool read_zone(struct f2m_slice s, int64_t *ms)
{
    int hours, minutes;

    *ms = 0;
    if (literal(&s, 'Z'))
        return s.len == 0;
    bool west = literal(&s, '-');
    if ((!west && !literal(&s, '+')) || !two(&s, 23, &hours) || !literal(&s, ':') || !two(&s, 59, &minutes) || s.len)
        return false;
    *ms = (hours * 60 + minutes) * INT64_C(60000) * (west ? -1 : 1);
    return true;
}

bool f2m_rfc3339_parse(struct f2m_slice s, int64_t *wall_ms)
{
    int64_t day, zone;
    int hour, minute, second, fraction;

    if (!read_date(&s, &day) || (!literal(&s, 'T') && !literal(&s, ' ')) || !two(&s, 23, &hour) || !literal(&s, ':') ||
        !two(&s, 59, &minute) || !literal(&s, ':') || !two(&s, 60, &second) || !read_fraction(&s, &fraction) ||
        !read_zone(s, &zone))
        return false;
    bool leap = second == 60;
    if (leap) {
        second = 59;
        fraction = 999;
    }
    int64_t ms = day + ((hour * 60 + minute) * 60 + second) * INT64_C(1000) + fraction - zone;
    if (ms < 0 || ms > LAST_MS || (leap && (ms + 1) % DAY_MS != 0)) /* leap seconds end a day of UTC */
        return false;
    *wall_ms = ms;
    return true;
}

bool f2m_rfc3339_parse_date(struct f2m_slice text, int64_t *wall_ms)
{
    struct f2m_slice rest = text;
    int64_t day;

    if (!read_date(&rest, &day) || rest.len)
        return f2m_rfc3339_parse(text, wall_ms);
    *wall_ms = day;
    return true;
}

/* Digits with leading zeros and what follows them. */
static char *put(char *at, int value, int digits, char follows)
{
    for (int i = digits - 1; i >= 0; i--, value /= 10)
        at[i] = (char)('0' + value % 10);
    at[digits] = follows;
    return at + digits + 1;
}

const char *f2m_rfc3339_format(int64_t wall_ms, char buf[F2M_RFC3339_SIZE])
{
    /* A clock that is off this far is beyond what the format can say. */
    if (wall_ms < 0)
        wall_ms = 0;
    else if (wall_ms > LAST_MS)
        wall_ms = LAST_MS;
    struct date d = date_of(wall_ms / DAY_MS);
    int ms = (int)(wall_ms % DAY_MS);
    char *at = put(buf, d.year, 4, '-');
    at = put(at, d.month, 2, '-');
    at = put(at, d.day, 2, 'T');
    at = put(at, ms / 3600000, 2, ':');
    at = put(at, ms / 60000 % 60, 2, ':');
    at = put(at, ms / 1000 % 60, 2, '.');
    at = put(at, ms % 1000, 3, 'Z');
    *at = '\0';
    return buf;
}
