/* What a group has to be before we join it: its leaves are those of its members, a 1:1 chat is one, and a
 * preferences group is ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mls/mls.h"
#include "sync/group.h"
#include "sync/group_create.h"
#include "sync/inboxes.h"
#include "sync/welcome_check.h"
#include "sync/welcome_open.h"
#include "tests/sync/shorthand.h"

#include <stdlib.h>
#include <string.h>

/* ---- members ---- */

static void refused(struct peer *p, const struct group *g, const struct group_membership *m, const char *why)
{
    assert_int_equal(welcome_check_members(&p->core, g->mls, m, &err), ERR_DENIED);
    assert_string_equal(err.text, why);
}

static void members(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b, *a2, *c;
    const char *others[1];
    struct group_membership m = {0}, changed = {0};
    uint64_t first, a_now, c_now;
    struct group *g;
    uint8_t id[16];

    OK(inbox_latest(&a->core, a->core.self.inbox_id, &first, &err));
    a2 = world_installation(w, 1);
    b = world_installation(w, 2);
    c = world_installation(w, 3);
    others[0] = b->core.self.inbox_id;
    OK(group_create(&a->core, &(struct group_options){.name = "x"}, others, 1, id, &err));
    peer_sync(b);
    OK(group_open(&b->core, id, &g, &err));
    OK(group_read_extensions(&b->core, g, &err));
    OK(group_membership_dup(&g->ext.membership, &m));
    OK(welcome_check_members(&b->core, g->mls, &m, &err));
    a_now = group_membership_find(&m, a->core.self.inbox_id)->sequence_id;
    assert_true(a_now > first);

    /* A leaf whose inbox is not listed. */
    OK(group_membership_dup(&m, &changed));
    group_membership_drop(&changed, a->core.self.inbox_id);
    refused(b, g, &changed, "a leaf of somebody who is not listed");
    /* Two installations have leaves, and the inbox stands where it had the first alone. */
    OK(group_membership_set(&changed, a->core.self.inbox_id, first));
    refused(b, g, &changed, "a leaf that its inbox does not have");
    /* The placeholder of a group that nobody has committed to. */
    OK(group_membership_set(&changed, a->core.self.inbox_id, 0));
    refused(b, g, &changed, "a member stands at sequence id 0");
    /* A place that the log does not have. */
    OK(group_membership_set(&changed, a->core.self.inbox_id, a_now + 1000));
    assert_int_equal(welcome_check_members(&b->core, g->mls, &changed, &err), ERR_NOTFOUND);
    OK(group_membership_set(&changed, a->core.self.inbox_id, a_now));
    OK(welcome_check_members(&b->core, g->mls, &changed, &err));
    /* A member without a leaf, unless its installation could not be added. */
    OK(inbox_latest(&c->core, c->core.self.inbox_id, &c_now, &err));
    OK(group_membership_set(&changed, c->core.self.inbox_id, c_now));
    refused(b, g, &changed, "an installation of a member has no leaf");
    OK(group_membership_add_failed(&changed, c->core.self.installation_id));
    OK(welcome_check_members(&b->core, g->mls, &changed, &err));
    /* On the list and with a leaf: libxmtp takes nobody off it who is added later. */
    OK(group_membership_add_failed(&changed, a2->core.self.installation_id));
    OK(welcome_check_members(&b->core, g->mls, &changed, &err));
    /* Both are right for one another only. */
    group_membership_drop(&changed, c->core.self.inbox_id);
    OK(welcome_check_members(&b->core, g->mls, &changed, &err));
    group_membership_free(&m);
    group_membership_free(&changed);
    group_close(&b->core, g);
}

static void every_leaf_is_of_a_listed_member_and_every_member_has_its_leaves(void **state)
{
    world_run(*state, members);
}

/* ---- the outer form ---- */

