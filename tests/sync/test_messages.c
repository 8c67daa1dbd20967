/* What is shown of a conversation: reactions, replies, deletions, leaving; in groups and in both chats of a pair. */
#include "tests/test.h"

#include "base/hex.h"
#include "store/groups.h"
#include "sync/consent.h"
#include "sync/content.h"
#include "sync/group_create.h"
#include "sync/group_update.h"
#include "sync/membership.h"
#include "sync/send.h"
#include "sync/welcome_receive.h"
#include "tests/sync/shorthand.h"

#include <stdio.h>

/* ---- shorthand ---- */

/* The message `id` as hex in `*hex`, so that others can refer to it. */
static void say(struct peer *p, const uint8_t group[16], const char *content, char hex[65])
{
    char id[33], params[1024];
    json_t *sent;

    hex_encode(group, 16, id);
    snprintf(params, sizeof params, "{\"id\":\"%s\",\"content\":%s}", id, content);
    sent = peer_call(p, "conversation.send", params);
    assert_string_equal(json_string_value(json_object_get(sent, "status")), "published");
    if (hex)
        snprintf(hex, 65, "%s", json_string_value(json_object_get(sent, "messageId")));
    json_decref(sent);
}

static const char *about(const char *type, const char *reference, const char *more)
{
    static char content[400];

    snprintf(content, sizeof content, "{\"type\":\"%s\",\"reference\":\"%s\"%s}", type, reference, more);
    return content;
}

/* The message as somebody sees it; a new reference. */
static json_t *seen(struct peer *p, const uint8_t group[16], const char *hex)
{
    char id[33], params[128];
    json_t *list, *m, *found = NULL;
    size_t i;

    hex_encode(group, 16, id);
    snprintf(params, sizeof params, "{\"id\":\"%s\",\"limit\":100}", id);
    list = peer_call(p, "conversation.messages", params);
    json_array_foreach(list, i, m)
        if (strcmp(json_string_value(json_object_get(m, "id")), hex) == 0)
            found = json_incref(m);
    json_decref(list);
    if (!found)
        fail_msg("no message %s", hex);
    return found;
}

static size_t reactions(struct peer *p, const uint8_t group[16], const char *hex)
{
    json_t *m = seen(p, group, hex);
    size_t n = json_array_size(json_object_get(m, "reactions"));

    json_decref(m);
    return n;
}

static void assert_deleted_by(struct peer *p, const uint8_t group[16], const char *hex, const char *by)
{
    json_t *m = seen(p, group, hex);
    const char *got = json_string_value(json_object_get(m, "deletedBy"));

    if (by)
        assert_string_equal(got ? got : "nobody", by);
    else
        assert_null(got);
    json_decref(m);
}

static int64_t unread(struct peer *p, const uint8_t id[16])
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_conversation line;

    OK(store_conversation_get(p->core.store, slice_of(id, 16), &mem, &line, &err));
    assert_true(line.has_last);
    store_mem_free(&mem);
    return line.unread;
}

static const char *decided(struct peer *p, const uint8_t id[16])
{
    enum consent_state state;

    OK(consent_of_group(&p->core, id, &state, &err));
    return consent_state_name(state);
}

/* ---- reactions ---- */

static void foreign_reaction(struct world *w)
{
    struct peer *a = world_installation(w, 1), *bo = world_installation(w, 2), *mallory = world_installation(w, 9);
    const char *a_id = a->core.self.inbox_id;
    uint8_t dm[16], elsewhere[16];
    char text[65];

    OK(dm_find_or_create(&a->core, bo->core.self.inbox_id, dm, NULL, &err));
    say(a, dm, "{\"type\":\"text\",\"text\":\"hi\"}", text);
    OK(group_create(&mallory->core, &(struct group_options){.name = "x"}, &a_id, 1, elsewhere, &err));
    say(mallory, elsewhere, about("reaction", text, ",\"emoji\":\"x\",\"action\":\"added\""), NULL);
    peer_sync(a);
    assert_int_equal(reactions(a, dm, text), 0);
    peer_sync(bo);
    say(bo, dm, about("reaction", text, ",\"emoji\":\"+\",\"action\":\"added\""), NULL);
    peer_sync(a);
    assert_int_equal(reactions(a, dm, text), 1);
    say(mallory, elsewhere, about("reaction", text, ",\"emoji\":\"+\",\"action\":\"removed\""), NULL);
    say(bo, dm, about("reaction", text, ",\"emoji\":\"*\",\"action\":\"removed\""), NULL);
    peer_sync(a);
    assert_int_equal(reactions(a, dm, text), 1);
    say(bo, dm, about("reaction", text, ",\"emoji\":\"+\",\"action\":\"removed\""), NULL);
    peer_sync(a);
    assert_int_equal(reactions(a, dm, text), 0);
}

static void a_reaction_counts_in_its_own_conversation_alone(void **state)
{
    world_run(*state, foreign_reaction);
}

