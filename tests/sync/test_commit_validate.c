/* Each rule of what makes a commit valid, broken alone; a commit that breaks none passes. */
#include "tests/test.h"

#include "base/err.h"
#include "sync/commit_validate.h"

#include <stdio.h>
#include <stdlib.h>

/* Inbox "aa…" is super admin, "bb…" admin, "cc…" plain.  Each has one installation, whose id is its
 * letter repeated; its second has the letter plus one, and appears at sequence id 20. */
static char inbox_a[65], inbox_b[65], inbox_c[65], inbox_d[65];

struct attempt {
    struct group_extensions old;
    struct group_mutable mutable_;
    struct group_membership membership;
    struct policy_set policies;
    struct buf old_mutable_raw, mutable_raw, membership_raw, permissions_raw;
    uint8_t added[4][32], removed[4][32];
    struct installation updated;
    struct commit_view view;
    struct commit_outcome outcome;
    char min_version[64];
};

static void id_of(char letter, uint8_t id[32])
{
    memset(id, letter, 32);
}

/* ---- what the identity logs say ---- */

static int fake_diff(void *ctx, const char *inbox, uint64_t from, uint64_t to, struct installation_set *added,
                     struct installation_set *removed, struct err *err)
{
    uint8_t one[32], two[32];

    (void)ctx;
    if (from == 99 || to == 99)
        return err_set(err, ERR_OFFLINE, "not now");
    id_of(inbox[0], one);
    id_of((char)(inbox[0] + 16), two);
    if (from == 0 && to != 0)
        installation_set_add(added, one, inbox);
    if (from < 20 && to >= 20)
        installation_set_add(added, two, inbox);
    if (to == 30 || to == 0)
        installation_set_add(removed, one, inbox); /* revoked at 30, or the whole inbox goes */
    return 0;
}

static int fake_has(void *ctx, const char *inbox, uint64_t at, const uint8_t id[32], bool *has, struct err *err)
{
    (void)ctx;
    (void)err;
    *has = (id[0] == (uint8_t)inbox[0] && at != 30) || (id[0] == (uint8_t)(inbox[0] + 16) && at >= 20);
    return 0;
}

static bool fake_leaf(void *ctx, const uint8_t id[32])
{
    (void)ctx;
    return id[0] == 'z';
}

static const struct commit_lookups lookups = {NULL, fake_diff, fake_has, fake_leaf};

/* ---- a commit that changes nothing, by the super admin ---- */

static void attempt_init(struct attempt *t, enum conversation_type type)
{
    bool dm = type == CONVERSATION_DM;

    memset(t, 0, sizeof *t);
    t->old.immutable.type = type;
    if (dm) {
        t->old.immutable.dm_one = strdup(inbox_a);
        t->old.immutable.dm_two = strdup(inbox_b);
    } else {
        inbox_list_add(&t->old.mutable_.super_admins, inbox_a);
        inbox_list_add(&t->old.mutable_.admins, inbox_b);
        group_membership_set(&t->old.membership, inbox_b, 10);
        group_membership_set(&t->old.membership, inbox_c, 10);
    }
    group_attr_set(&t->old.mutable_, "group_name", "old");
    group_membership_set(&t->old.membership, inbox_a, 10);
    policy_set_preset(dm ? PRESET_DM : PRESET_ALL_MEMBERS, &t->old.policies);
    policy_set_preset(dm ? PRESET_DM : PRESET_ALL_MEMBERS, &t->policies);
    group_mutable_dup(&t->old.mutable_, &t->mutable_);
    group_membership_dup(&t->old.membership, &t->membership);
    t->view.one_member_sends_all = t->view.path_key_is_senders = true;
    t->view.actor_inbox_id = inbox_a;
    id_of('a', t->view.actor_installation);
}

static void act_as(struct attempt *t, const char *inbox)
{
    t->view.actor_inbox_id = inbox;
    id_of(inbox[0], t->view.actor_installation);
}