static int open_form(struct peer *p, struct node_welcome_message w, uint64_t *cursor)
{
    struct opened_welcome opened = {0};
    int r = welcome_open(&p->core, &w, &opened, &err);

    if (r == 0) {
        *cursor = opened.message_cursor;
        mls_group_free(opened.mls);
    }
    return r;
}

static void forms(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b = world_installation(w, 2);
    struct bytes data = {0}, hpke = {0}, metadata = {0};
    struct node_welcome_message good, bad;
    struct buf longer = BUF_INIT;
    struct fake_message *ledger;
    uint64_t cursor, commit;
    uint8_t id[16], zeros[2000] = {0};
    size_t n;

    OK(dm_find_or_create(&a->core, b->core.self.inbox_id, id, NULL, &err));
    n = fake_node_messages(w->node, &ledger);
    commit = ledger[n - 1].id;
    fake_node_pop_welcome(w->node, &good, &data, &hpke, &metadata);
    good.kind = NODE_WELCOME_V1;
    good.data = bytes_slice(&data);
    good.hpke_public_key = bytes_slice(&hpke);
    good.metadata = bytes_slice(&metadata);
    for (uint32_t algorithm = 0; algorithm < 4; algorithm++) { /* 0 and 1 are X25519, the others are not offered */
        good.wrapper_algorithm = algorithm;
        assert_int_equal(open_form(b, good, &cursor), algorithm < 2 ? 0 : ERR_UNSUPPORTED);
        assert_int_equal(cursor, commit);
    }
    good.wrapper_algorithm = 1;
    bad = good;
    bad.kind = NODE_WELCOME_POINTER;
    assert_int_equal(open_form(b, bad, &cursor), ERR_UNSUPPORTED);
    assert_int_equal(open_form(a, good, &cursor), ERR_NOTFOUND); /* sealed for a key of somebody else */
    bad = good;
    buf_put_slice(&longer, good.data);
    buf_put_u8(&longer, 0);
    bad.data = buf_slice(&longer);
    assert_int_equal(open_form(b, bad, &cursor), ERR_MALFORMED);
    bad.data.len -= 2;
    assert_int_equal(open_form(b, bad, &cursor), ERR_MALFORMED);
    bad.data = slice_of("\x20" "01234567890123456789012345678901" "\x03" "abc", 37);
    assert_int_equal(open_form(b, bad, &cursor), ERR_MALFORMED); /* less than a tag */
    /* The metadata may be missing, spoilt or anything: the welcome counts. */
    bad = good;
    bad.metadata.len = 0;
    assert_int_equal(open_form(b, bad, &cursor), 0);
    assert_int_equal(cursor, 0);
    for (size_t len = 1; len <= sizeof zeros; len += len < 20 ? 1 : 1980) {
        bad.metadata = slice_of(zeros, len);
        assert_int_equal(open_form(b, bad, &cursor), 0);
        assert_int_equal(cursor, 0);
    }
    buf_free(&longer);
    bytes_free(&data);
    bytes_free(&hpke);
    bytes_free(&metadata);
}

static void a_welcome_is_opened_in_the_forms_that_we_offer(void **state)
{
    world_run(*state, forms);
}

/* ---- 1:1 chats ---- */

static char me[65], them[65], third[65];

static void chat(struct group_extensions *ext, const char *one, const char *two)
{
    *ext = (struct group_extensions){.immutable.type = CONVERSATION_DM,
                                     .immutable.dm_one = one ? strdup(one) : NULL,
                                     .immutable.dm_two = two ? strdup(two) : NULL};
    assert_int_equal(policy_set_preset(PRESET_DM, &ext->policies), 0);
}

static int judge(struct group_extensions *ext, const char *adder)
{
    int r = welcome_check_dm(ext, adder, me, &err);

    group_extensions_free(ext);
    return r;
}

