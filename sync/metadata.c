/* Codecs of the XMTP extensions of a GroupContext.  Reading goes through proto/; writing is done here
 * field by field, with maps in the order that they were read, so that a change of one attribute
 * leaves the bytes of the others where they were. */
#include "sync/metadata.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/reader.h"
#include "proto/check.h"
#include "proto/xmtp_mls_message_contents.pb-c.h"
#include "sync/pb.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Nobody sends more; it bounds what one hostile commit can make us keep. */
#define EXT_MAX ((size_t)4 << 20)

/* Members, attributes, admins, failed installations: each list is searched one by one.  libxmtp stops
 * at 250 members of ten installations; forty times that still takes no time worth mentioning. */
#define LIST_MAX 10000

static bool too_many(size_t n, const char *what, struct err *err)
{
    if (n > LIST_MAX)
        err_set(err, ERR_TOOBIG, "%zu %s in a group", n, what);
    return n > LIST_MAX;
}

static int unpack(const ProtobufCMessageDescriptor *type, const char *what, struct slice bytes,
                  struct proto_arena *arena, void *out, struct err *err)
{
    struct proto_limits limits = proto_limits_default;
    int r;

    limits.allow_nul = true; /* libxmtp reads it, and all members must agree */
    if (bytes.len > EXT_MAX)
        return err_set(err, ERR_TOOBIG, "%s of %zu bytes", what, bytes.len);
    r = proto_unpack_within(type, bytes, &limits, arena, out, err);
    return r == 0 ? 0 : err_wrap(err, r, "%s", what);
}

/* Fields that our schema does not have, as they came. */
static int keep_unknown(const ProtobufCMessage *msg, struct bytes *out)
{
    struct buf b = BUF_INIT;

    for (unsigned i = 0; i < msg->n_unknown_fields; i++) {
        const ProtobufCMessageUnknownField *f = &msg->unknown_fields[i];
        wire_put_varint(&b, (uint64_t)f->tag << 3 | (uint64_t)f->wire_type);
        buf_put(&b, f->data, f->len);
    }
    if (b.len == 0)
        return 0;
    return buf_take(&b, out);
}

static char *dup_some(const char *text)
{
    return xm_strdup(text ? text : "");
}

/* ---- lists of inbox ids ---- */

bool inbox_list_has(const struct inbox_list *list, const char *inbox_id)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->ids[i], inbox_id) == 0)
            return true;
    return false;
}

static int list_append(struct inbox_list *list, const char *inbox_id)
{
    char **grown = xm_realloc(list->ids, list->n + 1, sizeof *grown);

    if (!grown)
        return ERR_NOMEM;
    list->ids = grown;
    grown[list->n] = xm_strdup(inbox_id);
    if (!grown[list->n])
        return ERR_NOMEM;
    list->n++;
    return 0;
}

int inbox_list_add(struct inbox_list *list, const char *inbox_id)
{
    return inbox_list_has(list, inbox_id) ? 0 : list_append(list, inbox_id);
}

void inbox_list_remove(struct inbox_list *list, const char *inbox_id)
{
    char *own = NULL;
    size_t kept = 0;

    for (size_t i = 0; i < list->n; i++) {
        if (list->ids[i] == inbox_id)
            own = list->ids[i]; /* compared until the end */
        else if (strcmp(list->ids[i], inbox_id) == 0)
            xm_free(list->ids[i]);
        else
            list->ids[kept++] = list->ids[i];
    }
    xm_free(own);
    list->n = kept;
}

void inbox_list_free(struct inbox_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        xm_free(list->ids[i]);
    xm_free(list->ids);
    *list = (struct inbox_list){0};
}

static int list_dup(const struct inbox_list *from, struct inbox_list *out)
{
    for (size_t i = 0; i < from->n; i++)
        if (list_append(out, from->ids[i]) != 0)
            return ERR_NOMEM;
    return 0;
}

/* ---- 0xf000 ---- */

static int immutable_fill(const Xmtp__Mls__MessageContents__GroupMetadataV1 *m, struct group_immutable *out)
{
    const Xmtp__Mls__MessageContents__DmMembers *dm = m->dm_members;

    int type = (int)m->conversation_type;

    out->type = type >= CONVERSATION_GROUP && type <= CONVERSATION_ONESHOT ? (enum conversation_type)type
                                                                           : CONVERSATION_UNKNOWN;
    if (!(out->creator_inbox_id = dup_some(m->creator_inbox_id)))
        return ERR_NOMEM;
    if (dm && dm->dm_member_one && dm->dm_member_two &&
        (!(out->dm_one = dup_some(dm->dm_member_one->inbox_id)) ||
         !(out->dm_two = dup_some(dm->dm_member_two->inbox_id))))
        return ERR_NOMEM;
    if (m->oneshot_message && m->oneshot_message->readd_request) {
        const Xmtp__Mls__MessageContents__ReaddRequest *readd = m->oneshot_message->readd_request;
        out->readd_sequence_id = readd->latest_commit_sequence_id;
        if (bytes_dup(slice_of(readd->group_id.data, readd->group_id.len), &out->readd_group_id) != 0)
            return ERR_NOMEM;
    }
    out->has_oneshot = m->oneshot_message != NULL;
    return 0;
}