static int judge(struct attempt *t)
{
    struct err err = {0};
    int r;

    group_mutable_encode(&t->old.mutable_, &t->old_mutable_raw);
    if (t->mutable_raw.len == 0)
        group_mutable_encode(&t->mutable_, &t->mutable_raw);
    if (t->membership_raw.len == 0)
        group_membership_encode(&t->membership, &t->membership_raw);
    if (t->permissions_raw.len == 0)
        group_permissions_encode(&t->policies, &t->permissions_raw);
    t->view.old = &t->old;
    t->view.old_mutable_raw = buf_slice(&t->old_mutable_raw);
    t->view.new_mutable_raw = buf_slice(&t->mutable_raw);
    t->view.new_membership_raw = buf_slice(&t->membership_raw);
    t->view.new_permissions_raw = buf_slice(&t->permissions_raw);
    t->view.added = (const uint8_t(*)[32])t->added;
    t->view.removed = (const uint8_t(*)[32])t->removed;
    t->view.updated = &t->updated;
    r = commit_validate(&t->view, &lookups, &t->outcome, t->min_version, &err);
    if (r != 0)
        assert_true(err.text[0] != 0);
    return r;
}

static void attempt_free(struct attempt *t)
{
    struct buf *raws[] = {&t->old_mutable_raw, &t->mutable_raw, &t->membership_raw, &t->permissions_raw};

    for (size_t i = 0; i < 4; i++)
        buf_free(raws[i]);
    group_extensions_free(&t->old);
    group_mutable_free(&t->mutable_);
    group_membership_free(&t->membership);
    policy_set_free(&t->policies);
    commit_outcome_free(&t->outcome);
}

/* ---- the table ---- */

static void add(struct attempt *t, char letter)
{
    id_of(letter, t->added[t->view.n_added++]);
}

static void take_out(struct attempt *t, char letter)
{
    id_of(letter, t->removed[t->view.n_removed++]);
}

