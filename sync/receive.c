/* The ledger of a group, page by page, and single envelopes from the live stream. */
#include "sync/receive.h"

#include "base/err.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "mls/mls.h"
#include "net/node_api.h"
#include "store/cursors.h"
#include "store/groups.h"
#include "store/intents.h"
#include "store/messages.h"
#include "sync/commit_log.h"
#include "sync/commit_check.h"
#include "sync/core.h"
#include "sync/group.h"
#include "sync/group_update.h"
#include "sync/intents.h"
#include "sync/membership.h"
#include "sync/receive_group.h"

#include <inttypes.h>
#include <string.h>

/* Publishing and reading again after others won an epoch (libxmtp: three rounds). */
#define SYNC_ROUNDS 3

/* ---- cursors ---- */

int receive_move_cursor(struct core *core, const struct group *g, const struct node_group_message *message,
                        struct err *err)
{
    return store_cursor_advance(core->store, slice_of(g->id, 16),
                                message->is_commit ? STORE_CURSOR_COMMIT : STORE_CURSOR_APPLICATION,
                                message->cursor.originator, (int64_t)message->cursor.sequence_id, NULL, err);
}

int group_cursor(struct core *core, const uint8_t id[16], uint64_t *cursor, struct err *err)
{
    int64_t at = 0;
    int r = store_cursor_of_group(core->store, slice_of(id, 16), &at, err);

    if (r == 0)
        *cursor = (uint64_t)at;
    return r;
}

int receive_pass_over(struct core *core, struct group *g, const struct node_group_message *message,
                      enum store_commit_result result, uint64_t epoch, const char *why, struct err *err)
{
    uint64_t ours = g->mls ? mls_group_epoch(g->mls) : 0;
    int r;

    log_warn("receive", "group %02x%02x%02x%02x: envelope %" PRIu64 " passed over: %s", g->id[0], g->id[1], g->id[2],
             g->id[3], message->cursor.sequence_id, why);
    if ((r = core_begin(core, false, err)) != 0)
        return r;
    r = receive_move_cursor(core, g, message, err);
    if (r == 0 && message->is_commit)
        r = commit_log_failed(core, g, message, result, epoch, why, err);
    if (r == 0 && result == STORE_COMMIT_WRONG_EPOCH && epoch > ours)
        r = store_group_set_fork(core->store, slice_of(g->id, 16), STORE_FORK_MAYBE, err);
    if (r == 0)
        return core_commit(core, err);
    core_rollback(core);
    return r;
}

/* ---- one envelope ---- */

static int move_only(struct core *core, const struct group *g, const struct node_group_message *message,
                     struct err *err)
{
    return receive_move_cursor(core, g, message, err); /* one statement is a transaction */
}

/* It did not open.  Is it our own, or one that the stream has stored before? */
static int known_envelope(struct core *core, struct group *g, const struct node_group_message *message,
                          uint64_t epoch, bool move_cursor, bool *known, enum envelope_fate *fate, struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_intent intent;
    uint8_t hash[32];
    bool seen = false;
    int r;

    *known = true;
    hash_sha256(message->data, hash);
    r = store_intent_by_hash(core->store, slice_of(hash, 32), &mem, &intent, err);
    if (r == 0) {
        if (intent.kind == STORE_INTENT_SEND_MESSAGE)
            r = receive_own_message(core, g, message, &intent, epoch, move_cursor, fate, err);
        else if (move_cursor)
            r = receive_own_commit(core, g, message, &intent, epoch, fate, err);
        else
            *fate = ENVELOPE_REFUSED;
    } else if (r == ERR_NOTFOUND) {
        r = store_message_seen(core->store, slice_of(g->id, 16), message->cursor.originator,
                               (int64_t)message->cursor.sequence_id, &seen, err);
        *known = seen;
        *fate = ENVELOPE_DONE;
        if (r == 0 && seen && move_cursor)
            r = move_only(core, g, message, err);
    }
    store_mem_free(&mem);
    return r;
}

/* Codes of the MLS library that say "try later", not "this is bad". */
static bool mls_failure_is_ours(int code)
{
    return err_is_transient(code) ? code != ERR_CONFLICT : code == ERR_CORRUPT || code == ERR_STATE;
}

static int handle(struct core *core, struct group *g, const struct node_group_message *message, bool move_cursor,
                  enum envelope_fate *fate, struct err *err)
{
    struct mls_message_view view = {0};
    struct mls_processed *processed = NULL;
    struct err why = {0};
    bool known = false;
    int r, code;

