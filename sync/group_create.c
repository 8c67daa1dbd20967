/* Epoch 0 of new conversations: the extensions of groups.md section 2, in their order. */
#include "sync/group_create.h"

#include "base/err.h"
#include "base/hex.h"
#include "base/i18n.h"
#include "crypto/ed25519.h"
#include "identity/key_package.h"
#include "mls/mls.h"
#include "store/groups.h"
#include "sync/commit_log.h"
#include "sync/consent.h"
#include "sync/core.h"
#include "sync/group.h"
#include "sync/group_update.h"
#include "sync/intents.h"
#include "sync/membership_locked.h"
#include "sync/receive_group.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What is to be made. */
struct plan {
    enum conversation_type type;
    const struct group_options *options; /* groups; NULL: defaults */
    const char *peer;                    /* 1:1 chats */
    char dm_id[140];
};

/* ---- extensions ---- */

static int fill_attributes(struct core *core, const struct plan *p, struct group_mutable *m)
{
    const struct group_options *o = p->options;
    char signer[65], number[24];
    uint8_t seed[32];

    if (group_attr_set(m, ATTR_NAME, o && o->name ? o->name : "") != 0 ||
        group_attr_set(m, ATTR_DESCRIPTION, o && o->description ? o->description : "") != 0 ||
        group_attr_set(m, ATTR_IMAGE_URL, o && o->image_url ? o->image_url : "") != 0 ||
        (p->type != CONVERSATION_DM && group_attr_set(m, ATTR_APP_DATA, o && o->app_data ? o->app_data : "") != 0))
        return ERR_NOMEM;
    if (o && o->disappear_from_ns > 0 && o->disappear_in_ns > 0) {
        snprintf(number, sizeof number, "%" PRId64, o->disappear_from_ns);
        if (group_attr_set(m, ATTR_DISAPPEAR_FROM, number) != 0)
            return ERR_NOMEM;
        snprintf(number, sizeof number, "%" PRId64, o->disappear_in_ns);
        if (group_attr_set(m, ATTR_DISAPPEAR_IN, number) != 0)
            return ERR_NOMEM;
    }
    /* Known to all members by design: it signs the shared log of commits. */
    rand_fill(core->rand, seed, sizeof seed);
    hex_encode(seed, sizeof seed, signer);
    return group_attr_set(m, ATTR_COMMIT_LOG_SIGNER, signer);
}

static void put_extension(struct buf *list, uint16_t type, struct buf *data)
{
    if (!buf_ok(data))
        list->bad = true;
    mls_extension_put(list, type, buf_slice(data));
    buf_reset(data);
}

static void put_required_capabilities(struct buf *list, struct buf *data)
{
    static const uint16_t extensions[] = {EXT_GROUP_MEMBERSHIP,   EXT_MUTABLE_METADATA, EXT_GROUP_PERMISSIONS,
                                          EXT_IMMUTABLE_METADATA, MLS_EXT_LAST_RESORT,  MLS_EXT_APPLICATION_ID};
    static const uint16_t proposals[] = {MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS};
    static const uint16_t credentials[] = {MLS_CREDENTIAL_BASIC};

    mls_required_capabilities_put(data, (struct mls_u16s){extensions, 6}, (struct mls_u16s){proposals, 1},
                                  (struct mls_u16s){credentials, 1});
    put_extension(list, MLS_EXT_REQUIRED_CAPABILITIES, data);
}

static int put_extensions(struct core *core, const struct plan *p, struct buf *list)
{
    struct group_immutable immutable = {.type = p->type, .creator_inbox_id = core->self.inbox_id};
    struct group_mutable mutable_ = {0};
    struct group_membership membership = {0};
    struct policy_set policies = {0};
    struct buf data = BUF_INIT;
    int r = ERR_NOMEM;

    if (p->type == CONVERSATION_DM) {
        immutable.dm_one = core->self.inbox_id;
        immutable.dm_two = (char *)(uintptr_t)p->peer;
    } else if (inbox_list_add(&mutable_.super_admins, core->self.inbox_id) != 0) {
        goto done;
    }
    if (fill_attributes(core, p, &mutable_) != 0 || group_membership_set(&membership, core->self.inbox_id, 0) != 0 ||
        policy_set_preset(p->type == CONVERSATION_DM ? PRESET_DM
                          : p->options               ? p->options->permissions
                                                     : PRESET_ALL_MEMBERS,
                          &policies) != 0)
        goto done;
    group_immutable_encode(&immutable, &data);
    put_extension(list, EXT_IMMUTABLE_METADATA, &data);
    group_mutable_encode(&mutable_, &data);
    put_extension(list, EXT_MUTABLE_METADATA, &data);
    group_membership_encode(&membership, &data);
    put_extension(list, EXT_GROUP_MEMBERSHIP, &data);
    group_permissions_encode(&policies, &data);
    put_extension(list, EXT_GROUP_PERMISSIONS, &data);
    put_required_capabilities(list, &data);
    r = buf_ok(list) ? 0 : ERR_NOMEM;
done:
    group_mutable_free(&mutable_);
    group_membership_free(&membership);
    policy_set_free(&policies);
    buf_free(&data);
    return r;
}