static void nothing(struct attempt *t)
{
    (void)t;
}
static void no_super_list(struct attempt *t)
{
    buf_put(&t->mutable_raw, "\x12\x00", 2);
}
static void no_policies(struct attempt *t)
{
    buf_put(&t->permissions_raw, "\x0a\x00", 2);
}
static void long_name(struct attempt *t)
{
    char name[102];
    memset(name, 'x', 101);
    name[101] = 0;
    group_attr_set(&t->mutable_, "group_name", name);
}
/* The attribute as it comes, since a C string cannot hold it: 99 bytes and a NUL, or one byte more. */
static void name_with_nul(struct attempt *t, unsigned len)
{
    struct group_mutable bare = {0};
    struct buf entry = BUF_INIT;

    group_mutable_dup(&t->mutable_, &bare);
    for (size_t i = 0; i < bare.n_attrs; i++) {
        free(bare.attrs[i].key);
        free(bare.attrs[i].value);
    }
    bare.n_attrs = 0;
    buf_put_str(&entry, "\x0a\x0agroup_name\x12");
    buf_put_u8(&entry, (uint8_t)len);
    for (unsigned i = 1; i < len; i++)
        buf_put_u8(&entry, 'x');
    buf_put_u8(&entry, 0);
    buf_put_u8(&t->mutable_raw, 0x0a);
    buf_put_u8(&t->mutable_raw, (uint8_t)entry.len);
    buf_put_slice(&t->mutable_raw, buf_slice(&entry));
    group_mutable_encode(&bare, &t->mutable_raw);
    group_mutable_free(&bare);
    buf_free(&entry);
}
static void name_with_nul_fits(struct attempt *t)
{
    name_with_nul(t, 100);
}
static void name_with_nul_too_long(struct attempt *t)
{
    name_with_nul(t, 101);
}
/* One more in the list of admins: an admin's inbox id, a NUL, and something. */
static void admin_up_to_a_nul(struct attempt *t)
{
    struct group_mutable some = {0};

    act_as(t, inbox_c);
    group_mutable_dup(&t->mutable_, &some);
    inbox_list_remove(&some.admins, inbox_b);
    group_mutable_encode(&some, &t->mutable_raw);
    /* Its empty list of admins is replaced by one of two. */
    for (size_t at = 0; at + 1 < t->mutable_raw.len; at++)
        if (memcmp(t->mutable_raw.data + at, "\x12\x00\x1a", 3) == 0) {
            struct buf whole = BUF_INIT;

            buf_put(&whole, t->mutable_raw.data, at);
            buf_put(&whole, "\x12\x86\x01\x0a\x40", 5);
            buf_put_str(&whole, inbox_b);
            buf_put(&whole, "\x0a\x42", 2);
            buf_put_str(&whole, inbox_b);
            buf_put(&whole, "\0x", 2);
            buf_put(&whole, t->mutable_raw.data + at + 2, t->mutable_raw.len - at - 2);
            buf_free(&t->mutable_raw);
            t->mutable_raw = whole;
            break;
        }
    group_mutable_free(&some);
}
static void longest_name(struct attempt *t)
{
    char name[101];
    memset(name, 'x', 100);
    name[100] = 0;
    group_attr_set(&t->mutable_, "group_name", name);
}
static void two_senders(struct attempt *t)
{
    t->view.one_member_sends_all = false;
}
static void foreign_path_key(struct attempt *t)
{
    t->view.path_key_is_senders = false;
}
static void psk(struct attempt *t)
{
    t->view.has_psk = true;
}
static void backwards(struct attempt *t)
{
    group_membership_set(&t->membership, inbox_c, 9);
}
static void bump(struct attempt *t)
{
    group_membership_set(&t->membership, inbox_c, 12);
}
static void bump_with_device(struct attempt *t)
{
    group_membership_set(&t->membership, inbox_c, 20);
    add(t, 'c' + 16);
}
static void bump_without_device(struct attempt *t)
{
    group_membership_set(&t->membership, inbox_c, 20); /* an add may be missing */
}
static void unexpected_add(struct attempt *t)
{
    add(t, 'q');
}
static void add_of_a_leaf(struct attempt *t)
{
    add(t, 'z');
}
static void bump_to_revocation(struct attempt *t)
{
    group_membership_set(&t->membership, inbox_c, 30);
    add(t, 'c' + 16);
    take_out(t, 'c');
}
static void revocation_left_in(struct attempt *t)
{
    group_membership_set(&t->membership, inbox_c, 30);
    add(t, 'c' + 16);
}
static void revocation_of_a_failed_one(struct attempt *t)
{
    uint8_t id[32];
    id_of('c', id);
    revocation_left_in(t);
    group_membership_add_failed(&t->membership, id);
}
static void unexpected_removal(struct attempt *t)
{
    take_out(t, 'c');
}
static void readd(struct attempt *t)
{
    take_out(t, 'c');
    add(t, 'c');
}
static void readd_that_failed(struct attempt *t)
{
    uint8_t id[32];
    id_of('c', id);
    take_out(t, 'c');
    group_membership_add_failed(&t->membership, id);
}
static void readd_by_admin(struct attempt *t)
{
    act_as(t, inbox_b);
    readd(t);
}
static void stranger_acts(struct attempt *t)
{
    id_of('x', t->view.actor_installation);
}
static void actor_not_member(struct attempt *t)
{
    act_as(t, inbox_d);
}
static void actor_with_a_long_name(struct attempt *t)
{
    static char name[200];
    memset(name, 'a', sizeof name - 1);
    t->view.actor_inbox_id = name;
}
static void actor_at_zero(struct attempt *t)
{
    group_membership_free(&t->old.membership);
    group_membership_set(&t->old.membership, inbox_a, 0);
    group_membership_free(&t->membership);
    group_membership_set(&t->membership, inbox_a, 0);
}
static void update_by_stranger(struct attempt *t)
{
    strcpy(t->updated.inbox_id, inbox_c);
    id_of('x', t->updated.id);
    t->view.n_updated = 1;
}
static void log_unknown(struct attempt *t)
{
    group_membership_set(&t->membership, inbox_c, 99);
}
static void add_inbox(struct attempt *t)
{
    group_membership_set(&t->membership, inbox_d, 10);
    add(t, 'd');
}
static void add_inbox_as_plain(struct attempt *t)
{
    act_as(t, inbox_c);
    add_inbox(t);
}
static void add_inbox_denied(struct attempt *t)
{
    t->old.policies.add_member.base = t->policies.add_member.base = POLICY_ADMIN;
    add_inbox_as_plain(t);
}
static void remove_inbox(struct attempt *t)
{
    group_membership_drop(&t->membership, inbox_c);
    take_out(t, 'c');
}
static void remove_inbox_as_plain(struct attempt *t)
{
    act_as(t, inbox_c);
    group_membership_drop(&t->membership, inbox_b);
    take_out(t, 'b');
}
static void remove_super_admin(struct attempt *t)
{
    act_as(t, inbox_b);
    group_membership_drop(&t->membership, inbox_a);
    take_out(t, 'a');
}
static void rename_as_plain(struct attempt *t)
{
    act_as(t, inbox_c);
    group_attr_set(&t->mutable_, "group_name", "new");
}
static void disappear_as_plain(struct attempt *t)
{
    act_as(t, inbox_c);
    group_attr_set(&t->mutable_, "message_disappear_in_ns", "5");
}
static void signer_as_admin(struct attempt *t)
{
    act_as(t, inbox_b);
    group_attr_set(&t->mutable_, "_commit_log_signer", "x");
}
static void make_admin_as_admin(struct attempt *t)
{
    act_as(t, inbox_b);
    inbox_list_add(&t->mutable_.admins, inbox_c);
}
static void make_admin(struct attempt *t)
{
    inbox_list_add(&t->mutable_.admins, inbox_c);
}
static void unmake_admin_as_plain(struct attempt *t)
{
    act_as(t, inbox_c);
    inbox_list_remove(&t->mutable_.admins, inbox_b);
}
static void make_super_as_admin(struct attempt *t)
{
    act_as(t, inbox_b);
    inbox_list_add(&t->mutable_.super_admins, inbox_b);
}
static void last_super_goes(struct attempt *t)
{
    inbox_list_remove(&t->mutable_.super_admins, inbox_a);
}
static void super_hands_over(struct attempt *t)
{
    inbox_list_remove(&t->mutable_.super_admins, inbox_a);
    inbox_list_add(&t->mutable_.super_admins, inbox_b);
}
static void permissions_as_admin(struct attempt *t)
{
    act_as(t, inbox_b);
    t->policies.add_member.base = POLICY_DENY;
}
static void permissions_as_super(struct attempt *t)
{
    t->policies.add_member.base = POLICY_DENY;
}
static void newer_version(struct attempt *t)
{
    group_attr_set(&t->mutable_, "minimum_supported_protocol_version", "99.0.0");
}
static void older_version(struct attempt *t)
{
    group_attr_set(&t->mutable_, "minimum_supported_protocol_version", "1.6.0");
}
static void odd_version(struct attempt *t)
{
    group_attr_set(&t->mutable_, "minimum_supported_protocol_version", "soon");
}
static void much_older_version(struct attempt *t)
{
    char version[200] = "1.6.0-";

    memset(version + 6, 'x', sizeof version - 7);
    group_attr_set(&t->mutable_, "minimum_supported_protocol_version", version);
}
static void newer_and_denied(struct attempt *t)
{
    newer_version(t);
    unexpected_add(t);
}

