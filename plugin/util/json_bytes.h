/*
 * Private to the JSON files of this room: eight bytes at a time. A mask has the high bit of the bytes that were looked
 * for; those above the first hit may be wrong (a borrow runs upwards), so only the first counts.
 */
#ifndef F2M_UTIL_JSON_BYTES_H
#define F2M_UTIL_JSON_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define F2M_BYTES      8
#define F2M_BYTES_ONE  UINT64_C(0x0101010101010101)
#define F2M_BYTES_HIGH (0x80 * F2M_BYTES_ONE)

/* The first byte is the lowest. */
static inline uint64_t f2m_bytes_load(const char *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* Marks (in the high bit, of ASCII bytes only) where c stands. Or these together, then f2m_bytes_ascii() them. */
static inline uint64_t f2m_bytes_mark(uint64_t word, unsigned char c)
{
    return (word ^ c * F2M_BYTES_ONE) - F2M_BYTES_ONE;
}

static inline uint64_t f2m_bytes_mark_controls(uint64_t word)
{
    return word - ' ' * F2M_BYTES_ONE;
}

/* The mask: marks of ASCII bytes. */
static inline uint64_t f2m_bytes_ascii(uint64_t marks, uint64_t word)
{
    return marks & ~word & F2M_BYTES_HIGH;
}

/* The mask: marks, and all bytes beyond ASCII. */
static inline uint64_t f2m_bytes_or_high(uint64_t marks, uint64_t word)
{
    return (marks | word) & F2M_BYTES_HIGH;
}

/* The place of the first hit in a mask that is not 0. */
static inline size_t f2m_bytes_first(uint64_t mask)
{
    return (size_t)__builtin_ctzll(mask) / 8;
}

#endif
