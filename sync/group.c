/* The groups in memory.  A few hundred small structs at most; the MLS states behind them are the heavy
 * part and go first when there are many. */
#include "sync/group.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/i18n.h"
#include "identity/credential.h"
#include "mls/mls.h"
#include "proto/check.h"
#include "store/cursors.h"
#include "store/groups.h"
#include "store/mls_state.h"
#include "sync/core.h"
#include "sync/group_update.h"

#include <assert.h>
#include <string.h>

#define BUCKETS 256
/* Groups kept when nobody uses them; one of ten members has some 30 KiB of state. */
#define KEEP_MAX 256

struct group_cache {
    struct group *buckets[BUCKETS];
    size_t n;
    uint64_t clock;
};

void group_mls_config(struct mls_config *out)
{
    /* OpenMLS as libxmtp has it knows this type, and only for groups. */
    static const uint16_t not_in_leaves[] = {EXT_IMMUTABLE_METADATA};

    *out = mls_config_default();
    out->not_in_leaves = (struct mls_u16s){not_in_leaves, 1};
}

/* ---- pieces ---- */

static int piece_get(void *ctx, const struct mls_piece_key *key, struct bytes *out, struct err *err)
{
    struct group *g = ctx;
    struct store_piece at = {.kind = key->kind, .epoch = key->epoch, .index = key->index};

    return store_mls_get(g->core->store, slice_of(g->id, 16), at, out, err);
}

static int piece_put(void *ctx, const struct mls_piece_key *key, struct slice data, struct err *err)
{
    struct group *g = ctx;
    struct store_piece at = {.kind = key->kind, .epoch = key->epoch, .index = key->index};

    if (data.data)
        return store_mls_put(g->core->store, slice_of(g->id, 16), at, data, err);
    if (key->index == MLS_PIECE_ALL)
        return store_mls_delete_epoch(g->core->store, slice_of(g->id, 16), key->kind, key->epoch, err);
    return store_mls_delete(g->core->store, slice_of(g->id, 16), at, err);
}

int group_save_mls(struct core *core, struct group *g, struct err *err)
{
    struct mls_piece_sink sink = {.put = piece_put, .ctx = g};

    (void)core;
    return mls_group_write(g->mls, &sink, err);
}

int group_load_mls(struct core *core, struct group *g, struct err *err)
{
    struct mls_piece_source source = {.get = piece_get, .ctx = g};
    struct mls_config config;
    int r;

    (void)core;
    if (g->mls)
        return 0;
    group_mls_config(&config);
    r = mls_group_load(&config, &source, &g->mls, err);
    if (r == ERR_NOTFOUND)
        return err_set(err, ERR_STATE, "this conversation has no keys here: it comes from an archive");
    return r == 0 ? 0 : err_wrap(err, r, "loading a conversation");
}

/* ---- the cache ---- */

int group_cache_new(struct core *core, struct err *err)
{
    core->groups = xm_alloc(sizeof *core->groups);
    return core->groups ? 0 : err_set(err, ERR_NOMEM, "out of memory");
}

static void group_free(struct group *g)
{
    mls_group_free(g->mls);
    group_extensions_free(&g->ext);
    xm_free(g);
}

void group_cache_free(struct core *core)
{
    struct group_cache *c = core->groups;

    if (!c)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        while (c->buckets[i]) {
            struct group *g = c->buckets[i];
            c->buckets[i] = g->next_in_bucket;
            group_free(g);
        }
    xm_free(c);
    core->groups = NULL;
}

static struct group *find(struct group_cache *c, const uint8_t id[16])
{
    for (struct group *g = c->buckets[id[0]]; g; g = g->next_in_bucket)
        if (memcmp(g->id, id, 16) == 0)
            return g;
    return NULL;
}

static bool in_use(const struct group *g)
{
    return g->pins > 0 || g->lock.held;
}

/* Lets the group go that was used longest ago, if any may. */
static void shed_one(struct group_cache *c)
{
    struct group **oldest = NULL;

    for (size_t i = 0; i < BUCKETS; i++)
        for (struct group **at = &c->buckets[i]; *at; at = &(*at)->next_in_bucket)
            if (!in_use(*at) && (!oldest || (*at)->used < (*oldest)->used))
                oldest = at;
    if (oldest) {
        struct group *g = *oldest;
        *oldest = g->next_in_bucket;
        group_free(g);
        c->n--;
    }
}

static struct group *insert(struct core *core, const uint8_t id[16], enum conversation_type type)
{
    struct group_cache *c = core->groups;
    struct group *g;