static void no_name(struct attempt *t)
{
    t->mutable_raw.len = 0;
    group_mutable_free(&t->mutable_);
    inbox_list_add(&t->mutable_.super_admins, inbox_a);
    inbox_list_add(&t->mutable_.admins, inbox_b);
}
static void disappearing_taken_away(struct attempt *t)
{
    act_as(t, inbox_c);
    group_attr_set(&t->old.mutable_, "message_disappear_in_ns", "5");
}
static void failed_one_removed(struct attempt *t)
{
    act_as(t, inbox_b); /* who may not add again */
    revocation_of_a_failed_one(t);
    take_out(t, 'c');
}
static void unmake_admin(struct attempt *t)
{
    inbox_list_remove(&t->mutable_.admins, inbox_b);
}
static void make_admin_permitted(struct attempt *t)
{
    t->old.policies.add_admin.base = t->policies.add_admin.base = POLICY_ADMIN;
    make_admin_as_admin(t);
}
static void unmake_admin_permitted(struct attempt *t)
{
    act_as(t, inbox_b);
    t->old.policies.remove_admin.base = t->policies.remove_admin.base = POLICY_ADMIN;
    inbox_list_remove(&t->mutable_.admins, inbox_b);
}
/* libxmtp looks at the pair alone, whatever type the group says it has. */
static void dm_pair_in_a_group(struct attempt *t)
{
    t->old.immutable.dm_one = strdup(inbox_a);
    t->old.immutable.dm_two = strdup(inbox_d);
    t->old.policies.add_member.base = t->policies.add_member.base = POLICY_DENY;
    add_inbox_as_plain(t);
}
static void not_of_the_pair(struct attempt *t)
{
    t->old.immutable.dm_one = strdup(inbox_a);
    t->old.immutable.dm_two = strdup(inbox_b);
    t->old.policies.add_member.base = t->policies.add_member.base = POLICY_DENY;
    add_inbox_as_plain(t);
}

