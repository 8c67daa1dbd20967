#include "store/mem.h"

#include "base/alloc.h"

#include <sodium.h>
#include <stdalign.h>
#include <string.h>

/* Most often it is one row that is read; a page of 50 short messages fits the second chunk.  A chunk is zeroed. */
#define FIRST_LEN 1024
#define CHUNK_LEN 16384

struct store_mem_chunk {
    struct store_mem_chunk *next;
    size_t len, used;
    alignas(max_align_t) uint8_t data[];
};

static struct store_mem_chunk *grow(struct store_mem *mem, size_t len)
{
    size_t usual = mem->first ? CHUNK_LEN : FIRST_LEN, size = len > usual ? len : usual;
    struct store_mem_chunk *chunk;

    /* After a reset the next chunks are there already. */
    while (mem->at && mem->at->next) {
        mem->at = mem->at->next;
        if (mem->at->len >= len)
            return mem->at;
    }
    if (size > SIZE_MAX - sizeof *chunk || !(chunk = xm_alloc(sizeof *chunk + size)))
        return NULL;
    chunk->len = size;
    if (mem->at)
        mem->at->next = chunk;
    else
        mem->first = chunk;
    mem->at = chunk;
    return chunk;
}

void *store_mem_alloc(struct store_mem *mem, size_t len)
{
    const size_t align = alignof(max_align_t);
    struct store_mem_chunk *chunk = mem->at;
    size_t rounded = (len + align - 1) / align * align;
    void *at;

    if (rounded < len)
        return NULL;
    if ((!chunk || chunk->len - chunk->used < rounded) && !(chunk = grow(mem, rounded)))
        return NULL;
    at = chunk->data + chunk->used;
    chunk->used += rounded;
    return at;
}

bool store_mem_dup(struct store_mem *mem, struct slice from, struct slice *out)
{
    uint8_t *copy;

    if (!from.data) {
        *out = (struct slice){0};
        return true;
    }
    if (!(copy = store_mem_alloc(mem, from.len ? from.len : 1)))
        return false;
    if (from.len)
        memcpy(copy, from.data, from.len);
    *out = slice_of(copy, from.len);
    return true;
}

bool store_mem_dup_text(struct store_mem *mem, const char *from, const char **out)
{
    size_t len;
    char *copy;

    if (!from) {
        *out = NULL;
        return true;
    }
    len = strlen(from);
    if (!(copy = store_mem_alloc(mem, len + 1)))
        return false;
    memcpy(copy, from, len);
    *out = copy;
    return true;
}

void store_mem_reset(struct store_mem *mem)
{
    for (struct store_mem_chunk *c = mem->first; c; c = c->next) {
        sodium_memzero(c->data, c->used);
        c->used = 0;
    }
    mem->at = mem->first;
}

void store_mem_free(struct store_mem *mem)
{
    struct store_mem_chunk *next;

    store_mem_reset(mem);
    for (struct store_mem_chunk *c = mem->first; c; c = next) {
        next = c->next;
        xm_free(c);
    }
    *mem = STORE_MEM_INIT;
}