/* ---- the group ---- */

static int create_mls(struct core *core, const struct plan *p, const uint8_t id[16], struct mls_group **out,
                      struct err *err)
{
    struct buf list = BUF_INIT;
    struct ed25519_key key;
    struct mls_config config;
    struct own_leaf leaf;
    int r;

    if ((r = put_extensions(core, p, &list)) != 0) {
        buf_free(&list);
        return err_set(err, r, "out of memory");
    }
    ed25519_from_seed(core->self.seed, &key);
    own_leaf_init(&leaf, &key, core->self.inbox_id, (uint64_t)(core_now_ns(core) / NS_PER_S));
    leaf.params.extensions = slice_of(NULL, 0); /* a creator's leaf has none, a key package's has one */
    group_mls_config(&config);
    r = mls_group_create(&config, MLS_SUITE_CHACHA20, slice_of(id, 16), &leaf.params, buf_slice(&list), core->rand,
                         out, err);
    ed25519_wipe(&key);
    buf_free(&list);
    return r;
}

static int store_new(struct core *core, const struct plan *p, struct group *g, struct err *err)
{
    int64_t now = core_now_ns(core);
    struct store_group row = {.id = slice_of(g->id, 16),
                              .type = (enum store_group_type)p->type,
                              .membership = STORE_MEMBER_ALLOWED,
                              .dm_id = p->type == CONVERSATION_DM ? p->dm_id : NULL,
                              .peer_inbox_id = p->peer,
                              .creator_inbox_id = core->self.inbox_id,
                              .added_by_inbox_id = core->self.inbox_id,
                              .created_at_ns = now,
                              .rotated_at_ns = now,
                              .active = true,
                              .trusted = p->type == CONVERSATION_SYNC};
    struct epoch_mark before = {0};
    int r;

    if ((r = store_group_put(core->store, &row, err)) != 0 || (r = group_save_mls(core, g, err)) != 0 ||
        (r = group_refresh_row(core, g, err)) != 0 ||
        (r = commit_log_applied(core, g, &before, STORE_COMMIT_CREATED, 0, 0, core->self.inbox_id, err)) != 0)
        return r;
    return p->type == CONVERSATION_SYNC ? 0 : consent_allow_group(core, g->id, CONSENT_SHARE, err);
}

/* A new group at epoch 0, stored, opened (pinned and locked) and unpublished.  Where members are `coming` it does
 * not wait for the disk: the intent that adds them does, before anybody is told of the group. */
static int begin(struct core *core, const struct plan *p, bool coming, struct group **out, struct err *err)
{
    struct mls_group *mls = NULL;
    struct group *g = NULL;
    uint8_t id[16];
    int r;

    rand_fill(core->rand, id, sizeof id);
    if ((r = create_mls(core, p, id, &mls, err)) != 0)
        return r;
    if ((r = group_adopt(core, id, p->type, mls, &g, err)) != 0) {
        mls_group_free(mls);
        return r;
    }
    fiber_lock_take(&g->lock);
    if ((r = core_begin(core, !coming, err)) != 0 || (r = store_new(core, p, g, err)) != 0 ||
        (r = core_commit(core, err)) != 0) {
        core_rollback(core);
        group_evict(core, g);
        group_close(core, g);
        return r;
    }
    *out = g;
    return 0;
}

static void announce(struct core *core, const struct group *g)
{
    struct core_event event = {.kind = CORE_CONVERSATION};

    memcpy(event.group_id, g->id, 16);
    core_emit(core, &event);
}

