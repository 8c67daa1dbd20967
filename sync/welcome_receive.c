/* From an invitation to a stored group: opened, checked against the identity logs, then stored in one
 * transaction with its cursor, its first message and its consent. */
#include "sync/welcome_receive.h"

#include "base/err.h"
#include "base/log.h"
#include "mls/mls.h"
#include "net/node_api.h"
#include "store/consent.h"
#include "store/cursors.h"
#include "store/groups.h"
#include "store/mls_state.h"
#include "store/removals.h"
#include "sync/commit_log.h"
#include "sync/commit_check.h"
#include "sync/consent.h"
#include "sync/core.h"
#include "sync/group.h"
#include "sync/key_packages.h"
#include "sync/pref_tasks.h"
#include "sync/transcript.h"
#include "sync/welcome_check.h"
#include "sync/welcome_open.h"

#include <inttypes.h>
#include <string.h>

/* One invitation on its way in. */
struct arrival {
    struct core *core;
    const struct node_welcome_message *welcome;
    bool move_cursor;
    struct opened_welcome opened;
    struct group_extensions ext;
    uint8_t id[16];
    char adder[65];
    uint8_t adder_installation[32];
    char dm_id[140];
    bool known;                       /* we have, or had, this group */
    enum store_membership was;        /* where known */
};

static struct slice own_key(const struct core *core)
{
    return slice_of(core->self.installation_id, INSTALLATION_ID_LEN);
}

static int move_cursor(struct core *core, struct node_cursor cursor, struct err *err)
{
    return store_cursor_advance(core->store, own_key(core), STORE_CURSOR_WELCOME, cursor.originator,
                                (int64_t)cursor.sequence_id, NULL, err);
}

/* ---- reading and checking ---- */

static int read_extension(const struct mls_group *mls, uint16_t type, struct slice *data, struct err *err)
{
    return mls_extension_find(mls_group_extensions(mls), type, data)
               ? 0
               : err_set(err, ERR_MALFORMED, "the group lacks extension %04x", type);
}

static int read_extensions(struct arrival *a, struct err *err)
{
    const struct mls_group *mls = a->opened.mls;
    struct slice data;
    int r;

    if ((r = read_extension(mls, EXT_IMMUTABLE_METADATA, &data, err)) != 0 ||
        (r = group_immutable_decode(data, &a->ext.immutable, err)) != 0 ||
        (r = read_extension(mls, EXT_MUTABLE_METADATA, &data, err)) != 0 ||
        (r = group_mutable_decode(data, &a->ext.mutable_, err)) != 0 ||
        (r = read_extension(mls, EXT_GROUP_MEMBERSHIP, &data, err)) != 0 ||
        (r = group_membership_decode(data, &a->ext.membership, err)) != 0 ||
        (r = read_extension(mls, EXT_GROUP_PERMISSIONS, &data, err)) != 0)
        return r;
    return group_permissions_decode(data, &a->ext.policies, err);
}

static int read_adder(struct arrival *a, struct err *err)
{
    const struct mls_leaf *leaf = mls_group_leaf(a->opened.mls, a->opened.adder_leaf);

    if (!leaf || leaf->signature_key.len != 32 || leaf_inbox(leaf, a->adder) != 0)
        return err_set(err, ERR_MALFORMED, "the sender of the welcome has no credential of XMTP's");
    memcpy(a->adder_installation, leaf->signature_key.data, 32);
    return 0;
}

static int check(struct arrival *a, struct err *err)
{
    struct slice id = mls_group_id(a->opened.mls);
    int r;

    if (id.len != sizeof a->id)
        return err_set(err, ERR_MALFORMED, "a group id of %zu bytes", id.len);
    memcpy(a->id, id.data, sizeof a->id);
    if ((r = read_extensions(a, err)) != 0 || (r = read_adder(a, err)) != 0)
        return r;
    if (a->ext.immutable.type == CONVERSATION_UNKNOWN)
        return err_set(err, ERR_UNSUPPORTED, "a conversation of an unknown type");
    if ((r = welcome_check_members(a->core, a->opened.mls, &a->ext.membership, err)) != 0)
        return r;
    if (a->ext.immutable.type != CONVERSATION_DM)
        return 0;
    if ((r = welcome_check_dm(&a->ext, a->adder, a->core->self.inbox_id, err)) == 0)
        dm_id_of(a->ext.immutable.dm_one, a->ext.immutable.dm_two, a->dm_id);
    return r;
}