/* ---- both chats of a pair ---- */

static void across_duplicates(struct world *w)
{
    struct peer *a = world_installation(w, 1), *bo = world_installation(w, 2);
    char first[65], reply[65];
    uint8_t mine[16], his[16];
    json_t *m;

    OK(dm_find_or_create(&a->core, bo->core.self.inbox_id, mine, NULL, &err));
    OK(dm_find_or_create(&bo->core, a->core.self.inbox_id, his, NULL, &err));
    say(a, mine, "{\"type\":\"text\",\"text\":\"in mine\"}", first);
    peer_sync(a);
    peer_sync(bo);
    /* Bo answers, reacts and A takes back, all in the other chat than the text is in. */
    say(bo, his, about("reply", first, ",\"text\":\"in his\""), reply);
    say(bo, his, about("reaction", first, ",\"emoji\":\"+\",\"action\":\"added\""), NULL);
    peer_sync(a);
    for (int i = 0; i < 2; i++) {
        struct peer *p = i ? bo : a;

        m = seen(p, his, reply);
        assert_string_equal(json_string_value(json_object_get(m, "replyToText")) ?: "(none)", "in mine");
        assert_string_equal(json_string_value(json_object_get(m, "replyToSenderInboxId")) ?: "(none)",
                            a->core.self.inbox_id);
        json_decref(m);
        assert_int_equal(reactions(p, mine, first), 1);
    }
    say(a, his, about("delete", first, ""), NULL);
    peer_sync(a);
    peer_sync(bo);
    assert_deleted_by(a, mine, first, "sender");
    assert_deleted_by(bo, mine, first, "sender");
}

static void what_refers_to_the_other_chat_of_a_pair_finds_it(void **state)
{
    world_run(*state, across_duplicates);
}

/* ---- deletions ---- */

static void deletions(struct world *w)
{
    struct peer *a = world_installation(w, 1), *bo = world_installation(w, 2), *caro = world_installation(w, 3);
    const char *others[] = {bo->core.self.inbox_id, caro->core.self.inbox_id};
    char by_bo[65], by_bo_too[65], by_caro[65], emoji[65], late[65];
    struct peer *all[] = {a, bo, caro};
    struct bytes text = {0};
    uint8_t id[16], group[16];

    OK(group_create(&a->core, &(struct group_options){.name = "x"}, others, 2, id, &err));
    peer_sync(bo);
    peer_sync(caro);
    say(bo, id, "{\"type\":\"text\",\"text\":\"one\"}", by_bo);
    say(bo, id, "{\"type\":\"text\",\"text\":\"two\"}", by_bo_too);
    say(caro, id, "{\"type\":\"text\",\"text\":\"three\"}", by_caro);
    say(bo, id, about("reaction", by_caro, ",\"emoji\":\"+\",\"action\":\"added\""), emoji);
    for (int i = 0; i < 3; i++)
        peer_sync(all[i]);
    say(bo, id, about("delete", by_bo, ""), NULL);      /* his own */
    say(bo, id, about("delete", by_caro, ""), NULL);    /* somebody else's */
    assert_deleted_by(bo, id, by_bo, "sender"); /* before anything has come back */
    assert_deleted_by(bo, id, by_caro, NULL);
    say(bo, id, about("delete", emoji, ""), NULL);      /* nothing that can be deleted */
    say(a, id, about("delete", by_bo_too, ""), NULL);   /* a super admin may */
    /* The deletion is there before the text. */
    say(bo, id, "{\"type\":\"text\",\"text\":\"late\"}", late);
    fake_node_pop(w->node, group, &text);
    say(bo, id, about("delete", late, ""), NULL);
    fake_node_inject(w->node, group, bytes_slice(&text), false);
    bytes_free(&text);
    for (int i = 0; i < 3; i++) {
        peer_sync(all[i]);
        assert_deleted_by(all[i], id, by_bo, "sender");
        assert_deleted_by(all[i], id, by_caro, NULL);
        assert_int_equal(reactions(all[i], id, by_caro), 1);
        assert_deleted_by(all[i], id, by_bo_too, "admin");
        assert_deleted_by(all[i], id, late, "sender");
        assert_int_equal(unread(all[i], id), i == 2 ? 0 : 1); /* Caro's text; the others were taken back */
    }
}

static void a_deletion_counts_by_the_sender_or_a_super_admin_for_what_can_be_deleted(void **state)
{
    world_run(*state, deletions);
}

/* ---- pages ---- */

