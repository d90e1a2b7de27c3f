#include "config/arena.h"

#include "util/xalloc.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* They double: small configurations stay small, and large chunks are mapped each on its own by malloc(), which gives
 * them back to the system when they are freed. */
#define FIRST_CHUNK_BYTES (16u << 10)
#define MAX_CHUNK_BYTES   (1u << 20)

struct f2m_arena_chunk {
    struct f2m_arena_chunk *next;
    size_t used, size;
    alignas(max_align_t) char bytes[];
};

static struct f2m_arena_chunk *chunk_new(struct f2m_arena *arena, size_t size)
{
    struct f2m_arena_chunk *chunk = f2m_xcalloc(1, sizeof *chunk + size);

    chunk->size = size;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    return chunk;
}

static size_t next_size(const struct f2m_arena_chunk *last, size_t wanted)
{
    size_t size = last ? last->size * 2 : FIRST_CHUNK_BYTES;

    size = size > MAX_CHUNK_BYTES ? MAX_CHUNK_BYTES : size;
    return wanted > size ? wanted : size;
}

void *f2m_arena_alloc(struct f2m_arena *arena, size_t size)
{
    struct f2m_arena_chunk *chunk = arena->chunks;

    size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (!chunk || chunk->size - chunk->used < size)
        chunk = chunk_new(arena, next_size(chunk, size));
    void *p = chunk->bytes + chunk->used;
    chunk->used += size;
    return p;
}

char *f2m_arena_copy(struct f2m_arena *arena, const void *text, size_t len)
{
    char *copy = f2m_arena_alloc(arena, len + 1);

    if (len)
        memcpy(copy, text, len);
    return copy;
}

char *f2m_arena_printf(struct f2m_arena *arena, const char *fmt, ...)
{
    va_list args, again;

    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    size_t size = len < 0 ? 1 : (size_t)len + 1;
    char *text = f2m_arena_alloc(arena, size);
    vsnprintf(text, size, fmt, again);
    va_end(again);
    return text;
}

void f2m_arena_deinit(struct f2m_arena *arena)
{
    while (arena->chunks) {
        struct f2m_arena_chunk *chunk = arena->chunks;
        arena->chunks = chunk->next;
        explicit_bzero(chunk->bytes, chunk->used);
        free(chunk);
    }
}