static void super_joins(struct attempt *t)
{
    inbox_list_add(&t->mutable_.super_admins, inbox_c);
}
static void super_goes(struct attempt *t)
{
    inbox_list_add(&t->old.mutable_.super_admins, inbox_c);
}
static void version_as_before(struct attempt *t)
{
    older_version(t);
    group_attr_set(&t->old.mutable_, "minimum_supported_protocol_version", "1.6.0");
}

struct row {
    const char *name;
    void (*change)(struct attempt *t);
    int verdict;
};

static const struct row groups[] = {
    {"nothing", nothing, 0},
    {"mutable metadata without the super admins", no_super_list, ERR_MALFORMED},
    {"permissions without policies", no_policies, ERR_MALFORMED},
    {"a name of 101 bytes", long_name, ERR_TOOBIG},
    {"a name of 100 bytes", longest_name, 0},
    {"a name of 100 bytes, one of them a NUL", name_with_nul_fits, 0},
    {"a name of 101 bytes, one of them a NUL", name_with_nul_too_long, ERR_TOOBIG},
    {"an admin by anybody, who is one up to a NUL", admin_up_to_a_nul, ERR_DENIED},
    {"proposals of two senders", two_senders, ERR_DENIED},
    {"a path under another key", foreign_path_key, ERR_DENIED},
    {"a pre-shared key", psk, ERR_DENIED},
    {"a sequence id that goes back", backwards, ERR_DENIED},
    {"a sequence id that goes on", bump, 0},
    {"a new device", bump_with_device, 0},
    {"a new device left out", bump_without_device, 0},
    {"an installation of nobody", unexpected_add, ERR_DENIED},
    {"an installation that has a leaf", add_of_a_leaf, 0},
    {"a revoked device goes", bump_to_revocation, 0},
    {"a revoked device stays", revocation_left_in, ERR_DENIED},
    {"a revoked device that never had a leaf", revocation_of_a_failed_one, 0},
    {"a device goes for no reason", unexpected_removal, ERR_DENIED},
    {"a super admin adds a device again", readd, 0},
    {"a super admin fails to add a device again", readd_that_failed, 0},
    {"an admin adds a device again", readd_by_admin, ERR_DENIED},
    {"an installation that is not the inbox's", stranger_acts, ERR_DENIED},
    {"an inbox that is no member", actor_not_member, ERR_DENIED},
    {"an inbox id of 199 characters", actor_with_a_long_name, ERR_MALFORMED},
    {"an actor at sequence id 0", actor_at_zero, ERR_DENIED},
    {"an update by an installation of nobody", update_by_stranger, ERR_DENIED},
    {"a log that cannot be read now", log_unknown, ERR_OFFLINE},
    {"an inbox is added", add_inbox, 0},
    {"an inbox is added by anybody", add_inbox_as_plain, 0},
    {"an inbox is added where only admins may", add_inbox_denied, ERR_DENIED},
    {"an inbox is removed", remove_inbox, 0},
    {"an inbox is removed by anybody", remove_inbox_as_plain, ERR_DENIED},
    {"a super admin is removed", remove_super_admin, ERR_DENIED},
    {"a new name by anybody", rename_as_plain, 0},
    {"disappearing messages by anybody", disappear_as_plain, ERR_DENIED},
    {"an underscored attribute by an admin", signer_as_admin, ERR_DENIED},
    {"an admin made by an admin", make_admin_as_admin, ERR_DENIED},
    {"an admin made by a super admin", make_admin, 0},
    {"an admin unmade by anybody", unmake_admin_as_plain, ERR_DENIED},
    {"a super admin made by an admin", make_super_as_admin, ERR_DENIED},
    {"the last super admin goes", last_super_goes, ERR_DENIED},
    {"a super admin hands over", super_hands_over, 0},
    {"permissions by an admin", permissions_as_admin, ERR_DENIED},
    {"permissions by a super admin", permissions_as_super, 0},
    {"a newer version is wanted", newer_version, ERR_PAUSED},
    {"an older version is wanted", older_version, 0},
    {"an older version with a long suffix", much_older_version, 0},
    {"a version that is none", odd_version, ERR_MALFORMED},
    {"the name is taken away", no_name, 0},
    {"disappearing messages are taken away by anybody", disappearing_taken_away, ERR_DENIED},
    {"a device goes that never had a leaf", failed_one_removed, ERR_DENIED},
    {"an admin is unmade by a super admin", unmake_admin, 0},
    {"an admin makes an admin where admins may", make_admin_permitted, 0},
    {"an admin unmakes an admin where admins may", unmake_admin_permitted, 0},
    {"the pair of a DM, in a group that nobody may add to", dm_pair_in_a_group, 0},
    {"somebody else than the pair there", not_of_the_pair, ERR_DENIED},
    {"a newer version, and not allowed besides", newer_and_denied, ERR_DENIED},
};

