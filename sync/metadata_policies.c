/* Codec of the permissions extension, 0xff02: three kinds of policy with the same shape and different
 * numbers (groups.md 5.1), mapped to the one of sync/policy.h. */
#include "sync/metadata.h"

#include "base/alloc.h"
#include "base/err.h"
#include "proto/check.h"
#include "proto/xmtp_mls_message_contents.pb-c.h"
#include "sync/pb.h"

#include <string.h>

#define P(x) Xmtp__Mls__MessageContents__##x

/* Wire numbers by kind; 0 is no policy. */
static const enum policy_base from_wire_plain[] = {[1] = POLICY_ALLOW, POLICY_DENY, POLICY_ADMIN, POLICY_SUPER_ADMIN};
static const enum policy_base from_wire_roles[] = {[1] = POLICY_DENY, POLICY_ADMIN, POLICY_SUPER_ADMIN};

static int set_base(unsigned value, const enum policy_base *table, size_t n, struct policy *out)
{
    if (value == 0 || value >= n)
        return ERR_MALFORMED;
    *out = (struct policy){.base = table[value]};
    return 0;
}

static int start_parts(enum policy_base base, size_t n, struct policy *out)
{
    if (n == 0)
        return ERR_MALFORMED;
    *out = (struct policy){.base = base};
    out->parts = xm_calloc(n, sizeof *out->parts);
    return out->parts ? 0 : ERR_NOMEM;
}

/* One reader for each kind: the generated types differ in name only.  The pre-check has bounded the
 * depth. */
#define DEFINE_READ(name, Type, TYPE, table)                                                                        \
    static int name(const P(Type) * in, struct policy *out)                                                         \
    {                                                                                                               \
        size_t n = 0;                                                                                               \
        P(Type) **parts = NULL;                                                                                     \
        enum policy_base base = POLICY_ALL_OF;                                                                      \
        int r;                                                                                                      \
                                                                                                                    \
        if (!in)                                                                                                    \
            return ERR_MALFORMED;                                                                                   \
        switch (in->kind_case) {                                                                                    \
        case XMTP__MLS__MESSAGE_CONTENTS__##TYPE##__KIND_BASE_POLICY:                                               \
            return set_base((unsigned)in->base_policy, table, sizeof table / sizeof table[0], out);                 \
        case XMTP__MLS__MESSAGE_CONTENTS__##TYPE##__KIND_AND_CONDITION:                                             \
            n = in->and_condition->n_policies;                                                                      \
            parts = in->and_condition->policies;                                                                    \
            break;                                                                                                  \
        case XMTP__MLS__MESSAGE_CONTENTS__##TYPE##__KIND_ANY_CONDITION:                                             \
            base = POLICY_ANY_OF;                                                                                   \
            n = in->any_condition->n_policies;                                                                      \
            parts = in->any_condition->policies;                                                                    \
            break;                                                                                                  \
        default:                                                                                                    \
            return ERR_MALFORMED;                                                                                   \
        }                                                                                                           \
        if ((r = start_parts(base, n, out)) != 0)                                                                   \
            return r;                                                                                               \
        for (; out->n_parts < n; out->n_parts++)                                                                    \
            if ((r = name(parts[out->n_parts], &out->parts[out->n_parts])) != 0) {                                  \
                out->n_parts++; /* a part that failed half way has parts of its own */                              \
                return r;                                                                                           \
            }                                                                                                       \
        return 0;                                                                                                   \
    }
DEFINE_READ(read_membership, MembershipPolicy, MEMBERSHIP_POLICY, from_wire_plain)
DEFINE_READ(read_field, MetadataPolicy, METADATA_POLICY, from_wire_plain)
DEFINE_READ(read_roles, PermissionsUpdatePolicy, PERMISSIONS_UPDATE_POLICY, from_wire_roles)

