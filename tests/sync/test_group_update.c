/* What people change in a group, what everybody is told of it, and how somebody leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/hex.h"
#include "store/groups.h"
#include "sync/group.h"
#include "sync/group_create.h"
#include "sync/group_update.h"
#include "sync/membership.h"
#include "sync/receive.h"
#include "tests/sync/shorthand.h"

#include <stdio.h>
#include <string.h>

/* ---- looking ---- */

/* The content of the newest message of the group at `p`; a new reference. */
static json_t *newest(struct peer *p, const uint8_t id[16])
{
    char hex[33], params[80];
    json_t *list, *content;

    hex_encode(id, 16, hex);
    snprintf(params, sizeof params, "{\"id\":\"%s\",\"limit\":1}", hex);
    list = peer_call(p, "conversation.messages", params);
    content = json_incref(json_object_get(json_array_get(list, 0), "content"));
    json_decref(list);
    return content;
}

/* The newest message is a GroupUpdated by `by` that has these lists and no others; `want` in JSON. */
static void assert_told(struct peer *p, const uint8_t id[16], const struct peer *by, json_t *want)
{
    json_t *got = newest(p, id), *value;
    const char *name;
    void *next;

    assert_non_null(json_object_get(got, "initiatedBy"));
    assert_string_equal(json_string_value(json_object_get(got, "initiatedBy")), by->core.self.inbox_id);
    json_object_foreach_safe(got, next, name, value) {
        if (!json_is_array(value) || json_array_size(value) == 0)
            json_object_del(got, name);
    }
    if (!json_equal(got, want)) {
        char *a = json_dumps(got, 0), *b = json_dumps(want, 0);
        fail_msg("told %s, not %s", a, b);
    }
    json_decref(got);
    json_decref(want);
}

static enum store_membership membership_of(struct peer *p, const uint8_t id[16])
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_group row;
    enum store_membership membership;

    OK(store_group_get(p->core.store, slice_of(id, 16), &mem, &row, &err));
    membership = row.membership;
    store_mem_free(&mem);
    return membership;
}

static size_t member_count(struct peer *p, const uint8_t id[16])
{
    struct group_member *members;
    struct group *g;
    size_t n;

    OK(group_get(&p->core, id, &g, &err));
    OK(group_members(&p->core, g, &members, &n, &err));
    group_members_free(members, n);
    group_put(&p->core, g);
    return n;
}

static bool is_in(struct peer *p, const uint8_t id[16], const struct peer *who)
{
    struct group *g;
    bool is;

    OK(group_open(&p->core, id, &g, &err));
    OK(group_read_extensions(&p->core, g, &err));
    is = group_membership_find(&g->ext.membership, who->core.self.inbox_id) != NULL;
    group_close(&p->core, g);
    return is;
}

static size_t sent(struct world *w)
{
    struct fake_message *ledger;

    return fake_node_messages(w->node, &ledger);
}

/* ---- who may leave ---- */

static void may_leave(struct world *w)
{
    struct peer *a = world_installation(w, 1), *bo = world_installation(w, 2);
    const char *bo_id = bo->core.self.inbox_id;
    uint8_t dm[16], alone[16], id[16];
    size_t before;

    OK(dm_find_or_create(&a->core, bo_id, dm, NULL, &err));
    OK(group_create(&a->core, &(struct group_options){.name = "alone"}, NULL, 0, alone, &err));
    OK(group_create(&a->core, &(struct group_options){.name = "x"}, &bo_id, 1, id, &err));
    peer_sync(bo);
    before = sent(w);
    assert_int_equal(group_leave(&a->core, dm, &err), ERR_INVALID);
    assert_int_equal(group_leave(&a->core, alone, &err), ERR_INVALID);
    assert_string_equal(err.text, "you are alone in this group");
    assert_int_equal(group_leave(&a->core, id, &err), ERR_INVALID); /* a super admin */
    assert_int_equal(sent(w), before);
    /* Asking again says nothing new. */
    OK(group_leave(&bo->core, id, &err));
    OK(group_sync(&bo->core, id, NULL, &err));
    before = sent(w);
    OK(group_leave(&bo->core, id, &err));
    assert_int_equal(sent(w), before);
}

static void a_member_of_a_group_who_is_no_super_admin_may_ask_once_to_leave(void **state)
{
    world_run(*state, may_leave);
}

/* ---- who sees it ---- */

