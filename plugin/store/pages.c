/*
 * Points straight from the pages of a damaged file and its log, without the tree above them: where an inner page is
 * broken, SQLite cannot reach what lies below. Their check sums prove them. Layout: SQLite, Database File Format, 1.6
 * and 2.1. A row that goes on in other pages is left out (no point of ours is that long).
 */
#include "store/internal.h"
#include "util/cleanup.h"

#include <stdio.h>
#include <string.h>

#define PAGE         F2M_STORE_PAGE_SIZE
#define LEAF         0x0d /* a leaf of a table */
#define LEAF_HEADER  8
#define LOG_HEADER   32
#define FRAME_HEADER 24
#define COLUMNS      4

struct cursor {
    const unsigned char *at, *end;
};

static bool varint(struct cursor *c, int64_t *out)
{
    uint64_t v = 0;
    for (int i = 0; i < 9 && c->at < c->end; i++) {
        unsigned char b = *c->at++;
        if (i == 8) {
            *out = (int64_t)(v << 8 | b);
            return true;
        }
        v = v << 7 | (b & 0x7f);
        if (!(b & 0x80)) {
            *out = (int64_t)v;
            return true;
        }
    }
    return false;
}

static bool take(struct cursor *c, int64_t len, struct cursor *out)
{
    if (len < 0 || len > c->end - c->at)
        return false;
    *out = (struct cursor){c->at, c->at + len};
    c->at += len;
    return true;
}

/* A big-endian integer of the record format; types 8 and 9 are 0 and 1 without bytes. */
static bool integer(struct cursor *c, int64_t type, int64_t *out)
{
    static const int sizes[] = {0, 1, 2, 3, 4, 6, 8, 0, 0, 0};
    struct cursor bytes;
    if (type < 1 || type > 9 || type == 7 || !take(c, sizes[type], &bytes))
        return false;
    uint64_t v = type == 9 ? 1 : bytes.at < bytes.end && *bytes.at & 0x80 ? UINT64_MAX : 0;
    for (; bytes.at < bytes.end; bytes.at++)
        v = v << 8 | *bytes.at;
    *out = (int64_t)v;
    return true;
}

/* (NULL for the rowid, integer, blob) is a row of `point`, with a text after it one of `rejected`. */
static bool row_of(struct cursor payload, struct f2m_store_row *row)
{
    struct cursor header, body, message = {NULL, NULL};
    const unsigned char *start = payload.at;
    int64_t size, types[COLUMNS];
    int n = 0;
    if (!varint(&payload, &size) || !take(&payload, size - (payload.at - start), &header))
        return false;
    while (header.at < header.end)
        if (n == COLUMNS || !varint(&header, &types[n++]))
            return false;
    row->rejected = n == COLUMNS;
    if (n < 3 || types[0] != 0 || types[2] < 12 || types[2] & 1 ||
        (row->rejected && (types[3] < 13 || !(types[3] & 1))))
        return false;
    if (!integer(&payload, types[1], &row->at_ms) || !take(&payload, (types[2] - 12) / 2, &body) ||
        (row->rejected && !take(&payload, (types[3] - 13) / 2, &message)))
        return false;
    row->body = (struct f2m_slice){(const char *)body.at, (size_t)(body.end - body.at)};
    row->message = (struct f2m_slice){(const char *)message.at, (size_t)(message.end - message.at)};
    return true;
}

static void page_rows(const unsigned char *page, f2m_store_row_visit visit, void *ctx)
{
    if (page[0] != LEAF)
        return;
    int cells = page[3] << 8 | page[4];
    for (int i = 0; i < cells && LEAF_HEADER + 2 * i + 1 < PAGE; i++) {
        const unsigned char *pointer = page + LEAF_HEADER + 2 * i;
        int at = pointer[0] << 8 | pointer[1];
        struct cursor c = {page + (at < PAGE ? at : PAGE), page + PAGE}, payload;
        struct f2m_store_row row;
        int64_t size;
        if (varint(&c, &size) && varint(&c, &row.id) && row.id > 0 && take(&c, size, &payload) && row_of(payload, &row))
            visit(ctx, &row);
    }
}

static void file_rows(const char *path, const char *suffix, long first, int skip, f2m_store_row_visit visit, void *ctx)
{
    char name[F2M_STORE_NAME_MAX];
    unsigned char page[FRAME_HEADER + PAGE];
    snprintf(name, sizeof(name), "%s%s", path, suffix);
    f2m_autofclose FILE *f = fopen(name, "rbe");
    if (!f || fseek(f, first, SEEK_SET) != 0)
        return;
    while (fread(page, 1, (size_t)(skip + PAGE), f) == (size_t)(skip + PAGE))
        page_rows(page + skip, visit, ctx);
}

void f2m_store_pages_rows(const char *path, f2m_store_row_visit visit, void *ctx)
{
    file_rows(path, "-wal", LOG_HEADER, FRAME_HEADER, visit, ctx);
    file_rows(path, "", PAGE, 0, visit, ctx); /* the first page holds the list of tables */
}