static void a_chat_is_between_its_sender_and_us(void **state)
{
    static const struct {
        const char *one, *two, *adder;
        int verdict;
    } cases[] = {{me, them, them, 0},          {them, me, them, 0},          {me, them, me, 0},
                 {them, me, me, 0},            {me, them, third, ERR_DENIED}, {them, third, them, ERR_DENIED},
                 {them, third, me, ERR_DENIED}, {NULL, me, them, ERR_DENIED}, {me, NULL, them, ERR_DENIED},
                 {them, NULL, them, ERR_DENIED}, {NULL, NULL, me, ERR_DENIED}, {them, them, them, ERR_DENIED}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct group_extensions ext;

        chat(&ext, cases[i].one, cases[i].two);
        if (judge(&ext, cases[i].adder) != cases[i].verdict)
            fail_msg("case %zu", i);
    }
}

static void a_chat_has_no_admins(void **state)
{
    struct group_extensions ext;

    (void)state;
    chat(&ext, me, them);
    assert_int_equal(inbox_list_add(&ext.mutable_.admins, them), 0);
    assert_int_equal(judge(&ext, them), ERR_DENIED);
    chat(&ext, me, them);
    assert_int_equal(inbox_list_add(&ext.mutable_.super_admins, them), 0);
    assert_int_equal(judge(&ext, them), ERR_DENIED);
    chat(&ext, me, them); /* what our other installations make is theirs to know */
    assert_int_equal(inbox_list_add(&ext.mutable_.super_admins, me), 0);
    assert_int_equal(judge(&ext, me), 0);
}

/* Only where all five differ is it another set of permissions: so it is in libxmtp. */
static void a_chat_may_differ_in_some_permissions(void **state)
{
    (void)state;
    for (unsigned spared = 0; spared <= 5; spared++) { /* 5: none is */
        struct group_extensions ext;
        struct policy *five[5];

        chat(&ext, me, them);
        five[0] = &ext.policies.add_member;
        five[1] = &ext.policies.remove_member;
        five[2] = &ext.policies.add_admin;
        five[3] = &ext.policies.remove_admin;
        five[4] = &ext.policies.update_permissions;
        for (unsigned i = 0; i < 5; i++)
            if (i != spared)
                five[i]->base = POLICY_SUPER_ADMIN;
        assert_int_equal(judge(&ext, them), spared == 5 ? ERR_DENIED : 0);
    }
}

/* ---- preferences groups ---- */

static void a_preferences_group_is_ours_alone(void **state)
{
    static const struct {
        enum conversation_type type;
        const char *creator, *adder, *first, *second;
        bool trusted;
    } cases[] = {{CONVERSATION_SYNC, me, me, me, NULL, true},      {CONVERSATION_GROUP, me, me, me, NULL, false},
                 {CONVERSATION_SYNC, them, me, me, NULL, false},   {CONVERSATION_SYNC, me, them, me, NULL, false},
                 {CONVERSATION_SYNC, me, me, them, NULL, false},   {CONVERSATION_SYNC, me, me, me, them, false}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct group_extensions ext = {.immutable.type = cases[i].type,
                                       .immutable.creator_inbox_id = strdup(cases[i].creator)};

        assert_int_equal(group_membership_set(&ext.membership, cases[i].first, 1), 0);
        if (cases[i].second)
            assert_int_equal(group_membership_set(&ext.membership, cases[i].second, 1), 0);
        if (welcome_is_trusted_sync(&ext, cases[i].adder, me) != cases[i].trusted)
            fail_msg("case %zu", i);
        group_extensions_free(&ext);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_leaf_is_of_a_listed_member_and_every_member_has_its_leaves, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_welcome_is_opened_in_the_forms_that_we_offer, setup, teardown),
        cmocka_unit_test(a_chat_is_between_its_sender_and_us),
        cmocka_unit_test(a_chat_has_no_admins),
        cmocka_unit_test(a_chat_may_differ_in_some_permissions),
        cmocka_unit_test(a_preferences_group_is_ours_alone),
    };

    memset(me, 'a', 64);
    memset(them, 'b', 64);
    memset(third, 'c', 64);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
