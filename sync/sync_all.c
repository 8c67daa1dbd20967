#include "sync/sync_all.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/log.h"
#include "net/node_api.h"
#include "store/consent.h"
#include "store/cursors.h"
#include "store/groups.h"
#include "sync/commit_check.h"
#include "sync/core.h"
#include "sync/group_ids.h"
#include "sync/prefs.h"
#include "sync/receive.h"
#include "sync/welcome_receive.h"

#include <string.h>

/* As libxmtp: more would queue at the node and hold memory. */
#define WIDTH 10

/* ---- which groups have news ---- */

/* The node's newest message is past what we have read of its kind (sync.md 6.5). */
static int has_news(struct core *core, const uint8_t id[16], const struct node_newest_entry *newest, bool *news,
                    struct err *err)
{
    int64_t cursor;
    int r;

    *news = false;
    if (!newest->found)
        return 0;
    r = store_cursor_of_group(core->store, slice_of(id, GROUP_ID_LEN), &cursor, err);
    *news = r == 0 && newest->message.cursor.sequence_id > (uint64_t)cursor;
    return r;
}

struct chosen {
    void (*each)(struct core *core, void *ctx, size_t i);
    void *ctx;
    size_t *at;
};

static void run_chosen(struct core *core, void *ctx, size_t i)
{
    struct chosen *chosen = ctx;

    chosen->each(core, chosen->ctx, chosen->at[i]);
}

int sync_groups_with_news(struct core *core, uint8_t (*ids)[16], size_t n,
                          void (*each)(struct core *core, void *ctx, size_t i), void *ctx, size_t *with_news,
                          struct err *err)
{
    struct chosen chosen = {each, ctx, NULL};
    struct node_newest newest = {0};
    struct slice *slices = NULL;
    size_t count = 0;
    bool news;
    int r = 0;

    if (!n)
        goto done;
    slices = xm_calloc(n, sizeof *slices);
    chosen.at = xm_calloc(n, sizeof *chosen.at);
    if (!slices || !chosen.at) {
        r = err_set(err, ERR_NOMEM, "out of memory");
        goto done;
    }
    for (size_t i = 0; i < n; i++)
        slices[i] = slice_of(ids[i], GROUP_ID_LEN);
    if ((r = node_newest_group_messages(core->api, slices, n, &newest, err)) != 0)
        goto done;
    for (size_t i = 0; i < n && i < newest.count; i++) {
        if ((r = has_news(core, ids[i], &newest.entries[i], &news, err)) != 0)
            goto done;
        if (news)
            chosen.at[count++] = i;
    }
    core_each(core, count, WIDTH, run_chosen, &chosen);
    if (core->closing)
        r = err_set(err, ERR_CANCELED, "closing");
done:
    if (with_news)
        *with_news = count;
    node_newest_free(&newest);
    xm_free(slices);
    xm_free(chosen.at);
    return r;
}

/* ---- syncAll ---- */

struct all {
    struct core *core;
    struct group_ids list;
    size_t failed, messages;
};

static void read_one(struct core *core, void *ctx, size_t i)
{
    struct all *all = ctx;
    struct err err = {0};
    size_t messages = 0;

    if (group_sync_full(core, all->list.at[i], &messages, &err) != 0) {
        all->failed++;
        log_warn("sync", "reading a conversation: %s", err.text);
    }
    all->messages += messages;
}

/* ---- groups that waited for a newer program ---- */

struct waiting {
    struct core *core;
    struct group_ids list;
};

static int add_waiting(void *ctx, const struct store_group *row)
{
    struct waiting *waiting = ctx;

    if (!row->paused_for_version || !commit_version_suffices(waiting->core, row->paused_for_version))
        return 0;
    return group_ids_add(&waiting->list, row->id);
}

static int unpause(struct core *core, const uint8_t id[16], struct err *err)
{
    struct core_event changed = {.kind = CORE_CONVERSATION_CHANGED};
    int r = core_begin(core, false, err);

    if (r != 0)
        return r;
    memcpy(changed.group_id, id, GROUP_ID_LEN);
    if ((r = store_group_set_paused(core->store, slice_of(id, GROUP_ID_LEN), NULL, err)) == 0)
        r = core_note(core, &changed, err);
    if (r == 0)
        return core_commit(core, err);
    core_rollback(core);
    return r;
}

int sync_unpause(struct core *core, struct err *err)
{
    struct waiting waiting = {.core = core};
    int r = store_groups_each(core->store, ~0u, add_waiting, &waiting, err);

    for (size_t i = 0; i < waiting.list.n && r == 0; i++)
        r = unpause(core, waiting.list.at[i], err);
    group_ids_free(&waiting.list);
    return r;
}

/* ---- all of them ---- */

int sync_all(struct core *core, unsigned consent_states, struct sync_all_result *out, struct err *err)
{
    struct store_conversations_query query = {.duplicates = true, .bare = true};
    struct all all = {0};
    struct err welcome_err = {0};
    int r;

    query.consent_states =
        consent_states ? consent_states
                       : STORE_CONSENT_BIT(STORE_CONSENT_UNKNOWN) | STORE_CONSENT_BIT(STORE_CONSENT_ALLOWED);
    if ((r = sync_unpause(core, err)) != 0)
        return r;
    if ((r = welcomes_sync(core, NULL, &welcome_err)) == ERR_OFFLINE || r == ERR_CANCELED) {
        if (err)
            *err = welcome_err;
        return r;
    }
    if (r != 0)
        log_warn("sync", "welcomes: %s", welcome_err.text);
    if ((r = store_conversations_each(core->store, &query, group_ids_add_conversation, &all.list, err)) != 0 ||
        (r = store_groups_each(core->store, STORE_TYPE_BIT(STORE_SYNC), group_ids_add_trusted, &all.list, err)) != 0 ||
        (r = sync_groups_with_news(core, all.list.at, all.list.n, read_one, &all, NULL, err)) != 0)
        goto done;
    if ((r = prefs_apply_stored(core, NULL, err)) != 0)
        goto done;
    *out = (struct sync_all_result){all.list.n, all.list.n - all.failed, all.messages};
done:
    group_ids_free(&all.list);
    return r;
}

int sync_conversation(struct core *core, const uint8_t id[16], size_t *messages, struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct group_ids list = {0};
    struct store_group group;
    size_t one, total = 0;
    int r;

    if ((r = store_group_get(core->store, slice_of(id, GROUP_ID_LEN), &mem, &group, err)) != 0 ||
        (r = store_groups_of_conversation(core->store, group.conversation, group_ids_add_active, &list, err)) != 0)
        goto done;
    if (!list.n)
        r = err_set(err, ERR_STATE, "this installation is not in that conversation any more");
    for (size_t i = 0; i < list.n && r == 0; i++) {
        one = 0;
        r = group_sync_full(core, list.at[i], &one, err);
        total += one;
    }
    if (messages)
        *messages = total;
done:
    store_mem_free(&mem);
    group_ids_free(&list);
    return r;
}