int group_immutable_decode(struct slice ext, struct group_immutable *out, struct err *err)
{
    struct reader r = reader_of(ext);
    struct slice inner = read_vec(&r, EXT_MAX);
    Xmtp__Mls__MessageContents__GroupMetadataV1 *m = NULL;
    struct proto_arena arena = PROTO_ARENA_INIT;
    struct group_immutable im = {0};
    int rc;

    if (!reader_done(&r))
        return err_set(err, ERR_MALFORMED, "immutable metadata of %zu bytes has no length prefix that fits", ext.len);
    if ((rc = unpack(&xmtp__mls__message_contents__group_metadata_v1__descriptor, "immutable metadata", inner,
                     &arena, &m, err)) != 0)
        goto done;
    if ((rc = immutable_fill(m, &im)) != 0) {
        group_immutable_free(&im);
        err_set(err, rc, "out of memory");
        goto done;
    }
    *out = im;
done:
    proto_arena_free(&arena);
    return rc;
}

static void put_inbox(struct buf *b, unsigned field, const char *inbox_id)
{
    struct buf inbox = BUF_INIT;

    pb_put_string(&inbox, 1, inbox_id);
    pb_put_part(b, field, &inbox);
    buf_free(&inbox);
}

void group_immutable_encode(const struct group_immutable *in, struct buf *out)
{
    struct buf b = BUF_INIT, part = BUF_INIT, readd = BUF_INIT;

    wire_put_u64(&b, 1, (uint64_t)in->type);
    pb_put_string(&b, 3, in->creator_inbox_id);
    if (in->dm_one && in->dm_two) {
        put_inbox(&part, 1, in->dm_one);
        put_inbox(&part, 2, in->dm_two);
        pb_put_part(&b, 4, &part);
    }
    if (in->has_oneshot) {
        wire_put_bytes(&readd, 1, bytes_slice(&in->readd_group_id));
        wire_put_u64(&readd, 2, in->readd_sequence_id);
        pb_put_part(&part, 1, &readd);
        pb_put_part(&b, 5, &part);
    }
    if (!buf_ok(&b))
        out->bad = true;
    buf_put_vec(out, buf_slice(&b));
    buf_free(&b);
    buf_free(&part);
    buf_free(&readd);
}

void group_immutable_free(struct group_immutable *m)
{
    xm_free(m->creator_inbox_id);
    xm_free(m->dm_one);
    xm_free(m->dm_two);
    bytes_free(&m->readd_group_id);
    *m = (struct group_immutable){0};
}

/* ---- 0xff00 ---- */

static int read_inboxes(const Xmtp__Mls__MessageContents__Inboxes *in, struct inbox_list *out)
{
    for (size_t i = 0; i < in->n_inbox_ids; i++)
        if (list_append(out, in->inbox_ids[i]) != 0)
            return ERR_NOMEM;
    return 0;
}

int group_mutable_decode(struct slice ext, struct group_mutable *out, struct err *err)
{
    Xmtp__Mls__MessageContents__GroupMutableMetadataV1 *m = NULL;
    struct proto_arena arena = PROTO_ARENA_INIT;
    struct group_mutable mut = {0};
    int r;

    if ((r = unpack(&xmtp__mls__message_contents__group_mutable_metadata_v1__descriptor, "mutable metadata", ext,
                    &arena, &m, err)) != 0)
        goto done;
    if (!m->admin_list || !m->super_admin_list) {
        r = err_set(err, ERR_MALFORMED, "mutable metadata without its lists of admins");
        goto done;
    }
    if (too_many(m->n_attributes, "attributes", err) || too_many(m->admin_list->n_inbox_ids, "admins", err) ||
        too_many(m->super_admin_list->n_inbox_ids, "super admins", err)) {
        r = ERR_TOOBIG;
        goto done;
    }
    r = ERR_NOMEM;
    for (size_t i = 0; i < m->n_attributes; i++)
        if (group_attr_set(&mut, m->attributes[i]->key ? m->attributes[i]->key : "",
                           m->attributes[i]->value ? m->attributes[i]->value : "") != 0)
            goto done;
    if (read_inboxes(m->admin_list, &mut.admins) != 0 || read_inboxes(m->super_admin_list, &mut.super_admins) != 0 ||
        keep_unknown(&m->base, &mut.unknown) != 0)
        goto done;
    *out = mut;
    mut = (struct group_mutable){0};
    r = 0;
done:
    proto_arena_free(&arena);
    group_mutable_free(&mut);
    return r == ERR_NOMEM ? err_set(err, r, "out of memory") : r;
}