    if (c->n >= KEEP_MAX)
        shed_one(c);
    if (!(g = xm_alloc(sizeof *g)))
        return NULL;
    memcpy(g->id, id, 16);
    g->type = type;
    g->core = core;
    g->next_in_bucket = c->buckets[id[0]];
    c->buckets[id[0]] = g;
    c->n++;
    return g;
}

int group_get(struct core *core, const uint8_t id[16], struct group **out, struct err *err)
{
    struct group *g = find(core->groups, id);

    if (!g) {
        struct store_mem mem = STORE_MEM_INIT;
        struct store_group row;
        int r = store_group_get(core->store, slice_of(id, 16), &mem, &row, err);
        if (r == 0 && !(g = insert(core, id, (enum conversation_type)row.type)))
            r = err_set(err, ERR_NOMEM, "out of memory");
        store_mem_free(&mem);
        if (r != 0)
            return r;
    }
    g->used = ++core->groups->clock;
    g->pins++;
    *out = g;
    return 0;
}

void group_put(struct core *core, struct group *g)
{
    (void)core;
    if (!g)
        return;
    assert(g->pins > 0);
    g->pins--;
}

int group_open(struct core *core, const uint8_t id[16], struct group **out, struct err *err)
{
    struct group *g;
    int r = group_get(core, id, &g, err);

    if (r != 0)
        return r;
    fiber_lock_take(&g->lock);
    if ((r = group_load_mls(core, g, err)) != 0) {
        group_close(core, g);
        return r;
    }
    *out = g;
    return 0;
}

void group_close(struct core *core, struct group *g)
{
    if (!g)
        return;
    fiber_lock_drop(&g->lock);
    group_put(core, g);
}

int group_adopt(struct core *core, const uint8_t id[16], enum conversation_type type, struct mls_group *mls,
                struct group **out, struct err *err)
{
    struct group *g = find(core->groups, id);

    if (!g && !(g = insert(core, id, type)))
        return err_set(err, ERR_NOMEM, "out of memory");
    if (mls) {
        group_evict(core, g);
        g->mls = mls;
    }
    g->used = ++core->groups->clock;
    g->pins++;
    *out = g;
    return 0;
}

void group_evict(struct core *core, struct group *g)
{
    (void)core;
    mls_group_free(g->mls);
    g->mls = NULL;
    g->ext_valid = false;
}

/* ---- what the extensions say ---- */

static int find_ext(struct slice list, uint16_t type, struct slice *data, struct err *err)
{
    if (!mls_extension_find(list, type, data))
        return err_set(err, ERR_MALFORMED, "the group lacks extension %04x", type);
    return 0;
}

/* MLS and libxmtp let any member change 0xf000, and read on without it; only commits are over then. */
static int read_immutable(const struct group *g, struct slice list, struct group_extensions *ext, struct err *err)
{
    struct slice data;
    int r = find_ext(list, EXT_IMMUTABLE_METADATA, &data, err);

    if (r == 0)
        r = group_immutable_decode(data, &ext->immutable, err);
    if (r == 0 || r == ERR_NOMEM)
        return r;
    ext->immutable_lost = true;
    ext->immutable.type = g->type;
    ext->immutable.creator_inbox_id = xm_strdup("");
    return ext->immutable.creator_inbox_id ? 0 : err_set(err, ERR_NOMEM, "out of memory");
}

int group_read_extensions(struct core *core, struct group *g, struct err *err)
{
    struct group_extensions ext = {0};
    struct slice list, data;
    int r;

    (void)core;
    if (g->ext_valid && g->ext_epoch == mls_group_epoch(g->mls))
        return 0;
    list = mls_group_extensions(g->mls);
    if ((r = read_immutable(g, list, &ext, err)) != 0 ||
        (r = find_ext(list, EXT_MUTABLE_METADATA, &data, err)) != 0 ||
        (r = group_mutable_decode(data, &ext.mutable_, err)) != 0 ||
        (r = find_ext(list, EXT_GROUP_MEMBERSHIP, &data, err)) != 0 ||
        (r = group_membership_decode(data, &ext.membership, err)) != 0 ||
        (r = find_ext(list, EXT_GROUP_PERMISSIONS, &data, err)) != 0 ||
        (r = group_permissions_decode(data, &ext.policies, err)) != 0) {
        group_extensions_free(&ext);
        return r;
    }
    group_extensions_free(&g->ext);
    g->ext = ext;
    g->ext_epoch = mls_group_epoch(g->mls);
    g->ext_valid = true;
    return 0;
}

static struct slice text_of(const struct group *g, const char *key)
{
    const char *value = group_attr_get(&g->ext.mutable_, key);

    return value ? proto_string_shown(value) : slice_of(NULL, 0);
}