static void seen_by_all(struct world *w)
{
    struct peer *a = world_installation(w, 1), *bo = world_installation(w, 2), *caro = world_installation(w, 3);
    struct peer *bo2 = world_installation(w, 2), *all[] = {a, caro};
    const char *bo_id = bo->core.self.inbox_id, *others[] = {bo_id, caro->core.self.inbox_id};
    uint8_t id[16];

    OK(group_create(&a->core, &(struct group_options){.name = "x"}, others, 2, id, &err));
    peer_sync(bo);
    peer_sync(bo2);
    peer_sync(caro);
    OK(group_leave(&bo->core, id, &err));
    peer_sync(bo2);
    assert_int_equal(membership_of(bo, id), STORE_MEMBER_PENDING_REMOVE);
    assert_int_equal(membership_of(bo2, id), STORE_MEMBER_PENDING_REMOVE);
    peer_sync(caro);
    assert_int_equal(membership_of(caro, id), STORE_MEMBER_PENDING);
    assert_int_equal(member_count(caro, id), 3); /* no super admin: nothing to do for him */
    peer_sync(a);
    peer_sync(caro);
    for (size_t i = 0; i < 2; i++)
        assert_told(all[i], id, a, json_pack("{s:[s]}", "leftInboxes", bo_id));
    /* That is settled: taken out another time, he has not asked for it. */
    OK(group_add_members(&a->core, id, &bo_id, 1, &err));
    OK(group_remove_members(&a->core, id, &bo_id, 1, &err));
    for (size_t i = 0; i < 2; i++) {
        peer_sync(all[i]);
        assert_told(all[i], id, a, json_pack("{s:[s]}", "removedInboxes", bo_id));
    }
}

static void everybody_knows_who_asked_to_leave_until_they_are_out(void **state)
{
    world_run(*state, seen_by_all);
}

/* ---- who does it ---- */

static void new_super_admin(struct world *w)
{
    struct peer *a = world_installation(w, 1), *bo = world_installation(w, 2), *caro = world_installation(w, 3);
    const char *bo_id = bo->core.self.inbox_id, *caro_id = caro->core.self.inbox_id, *others[] = {bo_id, caro_id};
    uint8_t id[16];

    OK(group_create(&a->core, &(struct group_options){.name = "x"}, others, 2, id, &err));
    peer_sync(bo);
    peer_sync(caro);
    OK(group_leave(&bo->core, id, &err));
    peer_sync(caro);
    /* A appoints and is away before doing anything about Bo. */
    OK(group_update_admin(&a->core, id, SUPER_ADMIN_ADD, caro_id, &err));
    assert_true(is_in(a, id, bo));
    OK(group_sync(&caro->core, id, NULL, &err));
    assert_false(is_in(caro, id, bo));
}

static void who_becomes_super_admin_takes_those_out_who_asked_before(void **state)
{
    world_run(*state, new_super_admin);
}

static void pending_super_admin(struct world *w)
{
    struct peer *a = world_installation(w, 1), *bo = world_installation(w, 2), *caro = world_installation(w, 3);
    const char *bo_id = bo->core.self.inbox_id, *caro_id = caro->core.self.inbox_id, *others[] = {bo_id, caro_id};
    size_t before;
    uint8_t id[16];

    OK(group_create(&a->core, &(struct group_options){.name = "x"}, others, 2, id, &err));
    peer_sync(bo);
    peer_sync(caro);
    OK(group_leave(&bo->core, id, &err));
    OK(group_update_admin(&a->core, id, SUPER_ADMIN_ADD, bo_id, &err));
    OK(group_leave(&caro->core, id, &err));
    before = sent(w);
    peer_sync(bo); /* he is on his way out himself */
    assert_int_equal(sent(w), before);
    assert_true(is_in(bo, id, caro));
    /* A super admin cannot be taken out, and keeps nobody else in. */
    peer_sync(a);
    assert_false(is_in(a, id, caro));
    assert_true(is_in(a, id, bo));
    OK(group_update_admin(&a->core, id, SUPER_ADMIN_REMOVE, bo_id, &err));
    OK(group_remove_leavers(&a->core, id, &err));
    assert_false(is_in(a, id, bo));
}

static void a_super_admin_on_the_way_out_takes_nobody_out_and_keeps_nobody_in(void **state)
{
    world_run(*state, pending_super_admin);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_member_of_a_group_who_is_no_super_admin_may_ask_once_to_leave),
        TEST(everybody_knows_who_asked_to_leave_until_they_are_out),
        TEST(who_becomes_super_admin_takes_those_out_who_asked_before),
        TEST(a_super_admin_on_the_way_out_takes_nobody_out_and_keeps_nobody_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
