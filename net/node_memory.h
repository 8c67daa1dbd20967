/* Memory of one answer of the node API: unpacked messages and our arrays over them, ended together.
 * Thread: any; one at a time. */
#pragma once
#include "proto/check.h"

#include <stddef.h>

struct node_block;
struct node_memory {
    struct proto_arena arena;
    struct node_block *blocks;
};

struct node_memory *node_memory_new(void); /* NULL when out of memory */
/* Zeroed; NULL on overflow and when out of memory. */
void *node_memory_array(struct node_memory *m, size_t count, size_t size);
char *node_memory_text(struct node_memory *m, const char *text);
void node_memory_free(struct node_memory *m); /* NULL is fine */
