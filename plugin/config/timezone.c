#include "config/timezone.h"

#include "config/file.h"
#include "config/posix_tz.h"
#include "util/cleanup.h"
#include "util/limits.h"
#include "util/xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ZONEINFO "/usr/share/zoneinfo"

struct f2m_timezone {
    struct f2m_timezone *next;
    char *name; /* "" = the system's */
    struct f2m_arena arena;
    const unsigned char *times, *indexes, *types, *names; /* inside the file's bytes */
    size_t times_len, types_len, names_len;
    struct f2m_posix_tz rule; /* after the last transition */
    bool has_rule;
};

static struct f2m_timezone *zones;

static int64_t read_be(const unsigned char *at, size_t bytes)
{
    uint64_t value = at[0] & 0x80 ? UINT64_MAX : 0;

    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return (int64_t)value;
}

#define HEADER 44

struct counts {
    size_t utc, standard, leap, times, types, names;
};

static bool read_header(const unsigned char *at, size_t left, struct counts *counts, char *version)
{
    if (left < HEADER || memcmp(at, "TZif", 4) != 0)
        return false;
    *version = (char)at[4];
    size_t *const fields[] = {&counts->utc,   &counts->standard, &counts->leap,
                              &counts->times, &counts->types,    &counts->names};
    for (size_t i = 0; i < 6; i++) {
        int64_t count = read_be(at + 20 + i * 4, 4);
        if (count < 0 || count > 100000)
            return false;
        *fields[i] = (size_t)count;
    }
    return counts->types > 0;
}

static size_t body_size(const struct counts *c, size_t time_size)
{
    return c->times * (time_size + 1) + c->types * 6 + c->names + c->leap * (time_size + 4) + c->standard + c->utc;
}

static bool check_indexes(const struct f2m_timezone *zone)
{
    for (size_t i = 0; i < zone->times_len; i++)
        if (zone->indexes[i] >= zone->types_len)
            return false;
    for (size_t i = 0; i < zone->types_len; i++) {
        size_t name = zone->types[i * 6 + 5];
        if (name >= zone->names_len || !memchr(zone->names + name, '\0', zone->names_len - name))
            return false;
    }
    return true;
}

/* RFC 8536: the second block of a version 2 file has 64-bit times, and a POSIX TZ string behind it. */
static bool parse(struct f2m_timezone *zone, struct f2m_slice file)
{
    const unsigned char *at = (const unsigned char *)file.at;
    size_t left = file.len;
    struct counts c;
    char version, footer[80];

    if (!read_header(at, left, &c, &version) || version < '2' || left < HEADER + body_size(&c, 4))
        return false;
    at += HEADER + body_size(&c, 4);
    left -= HEADER + body_size(&c, 4);
    if (!read_header(at, left, &c, &version) || left < HEADER + body_size(&c, 8))
        return false;
    zone->times = at + HEADER;
    zone->indexes = zone->times + c.times * 8;
    zone->types = zone->indexes + c.times;
    zone->names = zone->types + c.types * 6;
    zone->times_len = c.times;
    zone->types_len = c.types;
    zone->names_len = c.names;
    at += HEADER + body_size(&c, 8);
    left -= HEADER + body_size(&c, 8);
    if (left > 2 && left < sizeof footer && at[0] == '\n' && at[left - 1] == '\n') {
        memcpy(footer, at + 1, left - 2);
        footer[left - 2] = '\0';
        zone->has_rule = f2m_posix_tz_parse(footer, &zone->rule);
    }
    return check_indexes(zone);
}

static bool name_valid(const char *name)
{
    return *name && *name != '/' && !strstr(name, "..") && strlen(name) < 100 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-/") == strlen(name);
}

static void zone_free(struct f2m_timezone *zone)
{
    f2m_arena_deinit(&zone->arena);
    free(zone->name);
    free(zone);
}

static struct f2m_timezone *load(const char *name, const char *path, struct f2m_err *err)
{
    struct f2m_timezone *zone = f2m_xcalloc(1, sizeof *zone);
    struct f2m_slice file;

    zone->name = f2m_xstrdup(name);
    int rc = f2m_file_read(&zone->arena, path, F2M_MAX_TIMEZONE_BYTES, &file, NULL, err);
    if (rc == 0 && parse(zone, file)) {
        zone->next = zones;
        zones = zone;
        return zone;
    }
    if (rc == 0)
        f2m_err_set(err, "expected a TZif file of version 2 or later, found something else");
    f2m_err_wrap(err, "time zone '%s'", name);
    zone_free(zone);
    return NULL;
}

/* Where nothing says what the local zone is, it is UTC, as the C library has it. */
static struct f2m_timezone *make_utc(void)
{
    struct f2m_timezone *zone = f2m_xcalloc(1, sizeof *zone);

    zone->name = f2m_xstrdup("");
    zone->has_rule = f2m_posix_tz_parse("UTC0", &zone->rule);
    zone->next = zones;
    zones = zone;
    return zone;
}

static const struct f2m_timezone *find_system(struct f2m_err *err)
{
    const char *tz = getenv("TZ");

    if (tz && *tz == ':')
        tz++;
    if (tz && name_valid(tz))
        return f2m_timezone_find(tz, err);
    struct f2m_timezone *zone = load("", tz && *tz == '/' ? tz : "/etc/localtime", err);
    return zone ? zone : make_utc();
}

const struct f2m_timezone *f2m_timezone_find(const char *name, struct f2m_err *err)
{
    char path[sizeof ZONEINFO + 101];

    for (const struct f2m_timezone *zone = zones; zone; zone = zone->next)
        if (strcmp(zone->name, name ? name : "") == 0)
            return zone;
    if (!name)
        return find_system(err);
    if (!name_valid(name)) {
        f2m_err_set(err, "time zone '%.100s': expected a name such as America/Los_Angeles", name);
        return NULL;
    }
    snprintf(path, sizeof path, ZONEINFO "/%s", name);
    return load(name, path, err);
}

struct offset {
    int32_t seconds;
    bool dst;
    const char *name; /* inside the zone */
};

static struct offset type_offset(const struct f2m_timezone *zone, size_t type)
{
    const unsigned char *at = zone->types + type * 6;

    return (struct offset){(int32_t)read_be(at, 4), at[4] != 0, (const char *)zone->names + at[5]};
}

static struct offset offset_at(const struct f2m_timezone *zone, int64_t unix_s)
{
    size_t low = 0, high = zone->times_len; /* the first transition after unix_s */

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (read_be(zone->times + middle * 8, 8) <= unix_s)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < zone->times_len || !zone->has_rule)
        return type_offset(zone, low ? zone->indexes[low - 1] : 0);
    const struct f2m_tz_offset *rule = f2m_posix_tz_at(&zone->rule, unix_s);
    return (struct offset){rule->seconds, rule->dst, rule->name};
}

void f2m_timezone_local(const struct f2m_timezone *zone, int64_t wall_ms, struct tm *out)
{
    int64_t unix_s = wall_ms / 1000 - (wall_ms % 1000 < 0);
    struct offset offset = offset_at(zone, unix_s);
    time_t local = (time_t)(unix_s + offset.seconds);

    *out = (struct tm){0};
    gmtime_r(&local, out);
    out->tm_isdst = offset.dst;
    out->tm_gmtoff = offset.seconds;
    out->tm_zone = offset.name;
}

void f2m_timezone_forget_all(void)
{
    while (zones) {
        struct f2m_timezone *zone = zones;
        zones = zone->next;
        zone_free(zone);
    }
}
