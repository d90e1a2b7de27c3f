/*
 * How a body is stored. Nearly all of a point's 900 bytes are the names of its fields: each known word becomes one
 * byte that JSON text cannot contain, which leaves about 250 bytes, so that several points share a page. After it come
 * four bytes of check sum: SQLite itself would not notice a flipped bit inside a body, and a key must never be sent
 * again with other content.
 */
#include "store/internal.h"

struct word {
    const char *text;
    size_t len;
};
#define SUM_BYTES 4
#define WORD(s)                                                                                                        \
    {                                                                                                                  \
        s, sizeof(s) - 1                                                                                               \
    }

/* What a byte stands for. These bytes are on disk: the table may only grow. Free are 0x01 to 0x1f but for white space
 * (0x09, 0x0a, 0x0d), which JSON text does not hold, and 0xc0, 0xc1, 0xf5 to 0xff, which UTF-8 does not. 0x00 marks a
 * body that is stored as it is, since it holds one of them itself. */
static const struct word words[256] = {
    [0x01] = WORD("{\"start_time\":\""),
    [0x02] = WORD("{\"device_id\":\""),
    [0x03] = WORD(",\"duration_s\":"),
    [0x04] = WORD(",\"device_id\":\""),
    [0x05] = WORD(",\"last_is_online\":"),
    [0x06] = WORD(",\"last_mode\":"),
    [0x07] = WORD(",\"battery_last_power_charge_w\":"),
    [0x08] = WORD(",\"battery_last_power_discharge_w\":"),
    [0x0b] = WORD(",\"battery_total_energy_charge_wh\":"),
    [0x0c] = WORD(",\"battery_total_energy_discharge_wh\":"),
    [0x0e] = WORD(",\"battery_last_stored_energy_wh\":"),
    [0x0f] = WORD(",\"battery_last_capacity_energy_wh\":"),
    [0x10] = WORD(",\"battery_last_backup_reserve_percentage\":"),
    [0x11] = WORD(",\"battery_last_state_of_charge_percentage\":"),
    [0x12] = WORD(",\"battery_last_state_of_health_percentage\":"),
    [0x13] = WORD(",\"last_is_grid_online\":"),
    [0x14] = WORD(",\"home_total_energy_wh\":"),
    [0x15] = WORD(",\"home_last_power_w\":"),
    [0x16] = WORD(",\"solar_total_energy_wh\":"),
    [0x17] = WORD(",\"solar_last_power_w\":"),
    [0x18] = WORD(",\"oem_raw_data\":"),
    [0x19] = WORD("null"),
    [0x1a] = WORD("true"),
    [0x1b] = WORD("false"),
    [0xfe] = WORD(",\"timestamp\":\""),
    /* a device's record */
    [0x1c] = WORD("{\"high_water\":"),
    [0x1d] = WORD(",\"home_offset\":"),
    [0x1e] = WORD(",\"home_total\":"),
    [0x1f] = WORD(",\"counters\":{"),
    [0xc0] = WORD("\"battery_charge_energy\":{\"source\":\""),
    [0xc1] = WORD("\"battery_discharge_energy\":{\"source\":\""),
    [0xf5] = WORD("\"solar_energy\":{\"source\":\""),
    [0xf6] = WORD("\"home_energy\":{\"source\":\""),
    [0xf7] = WORD("\"grid_import_energy\":{\"source\":\""),
    [0xf8] = WORD("\"grid_export_energy\":{\"source\":\""),
    [0xf9] = WORD("\",\"base\":"),
    [0xfa] = WORD(",\"total\":"),
    [0xfb] = WORD(",\"pending\":0,\"at\":"),
    [0xfc] = WORD(",\"pending\":"),
    [0xfd] = WORD(",\"at\":"),
};

static uint64_t le64(const unsigned char *at, size_t len)
{
    uint64_t v = 0;
    for (size_t i = 0; i < len; i++)
        v |= (uint64_t)at[i] << (8 * i);
    return v;
}

/* Not against an adversary, who could write the sum as well: against a disk. One damaged body in 2^32 would pass. */
static uint64_t mix(uint64_t sum, uint64_t word)
{
    sum = (sum ^ word) * 0x9e3779b97f4a7c15u;
    return sum ^ sum >> 29;
}

static void sum_of(unsigned char out[SUM_BYTES], const void *stored, size_t len, int64_t id, int64_t at_ms)
{
    const unsigned char *at = stored;
    uint64_t sum = mix(mix(mix(0, (uint64_t)id), (uint64_t)at_ms), len);
    for (; len >= 8; at += 8, len -= 8)
        sum = mix(sum, le64(at, 8));
    sum = mix(sum, le64(at, len));
    for (int i = 0; i < SUM_BYTES; i++)
        out[i] = (unsigned char)((sum ^ sum >> 32) >> (8 * i));
}

/* May it stand for a word? */
static bool is_code(unsigned char c)
{
    return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0xc0 || c == 0xc1 || c >= 0xf5;
}

static bool plain(struct f2m_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (is_code((unsigned char)text.at[i]))
            return false;
    return true;
}

static bool begins_word(char c)
{
    return c == ',' || c == '{' || c == '"' || c == 'n' || c == 't' || c == 'f';
}

/* The byte for the word at the start of text, 0 = none. The longer of two that begin alike stands first. */
static unsigned char word_at(struct f2m_slice text)
{
    static const unsigned char ranges[][2] = {{0x01, 0x1f}, {0xc0, 0xc1}, {0xf5, 0xff}};
    for (size_t r = 0; r < sizeof(ranges) / sizeof(ranges[0]); r++)
        for (unsigned w = ranges[r][0]; w <= ranges[r][1]; w++)
            if (words[w].len && words[w].len <= text.len && memcmp(words[w].text, text.at, words[w].len) == 0)
                return (unsigned char)w;
    return 0;
}

static void shorten(struct f2m_strbuf *out, struct f2m_slice text)
{
    size_t from = 0, i = 0; /* the bytes between stay as they are */
    while (i < text.len) {
        struct f2m_slice rest = {text.at + i, text.len - i};
        unsigned char w = begins_word(text.at[i]) ? word_at(rest) : 0;
        if (!w) {
            i++;
            continue;
        }
        f2m_strbuf_add(out, text.at + from, i - from);
        f2m_strbuf_addc(out, (char)w);
        from = i += words[w].len;
    }
    f2m_strbuf_add(out, text.at + from, i - from);
}

static bool expand(struct f2m_strbuf *out, const char *at, size_t len)
{
    size_t from = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)at[i];
        if (!is_code(c))
            continue;
        if (!words[c].text)
            return false; /* written by a newer program */
        f2m_strbuf_add(out, at + from, i - from);
        f2m_strbuf_add(out, words[c].text, words[c].len);
        from = i + 1;
    }
    f2m_strbuf_add(out, at + from, len - from);
    return !out->overflow;
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
    if (!len || at[0] != '\0')
        return expand(out, at, len);
    f2m_strbuf_add(out, at + 1, len - 1);
    return !out->overflow;
}
