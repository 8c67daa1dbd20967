/* Fuzz target: what a node answers.  The first byte chooses the method. */
#include "base/err.h"
#include "net/node_answers.h"
#include "net/node_memory.h"
#include "net/node_rows.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KEY "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static volatile uint8_t sink;

/* Every byte of a result must be readable. */
static void touch(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        sink ^= s.data[i];
}

static void group_page(struct slice body)
{
    struct node_group_page page = {0};
    uint64_t last = 3;

    if (node_page_group(body, slice_str("g"), last, &page, NULL) != 0)
        return;
    for (size_t i = 0; i < page.count; i++) {
        if (page.messages[i].cursor.sequence_id <= last)
            abort();
        last = page.messages[i].cursor.sequence_id;
        touch(page.messages[i].data);
        touch(page.messages[i].sender_hmac);
    }
    node_group_page_free(&page);
}

static void welcome_page(struct slice body)
{
    struct node_welcome_page page = {0};

    if (node_page_welcome(body, slice_str(KEY), 0, &page, NULL) != 0)
        return;
    for (size_t i = 0; i < page.count; i++) {
        if (page.welcomes[i].installation_key.len != NODE_KEY_LEN)
            abort();
        touch(page.welcomes[i].data);
        touch(page.welcomes[i].metadata);
    }
    node_welcome_page_free(&page);
}

static void others(unsigned which, struct slice body)
{
    static const struct slice groups[] = {{(const uint8_t *)"g", 1}, {(const uint8_t *)"h", 1}};
    static const struct node_inbox_request inboxes[] = {{"aa", 0}, {"bb", 5}};
    static const struct node_identifier who[] = {{NODE_IDENTIFIER_ETHEREUM, "0xaa"}};
    static const struct node_commit_log_request logs[] = {{{(const uint8_t *)"g", 1}, 0}};
    struct node_newest_entry newest[2] = {0};
    struct slice packages[2] = {0};
    struct node_inbox_log updates[2] = {0};
    const char *ids[1] = {0};
    struct node_wallet_verdict verdicts[1] = {0};
    struct node_commit_log entries[1] = {0};
    struct node_memory *memory = node_memory_new();

    switch (which) {
    case 0:
        node_answer_newest(body, groups, 2, memory, newest, NULL);
        break;
    case 1:
        if (node_answer_key_packages(body, 2, memory, packages, NULL) == 0)
            touch(packages[1]);
        break;
    case 2:
        if (node_answer_identity_updates(body, inboxes, 2, memory, updates, NULL) == 0)
            for (size_t i = 0; i < updates[0].count; i++)
                touch(updates[0].updates[i].update);
        break;
    case 3:
        node_answer_inbox_ids(body, who, 1, memory, ids, NULL);
        break;
    case 4:
        node_answer_verdicts(body, 1, memory, verdicts, NULL);
        break;
    default:
        node_answer_commit_logs(body, logs, 1, memory, entries, NULL);
        break;
    }
    node_memory_free(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice body;

    if (size == 0)
        return 0;
    body = slice_of(data + 1, size - 1);
    switch (data[0] % 8) {
    case 0:
        group_page(body);
        break;
    case 1:
        welcome_page(body);
        break;
    default:
        others(data[0] % 8 - 2u, body);
    }
    return 0;
}