static void put_inboxes(struct buf *b, unsigned field, const struct inbox_list *list)
{
    struct buf ids = BUF_INIT;

    for (size_t i = 0; i < list->n; i++)
        pb_put_text(&ids, 1, list->ids[i]);
    pb_put_part(b, field, &ids); /* present even when empty: libxmtp insists */
    buf_free(&ids);
}

void group_mutable_encode(const struct group_mutable *in, struct buf *out)
{
    for (size_t i = 0; i < in->n_attrs; i++)
        pb_put_map_string(out, 1, in->attrs[i].key, in->attrs[i].value);
    put_inboxes(out, 2, &in->admins);
    put_inboxes(out, 3, &in->super_admins);
    buf_put_slice(out, bytes_slice(&in->unknown));
}

void group_mutable_free(struct group_mutable *m)
{
    for (size_t i = 0; i < m->n_attrs; i++) {
        xm_free(m->attrs[i].key);
        xm_free(m->attrs[i].value);
    }
    xm_free(m->attrs);
    inbox_list_free(&m->admins);
    inbox_list_free(&m->super_admins);
    bytes_free(&m->unknown);
    *m = (struct group_mutable){0};
}

int group_mutable_dup(const struct group_mutable *from, struct group_mutable *out)
{
    struct group_mutable copy = {0};

    for (size_t i = 0; i < from->n_attrs; i++)
        if (group_attr_set(&copy, from->attrs[i].key, from->attrs[i].value) != 0)
            goto fail;
    if (list_dup(&from->admins, &copy.admins) != 0 || list_dup(&from->super_admins, &copy.super_admins) != 0 ||
        (from->unknown.len > 0 && bytes_dup(bytes_slice(&from->unknown), &copy.unknown) != 0))
        goto fail;
    *out = copy;
    return 0;
fail:
    group_mutable_free(&copy);
    return ERR_NOMEM;
}

const char *group_attr_get(const struct group_mutable *m, const char *key)
{
    for (size_t i = 0; i < m->n_attrs; i++)
        if (strcmp(m->attrs[i].key, key) == 0)
            return m->attrs[i].value;
    return NULL;
}

int64_t group_attr_number(const struct group_mutable *m, const char *key)
{
    const char *text = group_attr_get(m, key), *digits = text;
    long long number;

    if (!text)
        return 0;
    digits += *text == '+' || *text == '-';
    if (!*digits || digits[strspn(digits, "0123456789")])
        return 0;
    errno = 0;
    number = strtoll(text, NULL, 10);
    return errno == 0 ? number : 0;
}

int group_attr_set(struct group_mutable *m, const char *key, const char *value)
{
    char *copy = xm_strdup(value), *name;
    struct group_attr *grown;

    if (!copy)
        return ERR_NOMEM;
    for (size_t i = 0; i < m->n_attrs; i++)
        if (strcmp(m->attrs[i].key, key) == 0) {
            xm_free(m->attrs[i].value);
            m->attrs[i].value = copy;
            return 0;
        }
    name = xm_strdup(key);
    grown = name ? xm_realloc(m->attrs, m->n_attrs + 1, sizeof *grown) : NULL;
    if (!grown) {
        xm_free(name);
        xm_free(copy);
        return ERR_NOMEM;
    }
    m->attrs = grown;
    grown[m->n_attrs++] = (struct group_attr){name, copy};
    return 0;
}

size_t group_attr_limit(const char *key)
{
    static const struct {
        const char *key;
        size_t limit;
    } limits[] = {
        {"group_name", 100}, {"description", 1000}, {"group_image_url_square", 2048}, {"app_data", 8192}};

    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
        if (strcmp(limits[i].key, key) == 0)
            return limits[i].limit;
    return 0;
}

/* ---- 0xff01 ---- */

int group_membership_decode(struct slice ext, struct group_membership *out, struct err *err)
{
    Xmtp__Mls__MessageContents__GroupMembership *m = NULL;
    struct proto_arena arena = PROTO_ARENA_INIT;
    struct group_membership ms = {0};
    int r;

    if ((r = unpack(&xmtp__mls__message_contents__group_membership__descriptor, "group membership", ext, &arena, &m,
                    err)) != 0)
        goto done;
    if (too_many(m->n_members, "members", err) ||
        too_many(m->n_failed_installations, "failed installations", err)) {
        r = ERR_TOOBIG;
        goto done;
    }
    r = ERR_NOMEM;
    for (size_t i = 0; i < m->n_members; i++)
        if (group_membership_set(&ms, m->members[i]->key ? m->members[i]->key : "", m->members[i]->value) != 0)
            goto done;
    for (size_t i = 0; i < m->n_failed_installations; i++)
        if (m->failed_installations[i].len == 32 &&
            group_membership_add_failed(&ms, m->failed_installations[i].data) != 0)
            goto done;
    if (keep_unknown(&m->base, &ms.unknown) != 0)
        goto done;
    *out = ms;
    ms = (struct group_membership){0};
    r = 0;
done:
    proto_arena_free(&arena);
    group_membership_free(&ms);
    return r == ERR_NOMEM ? err_set(err, r, "out of memory") : r;
}

