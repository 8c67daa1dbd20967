/* What people change in a group, what everybody is told of it, and how somebody leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/hex.h"
#include "store/groups.h"
#include "store/messages.h"
#include "sync/content.h"
#include "sync/group.h"
#include "sync/group_create.h"
#include "sync/group_update.h"
#include "sync/membership.h"
#include "sync/receive.h"
#include "sync/send.h"
#include "sync/transcript.h"
#include "tests/sync/shorthand.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- looking ---- */

/* The newest message of the group at `p`; a new reference. */
static json_t *newest(struct peer *p, const uint8_t id[16])
{
    char hex[33], params[80];
    json_t *list, *message;

    hex_encode(id, 16, hex);
    snprintf(params, sizeof params, "{\"id\":\"%s\",\"limit\":1}", hex);
    list = peer_call(p, "conversation.messages", params);
    message = json_incref(json_array_get(list, 0));
    json_decref(list);
    return message;
}

/* The newest message is a GroupUpdated by `by` that has these lists and no others; `want` becomes ours. */
static void assert_told(struct peer *p, const uint8_t id[16], const struct peer *by, json_t *want)
{
    json_t *message = newest(p, id), *got = json_object_get(message, "content"), *value;
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
    json_decref(message);
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

/* ---- what is told of a commit ---- */

/* The newest message as it is stored; `row` is as long-lived as `mem`. */
static void newest_row(struct peer *p, const uint8_t id[16], struct store_mem *mem, struct store_message *row)
{
    json_t *message = newest(p, id);
    uint8_t row_id[32];

    assert_true(hex_decode(json_string_value(json_object_get(message, "id")), 64, row_id, sizeof row_id));
    json_decref(message);
    OK(store_message_get(p->core.store, slice_of(row_id, 32), mem, row, &err));
}

/* The row is that of the newest commit: place, time, and the id that every other client gives it. */
static void assert_row(struct world *w, struct peer *p, const uint8_t id[16])
{
    struct store_mem mem = STORE_MEM_INIT;
    struct fake_message *ledger, *last;
    struct store_message row;
    size_t n = fake_node_messages(w->node, &ledger);
    uint8_t want[32];
    char key[24];

    last = &ledger[n - 1];
    newest_row(p, id, &mem, &row);
    snprintf(key, sizeof key, "%" PRIu64, last->created_ns);
    assert_string_equal(row.idempotency_key, key);
    message_id(id, slice_str(key), row.body, want);
    assert_memory_equal(row.id.data, want, 32);
    assert_int_equal(row.sent_at_ns, last->created_ns);
    assert_int_equal(row.sequence_id, last->id);
    assert_int_equal(row.kind, STORE_MESSAGE_MEMBERSHIP);
    store_mem_free(&mem);
}

static json_t *change(const char *field, const char *old, const char *new)
{
    return json_pack("{s:[{s:s,s:s?,s:s}]}", "metadataChanges", "field", field, "old", old, "new", new);
}

static void told(struct world *w)
{
    struct peer *a = world_installation(w, 1), *bo = world_installation(w, 2), *caro = world_installation(w, 3);
    const char *bo_id = bo->core.self.inbox_id, *caro_id = caro->core.self.inbox_id;
    uint8_t id[16];

    OK(group_create(&a->core, &(struct group_options){.name = "old"}, &bo_id, 1, id, &err));
    assert_told(a, id, a, json_pack("{s:[s]}", "addedInboxes", bo_id));
    assert_row(w, a, id);
    peer_sync(bo);
    assert_told(bo, id, a, json_pack("{s:[s]}", "addedInboxes", bo_id));

#define TOLD(call, want)                                                                                           \
    do {                                                                                                           \
        OK(call);                                                                                                  \
        peer_sync(bo);                                                                                             \
        assert_told(a, id, a, want);                                                                               \
        assert_told(bo, id, a, want);                                                                              \
        assert_row(w, a, id);                                                                                      \
        assert_row(w, bo, id);                                                                                     \
    } while (0)
    TOLD(group_update_attribute(&a->core, id, ATTR_NAME, "new", &err), change(ATTR_NAME, "old", "new"));
    TOLD(group_update_attribute(&a->core, id, ATTR_DISAPPEAR_FROM, "7", &err),
         change(ATTR_DISAPPEAR_FROM, NULL, "7"));
    TOLD(group_update_admin(&a->core, id, ADMIN_ADD, bo_id, &err), json_pack("{s:[s]}", "addedAdmins", bo_id));
    TOLD(group_update_admin(&a->core, id, ADMIN_REMOVE, bo_id, &err), json_pack("{s:[s]}", "removedAdmins", bo_id));
    TOLD(group_update_admin(&a->core, id, SUPER_ADMIN_ADD, bo_id, &err),
         json_pack("{s:[s]}", "addedSuperAdmins", bo_id));
    TOLD(group_update_admin(&a->core, id, SUPER_ADMIN_REMOVE, bo_id, &err),
         json_pack("{s:[s]}", "removedSuperAdmins", bo_id));
    /* Nothing that anybody is told of. */
    OK(group_update_key(&a->core, id, &err));
    OK(group_update_permission(&a->core, id, PERMIT_ADD_MEMBER, NULL, POLICY_ADMIN, &err));
    peer_sync(bo);
    assert_told(a, id, a, json_pack("{s:[s]}", "removedSuperAdmins", bo_id));
    assert_told(bo, id, a, json_pack("{s:[s]}", "removedSuperAdmins", bo_id));
    TOLD(group_add_members(&a->core, id, &caro_id, 1, &err), json_pack("{s:[s]}", "addedInboxes", caro_id));
    TOLD(group_remove_members(&a->core, id, &caro_id, 1, &err), json_pack("{s:[s]}", "removedInboxes", caro_id));
    /* libxmtp's way: where a version is asked for, every commit is told of, be there anything to tell or not. */
    TOLD(group_update_attribute(&a->core, id, ATTR_MIN_VERSION, "0.1.0", &err),
         change(ATTR_MIN_VERSION, NULL, "0.1.0"));
    TOLD(group_update_key(&a->core, id, &err), json_object());
#undef TOLD
}

static void a_commit_is_told_of_alike_by_who_made_it_and_who_read_it(void **state)
{
    world_run(*state, told);
}

/* libxmtp's key of the message of an arrival is its time as Rust's chrono prints it. */
static void arrivals(struct world *w)
{
    static const struct {
        uint64_t created_ns;
        const char *key;
    } cases[] = {{1900000000000000000, "2030-03-17 17:46:40 UTC_welcome_added"},
                 {1900000000120000000, "2030-03-17 17:46:40.120 UTC_welcome_added"},
                 {1900000000120030000, "2030-03-17 17:46:40.120030 UTC_welcome_added"},
                 {1900000000120030004, "2030-03-17 17:46:40.120030004 UTC_welcome_added"}};
    struct peer *a = world_installation(w, 1);
    uint8_t id[16];

    OK(group_create(&a->core, &(struct group_options){.name = "x"}, NULL, 0, id, &err));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct store_mem mem = STORE_MEM_INIT;
        struct store_message row;
        struct group *g;

        OK(group_get(&a->core, id, &g, &err));
        OK(core_begin(&a->core, false, &err));
        OK(transcript_joined(&a->core, g, a->core.self.inbox_id, a->core.self.installation_id, cases[i].created_ns,
                             &err));
        OK(core_commit(&a->core, &err));
        group_put(&a->core, g);
        newest_row(a, id, &mem, &row);
        assert_string_equal(row.idempotency_key, cases[i].key);
        assert_int_equal(row.sent_at_ns, cases[i].created_ns);
        assert_told(a, id, a, json_pack("{s:[s]}", "addedInboxes", a->core.self.inbox_id));
        store_mem_free(&mem);
    }
}