/* ---- storing ---- */

static const char *peer_of(const struct arrival *a)
{
    const struct group_immutable *im = &a->ext.immutable;

    if (im->type != CONVERSATION_DM)
        return NULL;
    return strcmp(im->dm_one, a->core->self.inbox_id) == 0 ? im->dm_two : im->dm_one;
}

static const char *too_new(const struct arrival *a)
{
    const char *wanted = group_attr_get(&a->ext.mutable_, "minimum_supported_protocol_version");

    if (a->ext.immutable.type != CONVERSATION_GROUP || !wanted)
        return NULL;
    return commit_version_suffices(a->core, wanted) ? NULL : wanted;
}

static int put_row(struct arrival *a, const struct group *g, struct err *err)
{
    enum conversation_type type = a->ext.immutable.type;
    bool returns = a->known && a->was == STORE_MEMBER_PENDING_REMOVE;
    struct store_group row = {
        .id = slice_of(a->id, 16),
        .type = (enum store_group_type)type,
        .membership = type == CONVERSATION_SYNC || returns ? STORE_MEMBER_ALLOWED : STORE_MEMBER_PENDING,
        .dm_id = type == CONVERSATION_DM ? a->dm_id : NULL,
        .peer_inbox_id = peer_of(a),
        .creator_inbox_id = a->ext.immutable.creator_inbox_id,
        .added_by_inbox_id = a->adder,
        .welcome = {a->welcome->cursor.originator, (int64_t)a->welcome->cursor.sequence_id},
        .created_at_ns = core_now_ns(a->core),
        .epoch = mls_group_epoch(g->mls),
        .paused_for_version = too_new(a),
        .active = true,
        .trusted = welcome_is_trusted_sync(&a->ext, a->adder, a->core->self.inbox_id)};

    return store_group_put(a->core->store, &row, err);
}

/* sync.md 3.2: what our own other installations made is allowed, a duplicate of a known 1:1 chat
 * follows it, somebody who comes back after leaving decides anew.  None of it is told to others. */
static int put_consent(struct arrival *a, struct err *err)
{
    struct consent_choice choice = {.type = CONSENT_CONVERSATION, .state = CONSENT_ALLOWED};
    struct store_mem mem = STORE_MEM_INIT;
    struct store_consent stored;
    int r = ERR_NOTFOUND;

    for (int i = 0; i < 16; i++) {
        static const char digits[] = "0123456789abcdef";
        choice.entity[2 * i] = digits[a->id[i] >> 4];
        choice.entity[2 * i + 1] = digits[a->id[i] & 15];
    }
    if (strcmp(a->ext.immutable.creator_inbox_id, a->core->self.inbox_id) == 0) {
        r = 0;
    } else if (a->ext.immutable.type == CONVERSATION_DM && !a->known) {
        r = store_consent_of_dm(a->core->store, a->dm_id, &mem, &stored, err);
        if (r == 0)
            choice.state = (enum consent_state)stored.state;
    } else if (a->known && a->was == STORE_MEMBER_PENDING_REMOVE) {
        choice.state = CONSENT_UNKNOWN;
        r = 0;
    }
    store_mem_free(&mem);
    if (r == ERR_NOTFOUND)
        return 0;
    return r == 0 ? consent_set(a->core, &choice, 1, CONSENT_QUIET, NULL, err) : r;
}