static int check_options(const struct group_options *o, struct err *err)
{
    const struct {
        const char *key, *value;
    } given[] = {{ATTR_NAME, o->name},
                 {ATTR_DESCRIPTION, o->description},
                 {ATTR_IMAGE_URL, o->image_url},
                 {ATTR_APP_DATA, o->app_data}};

    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++)
        if (given[i].value && strlen(given[i].value) > group_attr_limit(given[i].key))
            return err_set(err, ERR_INVALID, _("%s has %zu bytes, at most %zu are allowed"), given[i].key,
                           strlen(given[i].value), group_attr_limit(given[i].key));
    return 0;
}

int group_create(struct core *core, const struct group_options *options, const char *const *inbox_ids, size_t n,
                 uint8_t id[16], struct err *err)
{
    struct plan p = {.type = CONVERSATION_GROUP, .options = options};
    struct group *g;
    int r;

    if ((r = check_options(options, err)) != 0 || (r = begin(core, &p, n > 0, &g, err)) != 0)
        return r;
    memcpy(id, g->id, 16);
    if (n > 0)
        r = add_members_locked(core, g, inbox_ids, n, err);
    else if ((r = check_installations_locked(core, g, err)) == ERR_OFFLINE)
        r = 0; /* the first sync or message does it */
    announce(core, g);
    group_close(core, g);
    return r == 0 ? 0 : err_wrap(err, r, "creating a group");
}

int dm_find(struct core *core, const char *inbox_id, uint8_t id[16], struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_group row;
    char dm_id[140];
    int r;

    dm_id_of(core->self.inbox_id, inbox_id, dm_id);
    if ((r = store_group_by_dm_id(core->store, dm_id, &mem, &row, err)) == 0)
        memcpy(id, row.id.data, 16);
    store_mem_free(&mem);
    return r;
}

/* A chat whose peer could not be added gets the peer when it is asked for again. */
static int complete_dm(struct core *core, const uint8_t id[16], const char *peer, struct err *err)
{
    struct group *g;
    int r;

    if ((r = group_open(core, id, &g, err)) != 0)
        return r;
    if ((r = group_read_extensions(core, g, err)) == 0 && mls_group_is_active(g->mls) &&
        !group_membership_find(&g->ext.membership, peer))
        r = add_members_locked(core, g, &peer, 1, err);
    group_close(core, g);
    return r;
}

int dm_find_or_create(struct core *core, const char *inbox_id, uint8_t id[16], bool *created, struct err *err)
{
    struct plan p = {.type = CONVERSATION_DM, .peer = inbox_id};
    struct group *g;
    int r;

    if (created)
        *created = false;
    if (strcmp(inbox_id, core->self.inbox_id) == 0)
        return err_set(err, ERR_INVALID, "%s", _("a chat with oneself is not possible"));
    r = dm_find(core, inbox_id, id, err);
    if (r == 0 && (r = complete_dm(core, id, inbox_id, err)) == ERR_STATE)
        r = 0;
    if (r != ERR_NOTFOUND)
        return r;
    dm_id_of(core->self.inbox_id, inbox_id, p.dm_id);
    if ((r = begin(core, &p, true, &g, err)) != 0)
        return r;
    memcpy(id, g->id, 16);
    if ((r = add_members_locked(core, g, &inbox_id, 1, err)) == 0) {
        if (created)
            *created = true;
        announce(core, g);
    }
    group_close(core, g);
    return r == 0 ? 0 : err_wrap(err, r, "creating a 1:1 chat");
}

int sync_group_create(struct core *core, uint8_t id[16], struct err *err)
{
    struct plan p = {.type = CONVERSATION_SYNC};
    struct group *g;
    int r;

    if ((r = begin(core, &p, false, &g, err)) != 0)
        return r;
    memcpy(id, g->id, 16);
    r = check_installations_locked(core, g, err);
    group_close(core, g);
    return r == 0 ? 0 : err_wrap(err, r, "creating the preferences group");
}

int sync_group_finish(struct core *core, const uint8_t id[16], struct err *err)
{
    struct group *g;
    int r;

    if ((r = group_open(core, id, &g, err)) != 0)
        return r;
    if ((r = group_receive(core, g, NULL, err)) == 0)
        r = check_installations_locked(core, g, err);
    group_close(core, g);
    return r;
}

int sync_group_is_unfinished(struct core *core, const uint8_t id[16], bool *unfinished, struct err *err)
{
    const struct group_member_at *own;
    struct group *g;
    int r;

    if ((r = group_open(core, id, &g, err)) != 0)
        return r;
    if ((r = group_read_extensions(core, g, err)) == 0) {
        own = group_membership_find(&g->ext.membership, core->self.inbox_id);
        *unfinished = own && own->sequence_id == 0;
    }
    group_close(core, g);
    return r;
}