static int read_fields(const P(PolicySet) * in, struct policy_set *out)
{
    int r;

    if (in->n_update_metadata_policy == 0)
        return 0;
    out->fields = xm_calloc(in->n_update_metadata_policy, sizeof *out->fields);
    if (!out->fields)
        return ERR_NOMEM;
    for (size_t i = 0; i < in->n_update_metadata_policy; i++) {
        const P(PolicySet__UpdateMetadataPolicyEntry) *entry = in->update_metadata_policy[i];
        const char *key = entry->key ? entry->key : "";
        struct field_policy *f = NULL;
        for (size_t k = 0; k < out->n_fields; k++) /* of doubles in a map the last counts */
            if (strcmp(out->fields[k].field, key) == 0)
                f = &out->fields[k];
        if (f) {
            policy_free(&f->policy);
        } else {
            f = &out->fields[out->n_fields++];
            if (!(f->field = xm_strdup(key)))
                return ERR_NOMEM;
        }
        if ((r = read_field(entry->value, &f->policy)) != 0)
            return r;
    }
    return 0;
}

int group_permissions_decode(struct slice ext, struct policy_set *out, struct err *err)
{
    P(GroupMutablePermissionsV1) *msg = NULL;
    struct proto_limits limits = proto_limits_default;
    struct proto_arena arena = PROTO_ARENA_INIT;
    const P(PolicySet) * in;
    struct policy_set set = {0};
    int r;

    limits.allow_nul = true; /* libxmtp reads it, and all members must agree */
    if ((r = proto_unpack_within(&xmtp__mls__message_contents__group_mutable_permissions_v1__descriptor, ext,
                                 &limits, &arena, &msg, err)) != 0) {
        proto_arena_free(&arena);
        return err_wrap(err, r, "group permissions");
    }
    in = msg->policies;
    if (!in)
        r = ERR_MALFORMED;
    else if ((r = read_membership(in->add_member_policy, &set.add_member)) == 0 &&
             (r = read_membership(in->remove_member_policy, &set.remove_member)) == 0 &&
             (r = read_roles(in->add_admin_policy, &set.add_admin)) == 0 &&
             (r = read_roles(in->remove_admin_policy, &set.remove_admin)) == 0 &&
             (r = read_roles(in->update_permissions_policy, &set.update_permissions)) == 0)
        r = read_fields(in, &set);
    proto_arena_free(&arena);
    if (r != 0) {
        policy_set_free(&set);
        return err_set(err, r,
                       r == ERR_NOMEM ? "out of memory" : "group permissions lack a policy or have an unknown one");
    }
    *out = set;
    return 0;
}

/* ---- writing ---- */

static uint64_t to_wire(enum policy_base base, bool roles)
{
    switch (base) {
    case POLICY_ALLOW:
        return roles ? 3 : 1; /* for roles "allow" does not exist: the narrowest stands in */
    case POLICY_DENY:
        return roles ? 1 : 2;
    case POLICY_ADMIN:
        return roles ? 2 : 3;
    default:
        return roles ? 3 : 4;
    }
}

static void put_policy(struct buf *b, unsigned field, const struct policy *p, bool roles)
{
    struct buf body = BUF_INIT, parts = BUF_INIT;

    if (p->base == POLICY_ALL_OF || p->base == POLICY_ANY_OF) {
        for (size_t i = 0; i < p->n_parts; i++)
            put_policy(&parts, 1, &p->parts[i], roles);
        pb_put_part(&body, p->base == POLICY_ALL_OF ? 2 : 3, &parts);
    } else {
        wire_put_u64(&body, 1, to_wire(p->base, roles));
    }
    pb_put_part(b, field, &body);
    buf_free(&body);
    buf_free(&parts);
}

void group_permissions_encode(const struct policy_set *in, struct buf *out)
{
    struct buf set = BUF_INIT;

    put_policy(&set, 1, &in->add_member, false);
    put_policy(&set, 2, &in->remove_member, false);
    for (size_t i = 0; i < in->n_fields; i++) {
        struct buf entry = BUF_INIT;
        pb_put_text(&entry, 1, in->fields[i].field);
        put_policy(&entry, 2, &in->fields[i].policy, false);
        pb_put_part(&set, 3, &entry);
        buf_free(&entry);
    }
    put_policy(&set, 4, &in->add_admin, true);
    put_policy(&set, 5, &in->remove_admin, true);
    put_policy(&set, 6, &in->update_permissions, true);
    pb_put_part(out, 1, &set);
    buf_free(&set);
}