static int note_arrival(struct arrival *a, struct err *err)
{
    struct core_event event = {.kind = CORE_CONVERSATION};
    int r;

    memcpy(event.group_id, a->id, 16);
    switch (a->ext.immutable.type) {
    case CONVERSATION_SYNC:
        if (!welcome_is_trusted_sync(&a->ext, a->adder, a->core->self.inbox_id)) {
            log_warn("welcomes", "a preferences group from inbox %.16s is not ours: ignored", a->adder);
            return 0;
        }
        event.kind = CORE_SYNC_WELCOME;
        if ((r = pref_tasks_for_newcomer(a->core, a->id, err)) != 0)
            return r;
        break;
    case CONVERSATION_GROUP:
    case CONVERSATION_DM:
        break;
    default:
        return 0;
    }
    return core_note(a->core, &event, err);
}

/* Inside the transaction.  `g` has the new MLS state. */
static int store_group(struct arrival *a, struct group *g, struct err *err)
{
    bool people = g->type == CONVERSATION_GROUP || g->type == CONVERSATION_DM;
    struct epoch_mark before = {0};
    int r;

    /* Who asked to leave may have left, and come back, while we were out ourselves. */
    if ((r = store_mls_delete_group(a->core->store, slice_of(a->id, 16), err)) != 0 ||
        (r = store_leave_delete(a->core->store, slice_of(a->id, 16), NULL, err)) != 0 || (r = put_row(a, g, err)) != 0 ||
        (r = group_save_mls(a->core, g, err)) != 0 || (r = group_refresh_row(a->core, g, err)) != 0 ||
        (r = commit_log_applied(a->core, g, &before, STORE_COMMIT_WELCOME, NODE_ORIGINATOR_COMMITS,
                                a->opened.message_cursor, a->adder, err)) != 0)
        return r;
    if (a->opened.message_cursor > 0 &&
        (r = store_cursor_advance(a->core->store, slice_of(a->id, 16), STORE_CURSOR_COMMIT, NODE_ORIGINATOR_COMMITS,
                                  (int64_t)a->opened.message_cursor, NULL, err)) != 0)
        return r;
    if (people && ((r = put_consent(a, err)) != 0 ||
                   (r = transcript_joined(a->core, g, a->adder, a->adder_installation, a->welcome->created_ns,
                                          err)) != 0))
        return r;
    return note_arrival(a, err);
}

/* Replaces whatever state the group had.  The group's lock keeps everybody else out. */
static int store_arrival(struct arrival *a, struct err *err)
{
    struct core *core = a->core;
    struct group *g;
    int r;

    if ((r = group_adopt(core, a->id, a->ext.immutable.type, NULL, &g, err)) != 0)
        return r;
    fiber_lock_take(&g->lock);
    group_evict(core, g);
    g->mls = a->opened.mls;
    a->opened.mls = NULL;
    g->type = a->ext.immutable.type;
    if ((r = core_begin(core, false, err)) == 0) {
        r = store_group(a, g, err);
        if (r == 0 && a->move_cursor)
            r = move_cursor(core, a->welcome->cursor, err);
        if (r == 0)
            r = core_commit(core, err);
        else
            core_rollback(core);
    }
    /* The state in memory came from the welcome: from now on its pieces are read from the store. */
    group_evict(core, g);
    group_close(core, g);
    return r;
}

/* Is there anything to do?  An epoch that we have reached already makes it an old invitation. */
static int look_up(struct arrival *a, bool *wanted, struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_group row;
    int r = store_group_get(a->core->store, slice_of(a->id, 16), &mem, &row, err);

    *wanted = true;
    if (r == 0) {
        a->known = true;
        a->was = row.membership;
        *wanted = !row.active || row.membership == STORE_MEMBER_RESTORED ||
                  mls_group_epoch(a->opened.mls) > row.epoch;
    }
    store_mem_free(&mem);
    return r == ERR_NOTFOUND ? 0 : r;
}

