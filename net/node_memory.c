#include "net/node_memory.h"

#include "base/alloc.h"
#include "net/node_api.h"

#include <string.h>

struct node_block {
    struct node_block *next;
    max_align_t data[];
};

struct node_memory *node_memory_new(void)
{
    return xm_alloc(sizeof(struct node_memory));
}

void *node_memory_array(struct node_memory *m, size_t count, size_t size)
{
    struct node_block *block;
    size_t len;

    if (__builtin_mul_overflow(count, size, &len) || __builtin_add_overflow(len, sizeof *block, &len))
        return NULL;
    block = xm_alloc(len);
    if (!block)
        return NULL;
    block->next = m->blocks;
    m->blocks = block;
    return block->data;
}

char *node_memory_text(struct node_memory *m, const char *text)
{
    size_t len = strlen(text) + 1;
    char *copy = node_memory_array(m, len, 1);

    if (copy)
        memcpy(copy, text, len);
    return copy;
}

void node_memory_free(struct node_memory *m)
{
    if (!m)
        return;
    while (m->blocks) {
        struct node_block *block = m->blocks;

        m->blocks = block->next;
        xm_free(block);
    }
    proto_arena_free(&m->arena);
    xm_free(m);
}

#define DEFINE_FREE(function, type)                                                                             \
    void function(struct type *answer)                                                                          \
    {                                                                                                           \
        if (!answer)                                                                                            \
            return;                                                                                             \
        node_memory_free(answer->memory);                                                                       \
        memset(answer, 0, sizeof *answer);                                                                      \
    }

DEFINE_FREE(node_group_page_free, node_group_page)
DEFINE_FREE(node_welcome_page_free, node_welcome_page)
DEFINE_FREE(node_newest_free, node_newest)
DEFINE_FREE(node_key_packages_free, node_key_packages)
DEFINE_FREE(node_inbox_updates_free, node_inbox_updates)
DEFINE_FREE(node_inbox_ids_free, node_inbox_ids)
DEFINE_FREE(node_wallet_verdicts_free, node_wallet_verdicts)
DEFINE_FREE(node_commit_logs_free, node_commit_logs)