    *fate = ENVELOPE_DONE;
    code = mls_message_peek(message->data, &view, &why);
    if (code == 0 && (view.wire_format != MLS_WIRE_PRIVATE_MESSAGE || !slice_eq(view.group_id, slice_of(g->id, 16))))
        code = err_set(&why, ERR_UNSUPPORTED, "wire format %u of another kind or group", view.wire_format);
    if (code == 0)
        code = mls_group_process(g->mls, message->data, &processed, &why);
    if (code == 0 && mls_processed_info(processed)->content_type == MLS_CONTENT_APPLICATION)
        return receive_application(core, g, message, processed, move_cursor, fate, err);
    if (code == 0 && mls_processed_info(processed)->content_type == MLS_CONTENT_COMMIT && move_cursor)
        return receive_commit(core, g, message, processed, fate, err);
    if (code == 0) {
        mls_processed_free(processed);
        code = err_set(&why, ERR_UNSUPPORTED, "a standalone proposal");
    }
    if (mls_failure_is_ours(code)) {
        if (err)
            *err = why;
        return code;
    }
    if (view.group_id.len > 0 &&
        ((r = known_envelope(core, g, message, view.epoch, move_cursor, &known, fate, err)) != 0 || known))
        return r;
    if (!move_cursor) {
        *fate = ENVELOPE_REFUSED;
        return 0;
    }
    return receive_pass_over(core, g, message,
                             code == ERR_CONFLICT ? STORE_COMMIT_WRONG_EPOCH : STORE_COMMIT_UNDECRYPTABLE,
                             view.epoch, why.text, err);
}

/* ---- reading in order ---- */

static int read_page(struct core *core, struct group *g, const struct node_group_page *page, size_t *messages,
                     bool *stop, struct err *err)
{
    int r = 0;

    for (size_t i = 0; i < page->skipped_count && r == 0; i++)
        r = store_cursor_advance(core->store, slice_of(g->id, 16),
                                 page->skipped[i].originator == NODE_ORIGINATOR_COMMITS ? STORE_CURSOR_COMMIT
                                                                                        : STORE_CURSOR_APPLICATION,
                                 page->skipped[i].originator, (int64_t)page->skipped[i].sequence_id, NULL, err);
    for (size_t i = 0; i < page->count && r == 0 && !*stop; i++) {
        enum envelope_fate fate;
        if ((r = group_load_mls(core, g, err)) != 0)
            break;
        if (!mls_group_is_active(g->mls)) {
            *stop = true; /* we are out; a welcome may bring us back, and then reading goes on from there */
            break;
        }
        if ((r = handle(core, g, &page->messages[i], true, &fate, err)) != 0)
            break;
        if (fate == ENVELOPE_STORED && messages)
            ++*messages;
        *stop = fate == ENVELOPE_PAUSED;
    }
    return r;
}

static int read_ledger(struct core *core, struct group *g, size_t *messages, bool *stopped, struct err *err)
{
    struct node_group_page page = {0};
    bool more = true;
    int r = 0;

    *stopped = false;
    while (r == 0 && more && !*stopped) {
        uint64_t cursor = 0;
        struct node_cursor at[2] = {{NODE_ORIGINATOR_COMMITS, 0}, {NODE_ORIGINATOR_MESSAGES, 0}};
        if ((r = group_cursor(core, g->id, &cursor, err)) != 0)
            break;
        at[0].sequence_id = at[1].sequence_id = cursor;
        r = node_query_group_messages(core->api, slice_of(g->id, 16), (struct node_position){at, cursor ? 2 : 0},
                                      &page, err);
        if (r != 0)
            break;
        more = page.more;
        r = read_page(core, g, &page, messages, stopped, err);
        node_group_page_free(&page);
        page = (struct node_group_page){0};
    }
    return r;
}

int group_receive(struct core *core, struct group *g, size_t *messages, struct err *err)
{
    bool stopped;
    int r;

    if (!core->api || core->offline)
        return err_set(err, ERR_OFFLINE, "offline: the network is not asked");
    r = read_ledger(core, g, messages, &stopped, err);
    if (r == 0 && !stopped)
        r = intents_release_unseen(core, g, err);
    return r == 0 ? 0 : err_wrap(err, r, "reading a conversation");
}

/* ---- syncing a group ---- */

