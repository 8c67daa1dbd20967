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
#include "tests/sync/peers.h"

#include <stdlib.h>
#include <string.h>

static int setup(void **state)
{
    static struct world w;

    world_open(&w);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    world_close(*state);
    return 0;
}

static struct err err; /* of the last call */

#define OK(call)                                                                                                    \
    do {                                                                                                            \
        if ((call) != 0)                                                                                            \
            fail_msg("%s: %s", #call, err.text);                                                                    \
    } while (0)

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
    /* Both are right for one another only. */
    group_membership_drop(&changed, c->core.self.inbox_id);
    OK(welcome_check_members(&b->core, g->mls, &changed, &err));
    (void)a2;
    group_membership_free(&m);
    group_membership_free(&changed);
    group_close(&b->core, g);
}

static void every_leaf_is_of_a_listed_member_and_every_member_has_its_leaves(void **state)
{
    world_run(*state, members);
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