static void an_arrival_has_the_key_that_libxmtp_gives_it(void **state)
{
    world_run(*state, arrivals);
}

/* ---- disappearing messages ---- */

static int64_t expiry_at(struct peer *p, const uint8_t message[32])
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_message row;
    int64_t at;

    OK(store_message_get(p->core.store, slice_of(message, 32), &mem, &row, &err));
    at = row.expire_at_ns;
    store_mem_free(&mem);
    return at;
}

/* A text of A's expires so long after each has it; 0: never. */
static void assert_lasts(struct peer *a, struct peer *bo, const uint8_t id[16], int64_t in_ns)
{
    struct peer *both[] = {a, bo};
    struct bytes content = {0};
    enum send_status status;
    uint8_t message[32];

    OK(content_text("for a while", &content, &err));
    OK(group_send(&a->core, id, bytes_slice(&content), NULL, message, &status, &err));
    bytes_free(&content);
    for (size_t i = 0; i < 2; i++) {
        int64_t before = core_now_ns(&both[i]->core);
        peer_sync(both[i]);
        if (in_ns == 0)
            assert_int_equal(expiry_at(both[i], message), 0);
        else
            assert_in_range(expiry_at(both[i], message), before + in_ns, core_now_ns(&both[i]->core) + in_ns);
    }
}

