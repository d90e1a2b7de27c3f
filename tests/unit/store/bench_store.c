/*
 * Figures, not a test: what the store costs. `bench_store [ROWS [FOLDER]]`, default 100,000 rows in /tmp. Bytes are
 * those passed to write calls (/proc/self/io, wchar): the database, its log, and nothing else.
 */
#include "store/sqlite.h"
#include "util/strbuf.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define HOME_DAYS 7

static char path[4096];

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int64_t io(const char *name)
{
    char line[128];
    int64_t value = -1;
    FILE *f = fopen("/proc/self/io", "re");
    while (f && fgets(line, sizeof(line), f))
        if (strncmp(line, name, strlen(name)) == 0)
            value = strtoll(line + strlen(name) + 1, NULL, 10);
    if (f)
        fclose(f);
    return value;
}

static int64_t resident_kb(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    char line[128];
    char *rest;
    if (f && fgets(line, sizeof(line), f)) {
        (void)strtol(line, &rest, 10);
        pages = strtol(rest, NULL, 10);
    }
    if (f)
        fclose(f);
    return pages * 4;
}

static void must(int rc, const char *what)
{
    if (rc) {
        fprintf(stderr, "bench_store: %s: %s\n", what, strerror(-rc));
        exit(1);
    }
}

static struct f2m_store *open_store(void)
{
    struct f2m_store *s = NULL;
    struct f2m_store_report report;
    struct f2m_err err = {""};
    struct f2m_store_options o = {.path = path, .create = true, .wall_ms = 1700000000000};
    if (f2m_store_open(&o, &s, &report, &err) || report.set_aside[0]) {
        fprintf(stderr, "bench_store: %s %s\n", err.text, report.damage);
        exit(1);
    }
    return s;
}

static struct f2m_slice body(const char *device, int64_t n)
{
    static char text[2048];
    int len =
        snprintf(text, sizeof(text),
                 "{\"start_time\":\"2026-03-%02dT%02d:%02d:00.000Z\",\"duration_s\":300,\"device_id\":\"%s\","
                 "\"last_is_online\":true,\"last_mode\":\"SELF_CONSUMPTION\",\"battery_last_power_charge_w\":%d.5,"
                 "\"battery_last_power_discharge_w\":0,\"battery_total_energy_charge_wh\":%d.875,"
                 "\"battery_total_energy_discharge_wh\":0,\"battery_last_stored_energy_wh\":%d.25,"
                 "\"battery_last_capacity_energy_wh\":13500,\"battery_last_backup_reserve_percentage\":20,"
                 "\"battery_last_state_of_charge_percentage\":50.0019,"
                 "\"battery_last_state_of_health_percentage\":98.5,\"last_is_grid_online\":true,"
                 "\"home_total_energy_wh\":41.25,\"home_last_power_w\":495,\"solar_total_energy_wh\":%d.125,"
                 "\"solar_last_power_w\":1729.5,\"oem_raw_data\":null}",
                 (int)(n / 288 % 28) + 1, (int)(n / 12 % 24), (int)(n % 12) * 5, device, (int)(n % 5000),
                 (int)(n % 400), (int)(n % 13500), (int)(n % 300));
    return (struct f2m_slice){text, (size_t)len};
}

static int64_t put(struct f2m_store *s, const char *device, int64_t n)
{
    int64_t id = 0;
    struct f2m_point p = {.device_id = device,
                          .start_ms = 1700000000000 / 300000 * 300000 + n * 300000,
                          .body = body(device, n),
                          .closed_ms = 1700000000000 / 300000 * 300000 + (n + 1) * 300000};
    must(f2m_store_point_put(s, &p, &id), "point_put");
    return id;
}

static void baseline(struct f2m_store *s, const char *device, int64_t n)
{
    char text[512];
    int len = snprintf(
        text, sizeof(text),
        "{\"high_water_ms\":%" PRId64 ",\"battery_charge\":{\"value\":%" PRId64 ".875,\"at_ms\":%" PRId64
        "},\"battery_discharge\":{\"value\":%" PRId64 ".25,\"at_ms\":%" PRId64 "},\"home\":{\"value\":%" PRId64
        ".25,\"at_ms\":%" PRId64 "},\"solar\":{\"value\":%" PRId64 ".125,\"at_ms\":%" PRId64 "}}",
        n * 300000, 100000 + n, n * 300000, 200000 + n, n * 300000, 300000 + n, n * 300000, 400000 + n, n * 300000);
    must(f2m_store_record_put(s, F2M_STORE_DEVICE, device, (struct f2m_slice){text, (size_t)len}, n), "record_put");
}

/* As at home: each interval one transaction with a point and its baseline per battery, and the deletion of the ones
 * that were uploaded meanwhile. */
static void home(int batteries, bool delete_first, bool uploading)
{
    static const char *const devices[] = {"3f2c1a52-9f0e-4b57-8f3c-2f3e3d1f9a01",
                                          "3f2c1a52-9f0e-4b57-8f3c-2f3e3d1f9a02",
                                          "3f2c1a52-9f0e-4b57-8f3c-2f3e3d1f9a03"};
    const int intervals = HOME_DAYS * 288;
    int64_t ids[3] = {0};
    unlink(path);
    struct f2m_store *s = open_store();
    must(f2m_store_record_put(s, F2M_STORE_META, "client_id", f2m_slice_of("f2m-0123456789abcdef"), 1), "record_put");
    must(f2m_store_commit(s), "commit");
    int64_t before = io("wchar:"), disk = io("write_bytes:");
    for (int64_t n = 0; n < intervals; n++) {
        if (uploading && delete_first)
            must(f2m_store_points_delete(s, ids, (size_t)batteries), "points_delete");
        int64_t old[3] = {ids[0], ids[1], ids[2]};
        for (int b = 0; b < batteries; b++) {
            ids[b] = put(s, devices[b], n);
            baseline(s, devices[b], n);
        }
        if (uploading && !delete_first)
            must(f2m_store_points_delete(s, old, (size_t)batteries), "points_delete");
        must(f2m_store_commit(s), "commit");
    }
    int64_t bytes = io("wchar:") - before;
    disk = io("write_bytes:") - disk;
    f2m_store_free(s);
    int points = intervals * batteries;
    printf("home, %d batteries, %s: %.0f bytes written per closed point (body %zu); blocks dirtied %.0f\n", batteries,
           !uploading     ? "cloud away"
           : delete_first ? "delete, then put"
                          : "put, then delete",
           (double)bytes / points, body(devices[0], 1).len, (double)disk / points);
}

