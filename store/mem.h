/* Memory of a read: the variable parts of returned records (text, bodies, ids) live here.
 *
 * The caller makes one, hands it to any number of reads, and ends it once; used again after a reset
 * it allocates nothing.  Everything in it is wiped on reset and free, since bodies and keys pass
 * through.  Thread: its owner's. */
#pragma once
#include "base/bytes.h"

struct store_mem_chunk;
struct store_mem {
    struct store_mem_chunk *first, *at;
};

#define STORE_MEM_INIT ((struct store_mem){0})

void *store_mem_alloc(struct store_mem *mem, size_t len); /* aligned for any type, zeroed; NULL: no memory */
/* Copies; false: no memory.  A slice with data NULL stays so. */
bool store_mem_dup(struct store_mem *mem, struct slice from, struct slice *out);
bool store_mem_dup_text(struct store_mem *mem, const char *from, const char **out); /* NULL stays NULL */
void store_mem_reset(struct store_mem *mem);                                        /* keeps the memory */
void store_mem_free(struct store_mem *mem);
