/*
 * How a body is stored. Nearly all of a point's 900 bytes are the names of its fields: each known word becomes one
 * byte that JSON text cannot contain, which leaves about 250 bytes, so that several points share a page. After it come
 * four bytes of check sum: SQLite itself would not notice a flipped bit inside a body, and a key must never be sent
 * again with other content.
 */
#include "store/internal.h"

/* What a byte stands for. These bytes are on disk: the table may only grow. 0x09, 0x0a, 0x0d are white space in JSON;
 * 0x00 marks a body that is stored as it is, since it holds one of the bytes below itself. */
static const char *const words[0x20] = {
    [0x01] = "{\"start_time\":\"",
    [0x02] = "{\"timestamp\":\"",
    [0x03] = ",\"duration_s\":",
    [0x04] = ",\"device_id\":\"",
    [0x05] = ",\"last_is_online\":",
    [0x06] = ",\"last_mode\":",
    [0x07] = ",\"battery_last_power_charge_w\":",
    [0x08] = ",\"battery_last_power_discharge_w\":",
    [0x0b] = ",\"battery_total_energy_charge_wh\":",
    [0x0c] = ",\"battery_total_energy_discharge_wh\":",
    [0x0e] = ",\"battery_last_stored_energy_wh\":",
    [0x0f] = ",\"battery_last_capacity_energy_wh\":",
    [0x10] = ",\"battery_last_backup_reserve_percentage\":",
    [0x11] = ",\"battery_last_state_of_charge_percentage\":",
    [0x12] = ",\"battery_last_state_of_health_percentage\":",
    [0x13] = ",\"last_is_grid_online\":",
    [0x14] = ",\"home_total_energy_wh\":",
    [0x15] = ",\"home_last_power_w\":",
    [0x16] = ",\"solar_total_energy_wh\":",
    [0x17] = ",\"solar_last_power_w\":",
    [0x18] = ",\"oem_raw_data\":",
    [0x19] = "null",
    [0x1a] = "true",
    [0x1b] = "false",
};
#define WORDS     ((int)(sizeof(words) / sizeof(words[0])))
#define SUM_BYTES 4

/* CRC-32 (IEEE 802.3), by halves of a byte. */
static uint32_t crc32_add(uint32_t crc, const void *p, size_t len)
{
    static const uint32_t table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
        0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    crc = ~crc;
    for (const unsigned char *b = p; len--; b++) {
        crc = table[(crc ^ *b) & 15] ^ (crc >> 4);
        crc = table[(crc ^ (unsigned)(*b >> 4)) & 15] ^ (crc >> 4);
    }
    return ~crc;
}

/* Byte order fixed, so that a database may move between machines. */
static void put_le64(unsigned char *at, int64_t value)
{
    for (int i = 0; i < 8; i++)
        at[i] = (unsigned char)((uint64_t)value >> (8 * i));
}

static void sum_of(unsigned char sum[SUM_BYTES], const void *stored, size_t len, int64_t id, int64_t at_ms)
{
    unsigned char head[16];
    put_le64(head, id);
    put_le64(head + 8, at_ms);
    uint32_t crc = crc32_add(crc32_add(0, head, sizeof(head)), stored, len);
    for (int i = 0; i < SUM_BYTES; i++)
        sum[i] = (unsigned char)(crc >> (8 * i));
}

static bool is_white(unsigned char c)
{
    return c == '\t' || c == '\n' || c == '\r';
}

static bool plain(struct f2m_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c < 0x20 && !is_white(c))
            return false;
    }
    return true;
}

/* The byte for the word at the start of text, 0 = none; *len = the word's. */
static int word_at(struct f2m_slice text, size_t *len)
{
    for (int w = 1; w < WORDS; w++) {
        *len = words[w] ? strlen(words[w]) : 0;
        if (*len && *len <= text.len && memcmp(words[w], text.at, *len) == 0)
            return w;
    }
    return 0;
}

static void shorten(struct f2m_strbuf *out, struct f2m_slice text)
{
    while (text.len) {
        char c = text.at[0];
        size_t used = 0;
        int w = c == ',' || c == '{' || c == 'n' || c == 't' || c == 'f' ? word_at(text, &used) : 0;
        f2m_strbuf_addc(out, w ? (char)w : c);
        used = w ? used : 1;
        text.at += used;
        text.len -= used;
    }
}

void f2m_store_seal(struct f2m_strbuf *out, struct f2m_slice text, int64_t id, int64_t at_ms)
{
    f2m_strbuf_reset(out);
    if (plain(text)) {
        shorten(out, text);
    } else {
        f2m_strbuf_addc(out, '\0');
        f2m_strbuf_add(out, text.at, text.len);
    }
    unsigned char sum[SUM_BYTES];
    sum_of(sum, out->data, out->len, id, at_ms);
    f2m_strbuf_add(out, sum, sizeof(sum));
}

bool f2m_store_unseal(struct f2m_strbuf *out, const void *sealed, size_t len, int64_t id, int64_t at_ms)
{
    f2m_strbuf_reset(out);
    if (!sealed || len < SUM_BYTES)
        return false;
    const char *at = sealed;
    len -= SUM_BYTES;
    unsigned char sum[SUM_BYTES];
    sum_of(sum, at, len, id, at_ms);
    if (memcmp(sum, at + len, SUM_BYTES) != 0)
        return false;
    if (len && at[0] == '\0') {
        f2m_strbuf_add(out, at + 1, len - 1);
        return !out->overflow;
    }
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)at[i];
        if (c >= WORDS || is_white(c))
            f2m_strbuf_addc(out, at[i]);
        else if (words[c])
            f2m_strbuf_adds(out, words[c]);
        else
            return false; /* written by a newer program */
    }
    return !out->overflow;
}