/* A group that waits for a newer program: is ours new enough by now? */
static int check_paused(struct core *core, struct group *g, bool *paused, struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_group row;
    int r;

    *paused = false;
    if ((r = store_group_get(core->store, slice_of(g->id, 16), &mem, &row, err)) != 0)
        goto done;
    if (row.membership == STORE_MEMBER_RESTORED || !row.active) {
        r = err_set(err, ERR_STATE, "we are not in this conversation any more");
        goto done;
    }
    if (!row.paused_for_version)
        goto done;
    *paused = !commit_version_suffices(core, row.paused_for_version);
    if (!*paused)
        r = store_group_set_paused(core->store, slice_of(g->id, 16), NULL, err);
done:
    store_mem_free(&mem);
    return r;
}

static int sync_open(struct core *core, struct group *g, size_t *messages, struct err *err)
{
    size_t waiting;
    bool paused;
    int r, first = 0;

    if ((r = check_paused(core, g, &paused, err)) != 0 || paused)
        return r;
    for (int round = 0; round < SYNC_ROUNDS; round++) {
        struct err why = {0};
        /* All three parts run even if one fails; the first failure is told. */
        first = intents_publish(core, g, NULL, &why);
        if ((r = group_receive(core, g, messages, first ? NULL : &why)) != 0 && first == 0)
            first = r;
        if (r == 0 && (r = intents_send_welcomes(core, g, first ? NULL : &why)) != 0 && first == 0)
            first = r;
        if (first != 0 && err)
            *err = why;
        if (first != 0 || g->nothing_queued || !mls_group_is_active(g->mls))
            break;
        /* Was something put back, or queued behind a commit? */
        if ((first = intents_waiting(core, g, &waiting, err)) != 0 || waiting == 0)
            break;
    }
    return first;
}

/* A super admin's installation takes those out who asked for it; what goes wrong is tried again with the
 * next request or member change. */
static void serve_leavers(struct core *core, const uint8_t id[16], bool has_leaver)
{
    struct err why = {0};

    if (has_leaver && group_remove_leavers(core, id, &why) != 0)
        log_warn("receive", "taking out somebody who asked for it: %s", why.text);
}

int group_sync(struct core *core, const uint8_t id[16], size_t *messages, struct err *err)
{
    bool has_leaver;
    struct group *g;
    int r;

    if (messages)
        *messages = 0;
    if ((r = group_open(core, id, &g, err)) != 0)
        return r;
    r = sync_open(core, g, messages, err);
    has_leaver = g->has_leaver;
    g->has_leaver = false;
    group_close(core, g);
    serve_leavers(core, id, has_leaver);
    return r;
}

int group_sync_full(struct core *core, const uint8_t id[16], size_t *messages, struct err *err)
{
    int r = group_sync(core, id, messages, err);

    if (r == 0)
        r = group_check_installations(core, id, CHECK_ON_SYNC_NS, err);
    return r;
}

/* ---- the live stream ---- */

static int from_stream_open(struct core *core, struct group *g, const struct node_group_message *message,
                            bool *read_ledger_instead, struct err *err)
{
    enum envelope_fate fate = ENVELOPE_DONE;
    uint64_t cursor;
    bool seen = false;
    int r;

    if ((r = group_cursor(core, g->id, &cursor, err)) != 0 || message->cursor.sequence_id <= cursor)
        return r;
    if (!mls_group_is_active(g->mls))
        return 0;
    if (message->is_commit) {
        *read_ledger_instead = true;
        return 0;
    }
    if ((r = store_message_seen(core->store, slice_of(g->id, 16), message->cursor.originator,
                                (int64_t)message->cursor.sequence_id, &seen, err)) != 0 ||
        seen)
        return r;
    if ((r = handle(core, g, message, false, &fate, err)) != 0)
        return r;
    *read_ledger_instead = fate == ENVELOPE_REFUSED;
    return 0;
}

int group_from_stream(struct core *core, const struct node_group_message *message, struct err *err)
{
    struct group *g;
    bool instead = false, has_leaver;
    uint8_t id[16];
    int r;

    if (message->group_id.len != sizeof id)
        return 0;
    memcpy(id, message->group_id.data, sizeof id);
    r = group_open(core, id, &g, err);
    if (r == ERR_NOTFOUND || r == ERR_STATE)
        return 0;
    if (r != 0)
        return r;
    r = from_stream_open(core, g, message, &instead, err);
    has_leaver = g->has_leaver;
    g->has_leaver = false;
    group_close(core, g);
    serve_leavers(core, id, has_leaver);
    if (r == 0 && instead && (r = group_sync(core, id, NULL, err)) == ERR_STATE)
        r = 0;
    return r;
}