void group_membership_encode(const struct group_membership *in, struct buf *out)
{
    for (size_t i = 0; i < in->n_members; i++) {
        struct buf entry = BUF_INIT;
        pb_put_text(&entry, 1, in->members[i].inbox_id);
        wire_put_u64(&entry, 2, in->members[i].sequence_id);
        pb_put_part(out, 1, &entry);
        buf_free(&entry);
    }
    for (size_t i = 0; i < in->n_failed; i++)
        wire_put_message(out, 2, slice_of(in->failed[i], 32));
    buf_put_slice(out, bytes_slice(&in->unknown));
}

void group_membership_free(struct group_membership *m)
{
    for (size_t i = 0; i < m->n_members; i++)
        xm_free(m->members[i].inbox_id);
    xm_free(m->members);
    xm_free(m->failed);
    bytes_free(&m->unknown);
    *m = (struct group_membership){0};
}

int group_membership_dup(const struct group_membership *from, struct group_membership *out)
{
    struct group_membership copy = {0};

    for (size_t i = 0; i < from->n_members; i++)
        if (group_membership_set(&copy, from->members[i].inbox_id, from->members[i].sequence_id) != 0)
            goto fail;
    for (size_t i = 0; i < from->n_failed; i++)
        if (group_membership_add_failed(&copy, from->failed[i]) != 0)
            goto fail;
    if (from->unknown.len > 0 && bytes_dup(bytes_slice(&from->unknown), &copy.unknown) != 0)
        goto fail;
    *out = copy;
    return 0;
fail:
    group_membership_free(&copy);
    return ERR_NOMEM;
}

const struct group_member_at *group_membership_find(const struct group_membership *m, const char *inbox_id)
{
    for (size_t i = 0; i < m->n_members; i++)
        if (strcmp(m->members[i].inbox_id, inbox_id) == 0)
            return &m->members[i];
    return NULL;
}

int group_membership_set(struct group_membership *m, const char *inbox_id, uint64_t sequence_id)
{
    struct group_member_at *at = (struct group_member_at *)group_membership_find(m, inbox_id);

    if (!at) {
        struct group_member_at *grown = xm_realloc(m->members, m->n_members + 1, sizeof *grown);
        if (!grown)
            return ERR_NOMEM;
        m->members = grown;
        at = &grown[m->n_members];
        at->inbox_id = xm_strdup(inbox_id);
        if (!at->inbox_id)
            return ERR_NOMEM;
        m->n_members++;
    }
    at->sequence_id = sequence_id;
    return 0;
}

void group_membership_drop(struct group_membership *m, const char *inbox_id)
{
    struct group_member_at *at = (struct group_member_at *)group_membership_find(m, inbox_id);

    if (!at)
        return;
    xm_free(at->inbox_id);
    m->n_members--;
    memmove(at, at + 1, (size_t)(&m->members[m->n_members] - at) * sizeof *at);
}

bool group_membership_failed(const struct group_membership *m, const uint8_t installation_id[32])
{
    for (size_t i = 0; i < m->n_failed; i++)
        if (memcmp(m->failed[i], installation_id, 32) == 0)
            return true;
    return false;
}

int group_membership_add_failed(struct group_membership *m, const uint8_t installation_id[32])
{
    uint8_t(*grown)[32];

    if (group_membership_failed(m, installation_id))
        return 0;
    grown = xm_realloc(m->failed, m->n_failed + 1, sizeof *grown);
    if (!grown)
        return ERR_NOMEM;
    m->failed = grown;
    memcpy(grown[m->n_failed++], installation_id, 32);
    return 0;
}

void group_extensions_free(struct group_extensions *e)
{
    group_immutable_free(&e->immutable);
    group_mutable_free(&e->mutable_);
    group_membership_free(&e->membership);
    policy_set_free(&e->policies);
    *e = (struct group_extensions){0};
}

void dm_id_of(const char *inbox_a, const char *inbox_b, char out[140])
{
    bool swap = strcmp(inbox_a, inbox_b) > 0;

    snprintf(out, 140, "dm:%.64s:%.64s", swap ? inbox_b : inbox_a, swap ? inbox_a : inbox_b);
}