static void add_the_other(struct attempt *t)
{
    group_membership_set(&t->membership, inbox_b, 10);
    add(t, 'b');
}
static void add_a_third(struct attempt *t)
{
    group_membership_set(&t->membership, inbox_c, 10);
    add(t, 'c');
}
static void add_two(struct attempt *t)
{
    add_the_other(t);
    add_a_third(t);
}
static void own_permissions(struct attempt *t)
{
    t->policies.add_member.base = POLICY_ALLOW;
}
static void rename_dm(struct attempt *t)
{
    group_attr_set(&t->mutable_, "group_name", "new");
}
static void new_field_in_dm(struct attempt *t)
{
    group_attr_set(&t->mutable_, "anything", "new");
}

static void the_second_of_the_pair(struct attempt *t)
{
    free(t->old.immutable.dm_one);
    free(t->old.immutable.dm_two);
    t->old.immutable.dm_one = strdup(inbox_b);
    t->old.immutable.dm_two = strdup(inbox_a);
    add_the_other(t);
}
static void no_pair(struct attempt *t)
{
    free(t->old.immutable.dm_one);
    free(t->old.immutable.dm_two);
    t->old.immutable.dm_one = t->old.immutable.dm_two = NULL;
    add_the_other(t);
}
/* The exception is for the other half: nobody lets himself in. */
static void comes_by_itself(struct attempt *t)
{
    act_as(t, inbox_b);
    add_the_other(t);
}

static const struct row dms[] = {
    {"the other half comes, named first", the_second_of_the_pair, 0},
    {"somebody comes where no pair is named", no_pair, ERR_DENIED},
    {"the other half comes by itself", comes_by_itself, ERR_DENIED},
    {"the other half comes", add_the_other, 0},
    {"a third comes", add_a_third, ERR_DENIED},
    {"two come", add_two, ERR_DENIED},
    {"the permissions change", own_permissions, ERR_DENIED},
    {"the name changes", rename_dm, 0},
    {"an attribute without an entry changes", new_field_in_dm, ERR_DENIED},
};

static void run(const struct row *rows, size_t n, enum conversation_type type)
{
    for (size_t i = 0; i < n; i++) {
        struct attempt t;
        int verdict;

        attempt_init(&t, type);
        rows[i].change(&t);
        verdict = judge(&t);
        if (verdict != rows[i].verdict)
            fail_msg("%s: %d instead of %d", rows[i].name, verdict, rows[i].verdict);
        attempt_free(&t);
    }
}

static void each_rule_of_a_group_decides_alone(void **state)
{
    (void)state;
    run(groups, sizeof groups / sizeof groups[0], CONVERSATION_GROUP);
}

static void a_dm_takes_its_other_half_and_nothing_else(void **state)
{
    (void)state;
    run(dms, sizeof dms / sizeof dms[0], CONVERSATION_DM);
}

static void the_outcome_tells_what_changed(void **state)
{
    struct attempt t;

    (void)state;
    attempt_init(&t, CONVERSATION_GROUP);
    add_inbox(&t);
    group_attr_set(&t.mutable_, "group_name", "new");
    super_hands_over(&t);
    assert_int_equal(judge(&t), 0);
    assert_string_equal(t.outcome.actor_inbox_id, inbox_a);
    assert_int_equal(t.outcome.added.n, 1);
    assert_string_equal(t.outcome.added.ids[0], inbox_d);
    assert_int_equal(t.outcome.n_fields, 1);
    assert_string_equal(t.outcome.fields[0].field, "group_name");
    assert_string_equal(t.outcome.fields[0].old_value, "old");
    assert_string_equal(t.outcome.fields[0].new_value, "new");
    assert_int_equal(t.outcome.super_admins_added.n, 1);
    assert_int_equal(t.outcome.super_admins_removed.n, 1);
    assert_true(commit_outcome_is_visible(&t.outcome));
    attempt_free(&t);
    attempt_init(&t, CONVERSATION_GROUP);
    bump(&t);
    assert_int_equal(judge(&t), 0);
    assert_false(commit_outcome_is_visible(&t.outcome));
    attempt_free(&t);
    attempt_init(&t, CONVERSATION_GROUP);
    newer_version(&t);
    assert_int_equal(judge(&t), ERR_PAUSED);
    assert_string_equal(t.min_version, "99.0.0");
    attempt_free(&t);
}