static void disappearing(struct world *w)
{
    const int64_t hour = 3600 * NS_PER_S;
    struct peer *a = world_installation(w, 1), *bo = world_installation(w, 2);
    const char *bo_id = bo->core.self.inbox_id;
    uint8_t id[16], dm[16];
    size_t before;

    OK(group_create(&a->core, &(struct group_options){.name = "x"}, &bo_id, 1, id, &err));
    peer_sync(bo);
    assert_lasts(a, bo, id, 0);
    before = sent(w);
    OK(group_update_attribute(&a->core, id, ATTR_DISAPPEAR_IN, "3600000000000", &err));
    assert_lasts(a, bo, id, 0); /* no beginning */
    before = sent(w);
    OK(group_update_disappearing(&a->core, id, 1, hour, &err));
    assert_int_equal(sent(w), before + 1); /* one of both is so already */
    assert_lasts(a, bo, id, hour);
    before = sent(w);
    OK(group_update_disappearing(&a->core, id, 2, 2 * hour, &err));
    assert_int_equal(sent(w), before + 2);
    assert_told(a, id, a, change(ATTR_DISAPPEAR_IN, "3600000000000", "7200000000000")); /* the later of two */
    assert_lasts(a, bo, id, 2 * hour);
    OK(group_update_attribute(&a->core, id, ATTR_DISAPPEAR_IN, "0", &err));
    assert_lasts(a, bo, id, 0);
    OK(group_update_disappearing(&a->core, id, 2, hour, &err));
    OK(group_update_disappearing(&a->core, id, 0, 0, &err));
    assert_told(a, id, a, change(ATTR_DISAPPEAR_IN, "3600000000000", "0"));
    assert_lasts(a, bo, id, 0);

    /* In a 1:1 chat as well, and nothing else can be changed there. */
    OK(dm_find_or_create(&a->core, bo_id, dm, NULL, &err));
    OK(group_update_disappearing(&a->core, dm, 1, hour, &err));
    peer_sync(bo);
    assert_lasts(a, bo, dm, hour);
    before = sent(w);
    for (size_t i = 0; i < 4; i++) {
        const char *const fields[] = {ATTR_NAME, ATTR_DESCRIPTION, ATTR_IMAGE_URL, ATTR_APP_DATA};
        assert_int_equal(group_update_attribute(&a->core, dm, fields[i], "x", &err), ERR_INVALID);
    }
    assert_int_equal(group_update_admin(&a->core, dm, ADMIN_ADD, bo_id, &err), ERR_INVALID);
    assert_int_equal(group_update_permission(&a->core, dm, PERMIT_ADD_MEMBER, NULL, POLICY_ALLOW, &err),
                     ERR_INVALID);
    assert_int_equal(sent(w), before);
}

static void messages_disappear_where_a_beginning_and_a_time_are_set(void **state)
{
    world_run(*state, disappearing);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_commit_is_told_of_alike_by_who_made_it_and_who_read_it),
        TEST(an_arrival_has_the_key_that_libxmtp_gives_it),
        TEST(messages_disappear_where_a_beginning_and_a_time_are_set),
        TEST(a_member_of_a_group_who_is_no_super_admin_may_ask_once_to_leave),
        TEST(everybody_knows_who_asked_to_leave_until_they_are_out),
        TEST(who_becomes_super_admin_takes_those_out_who_asked_before),
        TEST(a_super_admin_on_the_way_out_takes_nobody_out_and_keeps_nobody_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