/* Who reads page by page takes a short page for the last one: nobody may shorten those of others. */
static void full_pages(struct world *w)
{
    struct peer *a = world_installation(w, 1), *bo = world_installation(w, 2);
    const char *bo_id = bo->core.self.inbox_id;
    struct send_options options = {0};
    uint8_t id[16], message_id[MESSAGE_ID_LEN];
    enum send_status status;
    struct bytes content = {0};
    char id_hex[33], params[64];
    json_t *list;

    OK(group_create(&a->core, &(struct group_options){.name = "x"}, &bo_id, 1, id, &err));
    peer_sync(bo);
    peer_send(a, id, "one");
    OK(content_device_sync(slice_str("no business here"), &content, &err));
    OK(group_send(&a->core, id, bytes_slice(&content), &options, message_id, &status, &err));
    peer_send(a, id, "two");
    peer_sync(bo);
    hex_encode(id, 16, id_hex);
    snprintf(params, sizeof params, "{\"id\":\"%s\",\"limit\":2}", id_hex);
    list = peer_call(bo, "conversation.messages", params);
    assert_int_equal(json_array_size(list), 2);
    json_decref(list);
    bytes_wipe(&content);
}

static void a_preference_in_a_chat_makes_no_page_shorter(void **state)
{
    world_run(*state, full_pages);
}

/* ---- consent that comes with an invitation ---- */

static void leave_and_return(struct world *w)
{
    struct peer *a = world_installation(w, 1), *bo = world_installation(w, 2);
    const char *bo_id = bo->core.self.inbox_id;
    struct store_mem mem = STORE_MEM_INIT;
    struct store_group row;
    char id_hex[33], params[64];
    uint8_t id[16];
    json_t *list, *left;

    OK(group_create(&a->core, &(struct group_options){.name = "x"}, &bo_id, 1, id, &err));
    peer_sync(bo);
    assert_string_equal(decided(bo, id), "unknown");
    OK(group_leave(&bo->core, id, &err));
    assert_string_equal(decided(bo, id), "allowed"); /* by writing that */
    OK(store_group_get(bo->core.store, slice_of(id, 16), &mem, &row, &err));
    assert_int_equal(row.membership, STORE_MEMBER_PENDING_REMOVE);
    peer_sync(a);
    peer_sync(a);
    hex_encode(id, 16, id_hex);
    snprintf(params, sizeof params, "{\"id\":\"%s\",\"limit\":1}", id_hex);
    list = peer_call(a, "conversation.messages", params);
    left = json_object_get(json_object_get(json_array_get(list, 0), "content"), "leftInboxes");
    assert_int_equal(json_array_size(left), 1);
    assert_string_equal(json_string_value(json_array_get(left, 0)), bo_id);
    assert_int_equal(
        json_array_size(json_object_get(json_object_get(json_array_get(list, 0), "content"), "removedInboxes")), 0);
    json_decref(list);
    /* Asked in again, he decides anew. */
    OK(group_add_members(&a->core, id, &bo_id, 1, &err));
    peer_sync(bo);
    peer_sync(bo);
    assert_string_equal(decided(bo, id), "unknown");
    OK(store_group_get(bo->core.store, slice_of(id, 16), &mem, &row, &err));
    assert_int_equal(row.membership, STORE_MEMBER_ALLOWED);
    assert_true(row.active);
    store_mem_free(&mem);
}

static void who_leaves_is_listed_so_and_decides_anew_when_asked_in_again(void **state)
{
    world_run(*state, leave_and_return);
}

static void second_chat(struct world *w)
{
    struct peer *a = world_installation(w, 1), *bo = world_installation(w, 2), *caro = world_installation(w, 3);
    struct consent_choice choice = {.type = CONSENT_CONVERSATION, .state = CONSENT_DENIED};
    uint8_t first[16], second[16], other[16];

    OK(dm_find_or_create(&bo->core, a->core.self.inbox_id, first, NULL, &err));
    peer_sync(a);
    assert_string_equal(decided(a, first), "unknown");
    hex_encode(first, 16, choice.entity);
    OK(core_begin(&a->core, true, &err));
    OK(consent_set(&a->core, &choice, 1, CONSENT_QUIET, NULL, &err));
    OK(core_commit(&a->core, &err));
    /* Bo's other installation does not know of the chat and begins one. */
    bo = world_installation(w, 2);
    OK(dm_find_or_create(&bo->core, a->core.self.inbox_id, second, NULL, &err));
    OK(dm_find_or_create(&caro->core, a->core.self.inbox_id, other, NULL, &err));
    peer_sync(a);
    assert_memory_not_equal(first, second, 16);
    assert_string_equal(decided(a, second), "denied");
    assert_string_equal(decided(a, other), "unknown");
}

static void a_second_chat_of_a_pair_is_decided_as_the_first(void **state)
{
    world_run(*state, second_chat);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_preference_in_a_chat_makes_no_page_shorter),
        TEST(a_reaction_counts_in_its_own_conversation_alone),
        TEST(what_refers_to_the_other_chat_of_a_pair_finds_it),
        TEST(a_deletion_counts_by_the_sender_or_a_super_admin_for_what_can_be_deleted),
        TEST(who_leaves_is_listed_so_and_decides_anew_when_asked_in_again),
        TEST(a_second_chat_of_a_pair_is_decided_as_the_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
