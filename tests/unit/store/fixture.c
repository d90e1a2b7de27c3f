#include "fixture.h"
#include "util/cleanup.h"

#include <ftw.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char fixture_path[4200];
static char folder[64];
static struct f2m_strbuf listing;

void fixture_setup(void)
{
    /* In memory where possible: hundreds of small databases are made, each with its fsyncs. */
    snprintf(folder, sizeof(folder), "%s/f2m-store-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(fixture_path, sizeof(fixture_path), "%s/var/lib/flip2mqtt.db", folder);
    f2m_strbuf_init(&listing, 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

void fixture_teardown(void)
{
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    f2m_strbuf_deinit(&listing);
}

struct f2m_store *fixture_open_report(struct f2m_store_report *report)
{
    struct f2m_store *s = NULL;
    struct f2m_err err = {""};
    struct f2m_store_options o = {.path = fixture_path, .create = true, .wall_ms = 1700000000000};
    int rc = f2m_store_open(&o, &s, report, &err);
    ck_assert_msg(rc == 0, "open: %d %s", rc, err.text);
    return s;
}

struct f2m_store *fixture_open(void)
{
    struct f2m_store_report report;
    struct f2m_store *s = fixture_open_report(&report);
    ck_assert_str_eq(report.damage, "");
    ck_assert_str_eq(report.set_aside, "");
    return s;
}

const char *fixture_body(const char *device, int64_t start_ms)
{
    static char body[2048];
    snprintf(body, sizeof(body),
             "{\"start_time\":\"%" PRId64 "\",\"duration_s\":300,\"device_id\":\"%s\",\"last_is_online\":true,"
             "\"last_mode\":\"SELF_CONSUMPTION\",\"battery_last_power_charge_w\":1234.5,"
             "\"battery_last_power_discharge_w\":0,\"battery_total_energy_charge_wh\":102.875,"
             "\"battery_total_energy_discharge_wh\":0,\"battery_last_stored_energy_wh\":6750.25,"
             "\"battery_last_capacity_energy_wh\":13500,\"battery_last_backup_reserve_percentage\":20,"
             "\"battery_last_state_of_charge_percentage\":50.0019,\"battery_last_state_of_health_percentage\":98.5,"
             "\"last_is_grid_online\":true,\"home_total_energy_wh\":41.25,\"home_last_power_w\":495,"
             "\"solar_total_energy_wh\":144.125,\"solar_last_power_w\":1729.5,\"oem_raw_data\":null}",
             start_ms, device);
    return body;
}

int fixture_put(struct f2m_store *s, const char *device, int64_t start_ms, int64_t *id)
{
    struct f2m_point p = {.device_id = device,
                          .start_ms = start_ms,
                          .endpoint = F2M_TELEMETRY_INTERVAL,
                          .body = f2m_slice_of(fixture_body(device, start_ms)),
                          .closed_ms = start_ms + 300000};
    return f2m_store_point_put(s, &p, id);
}

void fixture_record(struct f2m_store *s, enum f2m_collection c, const char *key, const char *value, int64_t now_ms)
{
    ck_assert_int_eq(f2m_store_record_put(s, c, key, f2m_slice_of(value), now_ms), 0);
}

static bool add_point(void *ctx, const struct f2m_point *p)
{
    (void)ctx;
    if (listing.len)
        f2m_strbuf_addc(&listing, ' ');
    f2m_strbuf_addf(&listing, "%s@%" PRId64, p->device_id, p->start_ms / 1000);
    if (p->rejected)
        f2m_strbuf_addf(&listing, ":%s", p->message);
    else
        ck_assert_ptr_null(p->message);
    ck_assert_msg(f2m_slice_is(p->body, fixture_body(p->device_id, p->start_ms)), "body: %.*s", (int)p->body.len,
                  p->body.at);
    ck_assert_int_eq(p->closed_ms, p->start_ms + 300000);
    return true;
}

const char *fixture_list(struct f2m_store *s, const struct f2m_point_query *q)
{
    f2m_strbuf_reset(&listing);
    ck_assert_int_eq(f2m_store_points_each(s, q, add_point, NULL), 0);
    return listing.data;
}

const char *fixture_waiting(struct f2m_store *s)
{
    struct f2m_point_query q = {.endpoint = F2M_TELEMETRY_OFF};
    return fixture_list(s, &q);
}

const char *fixture_rejected(struct f2m_store *s)
{
    struct f2m_point_query q = {.endpoint = F2M_TELEMETRY_OFF, .rejected = true};
    return fixture_list(s, &q);
}

static bool add_record(void *ctx, const char *key, struct f2m_slice value, int64_t changed_ms)
{
    (void)ctx, (void)changed_ms;
    if (listing.len)
        f2m_strbuf_addc(&listing, ' ');
    f2m_strbuf_addf(&listing, "%s=%.*s", key, (int)value.len, value.at);
    return true;
}

const char *fixture_records(struct f2m_store *s, enum f2m_collection c)
{
    f2m_strbuf_reset(&listing);
    ck_assert_int_eq(f2m_store_records_each(s, c, add_record, NULL), 0);
    return listing.data;
}

void fixture_commit(struct f2m_store *s)
{
    ck_assert_int_eq(f2m_store_commit(s), 0);
}

void fixture_sql(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    char *why = NULL;
    int rc = sqlite3_exec(db, sql, NULL, NULL, &why);
    ck_assert_msg(rc == SQLITE_OK, "%s: %s", sql, why);
    sqlite3_close(db);
}

void *fixture_read(const char *path, size_t *len)
{
    f2m_autofclose FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "%s", path);
    fseek(f, 0, SEEK_END);
    *len = (size_t)ftell(f);
    rewind(f);
    void *p = malloc(*len + 1);
    ck_assert_uint_eq(fread(p, 1, *len, f), *len);
    return p;
}

void fixture_write(const char *path, const void *p, size_t len)
{
    f2m_autofclose FILE *f = fopen(path, "wb");
    ck_assert_msg(f != NULL, "%s", path);
    ck_assert_uint_eq(fwrite(p, 1, len, f), len);
}

const char *fixture_file(const char *suffix)
{
    static char names[4][4300];
    static int next;
    char *name = names[next++ & 3];
    snprintf(name, sizeof(names[0]), "%s%s", fixture_path, suffix);
    return name;
}

int fixture_main(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