/* Each change alone is something to tell; a change that people do not see is none. */
static void a_change_that_people_see_is_told(void **state)
{
    static const struct {
        void (*change)(struct attempt *t);
        bool visible;
    } rows[] = {{add_inbox, true},      {remove_inbox, true},     {rename_as_plain, true}, {no_name, true},
                {make_admin, true},     {unmake_admin, true},     {super_joins, true},     {super_goes, true},
                {older_version, true},  {version_as_before, true}, {nothing, false},        {readd, false},
                {bump_with_device, false}, {permissions_as_super, false}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct attempt t;

        attempt_init(&t, CONVERSATION_GROUP);
        rows[i].change(&t);
        assert_int_equal(judge(&t), 0);
        if (commit_outcome_is_visible(&t.outcome) != rows[i].visible)
            fail_msg("row %zu", i);
        attempt_free(&t);
    }
}

static void versions_are_ordered_as_libxmtp_1_10_does(void **state)
{
    int cmp;

    (void)state;
    assert_int_equal(version_compare("1.2.3", "1.2.3", &cmp), 0);
    assert_int_equal(cmp, 0);
    assert_int_equal(version_compare("1.9.9", "1.10.0", &cmp), 0);
    assert_true(cmp < 0);
    assert_int_equal(version_compare("1.11.0-dev", "1.11.0", &cmp), 0);
    assert_true(cmp > 0); /* a suffix stands above none */
    assert_int_equal(version_compare("1.2", "1.2.3", &cmp), ERR_MALFORMED);
    assert_int_equal(version_compare("1.2.3x", "1.2.3", &cmp), ERR_MALFORMED);
    assert_int_equal(version_compare("-1.2.3", "1.2.3", &cmp), ERR_MALFORMED);
    assert_int_equal(version_compare("1.11.0-", "1.11.0", &cmp), 0);
    assert_true(cmp > 0); /* even an empty one */
    assert_int_equal(version_compare("1.11.0-a-z", "1.11.0-a", &cmp), 0);
    assert_int_equal(cmp, 0); /* what is behind another hyphen does not count */
    assert_int_equal(version_compare("1.11.0-a", "1.11.0-aa", &cmp), 0);
    assert_true(cmp < 0);
    assert_int_equal(version_compare("+1.2.3", "1.02.3", &cmp), 0);
    assert_int_equal(cmp, 0);
    assert_int_equal(version_compare("1.4294967295.3", "1.2.3", &cmp), 0);
    assert_true(cmp > 0);
    assert_int_equal(version_compare("1.4294967296.3", "1.2.3", &cmp), ERR_MALFORMED);
    assert_int_equal(version_compare("1.18446744073709551617.3", "1.2.3", &cmp), ERR_MALFORMED);
    assert_int_equal(version_compare("1.2.3-rc.1", "1.2.3", &cmp), ERR_MALFORMED); /* four parts */
    assert_int_equal(version_compare("1..3", "1.2.3", &cmp), ERR_MALFORMED);
    assert_int_equal(version_compare("1.2.+", "1.2.3", &cmp), ERR_MALFORMED);
    assert_int_equal(version_compare("1.2.3.", "1.2.3", &cmp), ERR_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule_of_a_group_decides_alone),
        cmocka_unit_test(a_dm_takes_its_other_half_and_nothing_else),
        cmocka_unit_test(the_outcome_tells_what_changed),
        cmocka_unit_test(a_change_that_people_see_is_told),
        cmocka_unit_test(versions_are_ordered_as_libxmtp_1_10_does),
    };

    memset(inbox_a, 'a', 64);
    memset(inbox_b, 'b', 64);
    memset(inbox_c, 'c', 64);
    memset(inbox_d, 'd', 64);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