int group_refresh_row(struct core *core, struct group *g, struct err *err)
{
    struct slice id = slice_of(g->id, 16);
    struct store_group_texts texts;
    int r;

    if ((r = group_read_extensions(core, g, err)) != 0)
        return r;
    texts = (struct store_group_texts){text_of(g, ATTR_NAME), text_of(g, ATTR_DESCRIPTION),
                                       text_of(g, ATTR_IMAGE_URL), text_of(g, ATTR_APP_DATA)};
    if ((r = store_group_set_epoch(core->store, id, mls_group_epoch(g->mls), err)) != 0 ||
        (r = store_group_set_texts(core->store, id, &texts, err)) != 0)
        return r;
    return store_group_set_disappearing(core->store, id, group_attr_number(&g->ext.mutable_, ATTR_DISAPPEAR_FROM),
                                        group_attr_number(&g->ext.mutable_, ATTR_DISAPPEAR_IN), err);
}

int group_check_active(const struct group *g, struct err *err)
{
    if (mls_group_is_active(g->mls))
        return 0;
    return err_set(err, ERR_STATE, "%s", _("you are not in this conversation any more"));
}

int group_check_version(const char *paused_for, struct err *err)
{
    if (!paused_for)
        return 0;
    return err_set(err, ERR_PAUSED, _("this conversation wants version %s: update xmtui"), paused_for);
}

/* ---- members ---- */

int leaf_inbox(const struct mls_leaf *leaf, char inbox_id[65])
{
    if (leaf->credential_type != MLS_CREDENTIAL_BASIC)
        return ERR_MALFORMED;
    return credential_read(leaf->credential, inbox_id, NULL);
}

static int add_installation(struct group_member *m, struct slice key)
{
    uint8_t(*grown)[32] = xm_realloc(m->installations, m->n_installations + 1, sizeof *grown);

    if (!grown)
        return ERR_NOMEM;
    m->installations = grown;
    memcpy(grown[m->n_installations++], key.data, 32);
    return 0;
}

static int fill_leaves(const struct group *g, struct group_member *members, size_t n)
{
    char inbox[65];

    for (uint32_t i = 0; i < mls_group_leaf_count(g->mls); i++) {
        const struct mls_leaf *leaf = mls_group_leaf(g->mls, i);
        if (!leaf || leaf->signature_key.len != 32 || leaf_inbox(leaf, inbox) != 0)
            continue;
        for (size_t k = 0; k < n; k++)
            if (strcmp(members[k].inbox_id, inbox) == 0) {
                if (add_installation(&members[k], leaf->signature_key) != 0)
                    return ERR_NOMEM;
                break;
            }
    }
    return 0;
}

int group_members(struct core *core, struct group *g, struct group_member **out, size_t *n, struct err *err)
{
    struct group_member *members;
    size_t count;
    int r;

    if ((r = group_load_mls(core, g, err)) != 0 || (r = group_read_extensions(core, g, err)) != 0)
        return r;
    count = g->ext.membership.n_members;
    members = xm_calloc(count ? count : 1, sizeof *members);
    if (!members)
        return err_set(err, ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < count; i++) {
        const struct group_member_at *at = &g->ext.membership.members[i];
        strncpy(members[i].inbox_id, at->inbox_id, sizeof members[i].inbox_id - 1);
        members[i].sequence_id = at->sequence_id;
        members[i].level = inbox_list_has(&g->ext.mutable_.super_admins, at->inbox_id) ? MEMBER_SUPER_ADMIN
                           : inbox_list_has(&g->ext.mutable_.admins, at->inbox_id)     ? MEMBER_ADMIN
                                                                                       : MEMBER_PLAIN;
    }
    if (fill_leaves(g, members, count) != 0) {
        group_members_free(members, count);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    *out = members;
    *n = count;
    return 0;
}

void group_members_free(struct group_member *members, size_t n)
{
    for (size_t i = 0; members && i < n; i++)
        xm_free(members[i].installations);
    xm_free(members);
}

int group_debug(struct core *core, struct group *g, struct group_debug *out, struct err *err)
{
    struct slice authenticator;
    int64_t cursor = 0;
    int r;

    if ((r = group_load_mls(core, g, err)) != 0 ||
        (r = store_cursor_of_group(core->store, slice_of(g->id, 16), &cursor, err)) != 0)
        return r;
    *out = (struct group_debug){.epoch = mls_group_epoch(g->mls),
                                .leaves = mls_group_member_count(g->mls),
                                .cursor = (uint64_t)cursor};
    authenticator = mls_group_epoch_authenticator(g->mls);
    if (authenticator.len == sizeof out->epoch_authenticator)
        memcpy(out->epoch_authenticator, authenticator.data, authenticator.len);
    return 0;
}
