/* FNV-1a, 64 bits: to notice changes and to look things up; no protection against anybody who means to collide. */
#ifndef F2M_UTIL_FNV_H
#define F2M_UTIL_FNV_H

#include <stddef.h>
#include <stdint.h>

#define F2M_FNV_START UINT64_C(0xcbf29ce484222325)

/* Goes on from `hash`, which is F2M_FNV_START at the beginning. */
static inline uint64_t f2m_fnv(uint64_t hash, const void *bytes, size_t len)
{
    for (const unsigned char *at = bytes; len > 0; at++, len--)
        hash = (hash ^ *at) * UINT64_C(0x100000001b3); // NOLINT(clang-analyzer-core.*): every byte was given
    return hash;
}

#endif