static bool was_joined_by(struct core *core, struct node_cursor cursor)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_group row;
    struct store_cursor at = {cursor.originator, (int64_t)cursor.sequence_id};
    bool yes = store_group_by_welcome(core->store, at, &mem, &row, NULL) == 0;

    store_mem_free(&mem);
    return yes;
}

/* Errors are transient: the same welcome may work later. */
static int process(struct core *core, const struct node_welcome_message *welcome, bool move, size_t *joined,
                   struct err *err)
{
    struct arrival a = {.core = core, .welcome = welcome, .move_cursor = move};
    struct err why = {0};
    bool wanted = false;
    int r = 0;

    if (was_joined_by(core, welcome->cursor))
        goto pass;
    if ((r = welcome_open(core, welcome, &a.opened, &why)) != 0 || (r = check(&a, &why)) != 0 ||
        (r = look_up(&a, &wanted, &why)) != 0)
        goto pass;
    if (!wanted || a.ext.immutable.type == CONVERSATION_ONESHOT)
        goto pass; /* known; or a request to be added again, which super admins' policies decide */
    if ((r = store_arrival(&a, err)) == 0 && joined)
        ++*joined;
    goto done;
pass:
    if (r != 0 && err_is_transient(r)) {
        if (err)
            *err = why;
        goto done;
    }
    if (r != 0)
        log_warn("welcomes", "welcome %" PRIu64 " passed over: %s", welcome->cursor.sequence_id, why.text);
    r = move ? move_cursor(core, welcome->cursor, err) : 0;
done:
    mls_group_free(a.opened.mls);
    group_extensions_free(&a.ext);
    return r;
}

/* ---- the topic ---- */

static int read_page(struct core *core, const struct node_welcome_page *page, size_t *joined, struct err *err)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < page->skipped_count; i++)
        r = move_cursor(core, page->skipped[i], err);
    for (size_t i = 0; r == 0 && i < page->count; i++)
        r = process(core, &page->welcomes[i], true, joined, err);
    return r;
}

static int read_topic(struct core *core, size_t *joined, struct err *err)
{
    struct node_welcome_page page = {0};
    bool more = true, any = false;
    int r = 0;

    while (r == 0 && more) {
        struct node_cursor at = {.originator = NODE_ORIGINATOR_WELCOMES};
        int64_t cursor = 0;
        if ((r = store_cursor_get(core->store, own_key(core), STORE_CURSOR_WELCOME, at.originator, &cursor, err)) != 0)
            break;
        at.sequence_id = (uint64_t)cursor;
        if ((r = node_query_welcome_messages(core->api, own_key(core), (struct node_position){&at, cursor ? 1 : 0},
                                             &page, err)) != 0)
            break;
        any |= page.count + page.skipped_count > 0;
        more = page.more;
        r = read_page(core, &page, joined, err);
        node_welcome_page_free(&page);
        page = (struct node_welcome_page){0};
    }
    if (any && key_package_welcome_seen(core, NULL) != 0)
        log_warn("welcomes", "the rotation of the key package could not be noted");
    return r;
}

int welcomes_sync(struct core *core, size_t *joined, struct err *err)
{
    int r;

    if (joined)
        *joined = 0;
    if (!core->api || core->offline)
        return err_set(err, ERR_OFFLINE, "offline: the network is not asked");
    fiber_lock_take(&core->welcome_lock);
    r = read_topic(core, joined, err);
    fiber_lock_drop(&core->welcome_lock);
    return r == 0 ? 0 : err_wrap(err, r, "reading invitations");
}

int welcome_from_stream(struct core *core, const struct node_welcome_message *welcome, struct err *err)
{
    int64_t cursor = 0;
    int r;

    fiber_lock_take(&core->welcome_lock);
    r = store_cursor_get(core->store, own_key(core), STORE_CURSOR_WELCOME, welcome->cursor.originator, &cursor, err);
    if (r == 0 && (int64_t)welcome->cursor.sequence_id > cursor)
        r = process(core, welcome, false, NULL, err);
    fiber_lock_drop(&core->welcome_lock);
    return r;
}