static bool look(void *ctx, const struct f2m_point *p)
{
    *(int64_t *)ctx = p->id;
    return true;
}

static bool take_1000(void *ctx, const struct f2m_point *p)
{
    int64_t **at = ctx;
    static int n;
    *(*at)++ = p->id;
    return ++n % 1000 != 0;
}

static void drain(struct f2m_store *s, int64_t rows)
{
    static int64_t ids[1000];
    struct f2m_point_query q = {.endpoint = F2M_TELEMETRY_OFF};
    double start = seconds();
    for (int64_t done = 0; done < rows; done += 1000) {
        int64_t *end = ids;
        must(f2m_store_points_each(s, &q, take_1000, &end), "points_each");
        must(f2m_store_points_delete(s, ids, (size_t)(end - ids)), "points_delete");
        must(f2m_store_commit(s), "commit");
    }
    printf("drain in batches of 1,000: %.0f points/s\n", (double)rows / (seconds() - start));
}

static void timed_open(const char *what, struct f2m_store **s)
{
    double start = seconds();
    *s = open_store();
    printf("open %s: %.1f ms\n", what, (seconds() - start) * 1e3);
}

static void fleet(int64_t rows)
{
    char device[64];
    unlink(path);
    struct f2m_store *s = open_store();
    double start = seconds(), worst = 0;
    for (int64_t n = 0; n < rows; n++) {
        snprintf(device, sizeof(device), "3f2c1a52-9f0e-4b57-8f3c-%012" PRId64, n % 10000);
        put(s, device, n / 10000);
        if (n % 1000 == 999) {
            double commit = seconds();
            must(f2m_store_commit(s), "commit");
            worst = seconds() - commit > worst ? seconds() - commit : worst;
        }
    }
    must(f2m_store_commit(s), "commit");
    printf("%" PRId64 " points of 10,000 devices, 1,000 per commit: %.0f points/s, slowest commit %.1f ms\n", rows,
           (double)rows / (seconds() - start), worst * 1e3);
    struct f2m_outbox_stats stats;
    start = seconds();
    for (int i = 0; i < 1000; i++)
        must(f2m_store_outbox_stats(s, &stats), "outbox_stats");
    printf("outbox_stats: %.2f us; %.0f bytes per point\n", (seconds() - start) * 1e3,
           (double)stats.bytes / (double)rows);
    int64_t last = 0, dropped;
    start = seconds();
    for (int i = 0; i < 1000; i++)
        must(f2m_store_outbox_trim(s, 1000, INT64_MAX, &dropped), "outbox_trim");
    must(f2m_store_commit(s), "commit");
    printf("outbox_trim, nothing due: %.2f us\n", (seconds() - start) * 1e3);
    struct f2m_point_query fresh = {.endpoint = F2M_TELEMETRY_INTERVAL,
                                    .order = F2M_POINTS_NEWEST,
                                    .closed_since_ms = 1700000000000 + rows / 10000 * 300000 - 600000};
    start = seconds();
    must(f2m_store_points_each(s, &fresh, look, &last), "points_each");
    printf("walk of the points of the last ten minutes: %.1f ms\n", (seconds() - start) * 1e3);
    start = seconds();
    f2m_store_free(s);
    printf("clean close: %.1f ms\n", (seconds() - start) * 1e3);
    printf("resident before opening again: %" PRId64 " kB\n", resident_kb());
    timed_open("after a clean close", &s);
    printf("resident: %" PRId64 " kB\n", resident_kb());
    start = seconds();
    must(f2m_store_outbox_trim(s, 0, stats.bytes - (1 << 20), &dropped), "outbox_trim");
    must(f2m_store_commit(s), "commit");
    printf("outbox_trim of 1 MiB (%" PRId64 " points): %.1f ms\n", dropped, (seconds() - start) * 1e3);
    drain(s, rows - dropped);
    f2m_store_free(s);
}

int main(int argc, char **argv)
{
    int64_t rows = argc > 1 ? strtoll(argv[1], NULL, 10) : 100000;
    char folder[4000];
    snprintf(folder, sizeof(folder), "%s/f2m-bench-XXXXXX", argc > 2 ? argv[2] : "/tmp");
    if (!mkdtemp(folder)) {
        perror("bench_store: mkdtemp");
        return 1;
    }
    snprintf(path, sizeof(path), "%s/bench.db", folder);
    for (int batteries = 1; batteries <= 3; batteries++)
        for (int order = 0; order < 3; order++)
            home(batteries, order == 0, order < 2);
    fleet(rows);
    static const char *const left[] = {"", ".lock", ".reserve", "-wal"};
    for (int i = 0; i < 4; i++) {
        char name[4200];
        snprintf(name, sizeof(name), "%s%s", path, left[i]);
        unlink(name);
    }
    rmdir(folder);
    return 0;
}
