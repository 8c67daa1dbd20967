/* What an open home does by itself, and what it leaves alone until it is asked. */
#include "tests/test.h"

#include "base/hex.h"
#include "store/groups.h"
#include "sync/consent.h"
#include "sync/content.h"
#include "sync/group_create.h"
#include "sync/group_update.h"
#include "sync/membership.h"
#include "sync/prefs.h"
#include "sync/receive.h"
#include "sync/send.h"
#include "sync/worker.h"
#include "tests/sync/shorthand.h"

#include <stdio.h>

static const char someone[] = "abababababababababababababababababababababababababababababababab";

/* Alix has two installations, of which one is quiet; Bo writes, and the other one decides something. */
struct stage {
    struct world *w;
    struct peer *a, *b, *bo;
    uint8_t dm[16];
};

static void set_up_stage(struct world *w, struct stage *s, bool quiet)
{
    *s = (struct stage){w, world_installation(w, 1), world_installation(w, 1), world_installation(w, 2), {0}};
    peer_make_whole(s->a);
    peer_make_whole(s->b);
    prefs_start(&s->b->core);
    world_until(w, "B has its preferences group", peer_is_idle, s->b);
    s->a->core.quiet = quiet;
    worker_start(&s->a->core);
    json_decref(peer_call(s->a, "preferences.sync", NULL));
    json_decref(peer_call(s->b, "preferences.sync", NULL));
    json_decref(peer_call(s->a, "preferences.sync", NULL));
    world_let_timers_end(w);
    s->a->api.queries = s->a->api.welcome_queries = 0;

    OK(dm_find_or_create(&s->bo->core, s->a->core.self.inbox_id, s->dm, NULL, &err));
    peer_send(s->bo, s->dm, "news");
    json_decref(peer_call(s->b, "preferences.setConsent",
                          "{\"records\":[{\"entityType\":\"inboxId\",\"entity\":"
                          "\"abababababababababababababababababababababababababababababababab\","
                          "\"state\":\"denied\"}]}"));
    world_until(w, "B has said so", peer_is_idle, s->b);
}

static bool lists_chat(struct peer *p)
{
    json_t *list = peer_call(p, "conversations.list", "{\"sync\":false}");
    size_t n = json_array_size(list);

    json_decref(list);
    return n == 1;
}

static bool knows_decision(struct peer *p)
{
    enum consent_state state;

    OK(consent_get(&p->core, CONSENT_INBOX, someone, &state, &err));
    return state == CONSENT_DENIED;
}

static bool has_text(struct peer *p, const uint8_t id[16])
{
    return lists_chat(p) && strcmp(peer_texts(p, id), "news") == 0;
}

static void hours_pass(struct world *w)
{
    for (int i = 0; i < 20; i++)
        world_let_timers_end(w);
}

static void assert_knows_nothing(struct stage *s)
{
    hours_pass(s->w);
    assert_int_equal(s->a->api.queries, 0);
    assert_int_equal(s->a->api.welcome_queries, 0);
    assert_false(lists_chat(s->a));
    assert_false(knows_decision(s->a));
}

static void end_stage(struct stage *s)
{
    peer_stop(s->w, s->a);
    peer_stop(s->w, s->b);
}

static void quiet_list(struct world *w)
{
    struct stage s;

    set_up_stage(w, &s, true);
    assert_knows_nothing(&s);
    json_decref(peer_call(s.a, "conversations.list", NULL));
    assert_true(lists_chat(s.a));
    hours_pass(w);
    assert_int_equal(s.a->api.queries, 0);
    assert_int_equal(s.a->api.welcome_queries, 1);
    assert_false(has_text(s.a, s.dm));
    assert_false(knows_decision(s.a));
    end_stage(&s);
}

static void a_quiet_client_hears_of_a_chat_by_list_alone(void **state)
{
    world_run(*state, quiet_list);
}

static void quiet_sync_all(struct world *w)
{
    struct stage s;

    set_up_stage(w, &s, true);
    assert_knows_nothing(&s);
    json_decref(peer_call(s.a, "conversations.syncAll", NULL));
    assert_true(has_text(s.a, s.dm));
    assert_true(knows_decision(s.a));
    end_stage(&s);
}

static void a_quiet_client_hears_of_everything_by_sync_all_alone(void **state)
{
    world_run(*state, quiet_sync_all);
}

static void quiet_preferences_sync(struct world *w)
{
    struct stage s;

    set_up_stage(w, &s, true);
    assert_knows_nothing(&s);
    json_decref(peer_call(s.a, "preferences.sync", NULL));
    assert_true(knows_decision(s.a));
    assert_true(lists_chat(s.a));
    hours_pass(w);
    assert_false(has_text(s.a, s.dm));
    assert_int_equal(s.a->api.queries, 1);
    end_stage(&s);
}

static void a_quiet_client_hears_of_a_decision_by_preferences_sync_alone(void **state)
{
    world_run(*state, quiet_preferences_sync);
}

static bool stage_is_known(void *ctx)
{
    struct stage *s = ctx;

    return has_text(s->a, s->dm) && knows_decision(s->a);
}

static bool was_told(struct peer *p, const char *kind)
{
    json_t *event;
    size_t i;

    json_array_foreach(p->told, i, event)
        if (strcmp(json_string_value(json_object_get(event, "kind")), kind) == 0)
            return true;
    return false;
}

static void quiet_stream(struct world *w)
{
    struct stage s;

    set_up_stage(w, &s, true);
    assert_knows_nothing(&s);
    json_decref(peer_call(s.a, "stream.start", NULL));
    world_until(w, "the stream brings everything", stage_is_known, &s);
    assert_true(was_told(s.a, "message"));
    assert_true(was_told(s.a, "consent"));
    assert_int_equal(s.a->api.queries, 0);
    end_stage(&s);
}

static void a_quiet_client_hears_of_everything_by_a_stream_alone(void **state)
{
    world_run(*state, quiet_stream);
}

static void not_quiet(struct world *w)
{
    struct stage s;

    set_up_stage(w, &s, false);
    hours_pass(w);
    assert_true(stage_is_known(&s));
    end_stage(&s);
}

static void a_client_that_is_not_quiet_fetches_by_itself(void **state)
{
    world_run(*state, not_quiet);
}

/* ---- who asked to be taken out ---- */

static bool is_out(void *ctx)
{
    struct stage *s = ctx;

    peer_sync(s->bo);
    return s->bo->events[CORE_CONVERSATION_CHANGED] > 0;
}

/* The network goes when the request has just been read. */
static void leaver(struct world *w)
{
    struct peer *a = world_installation(w, 1), *bo = world_installation(w, 2);
    const char *bo_id = bo->core.self.inbox_id;
    struct stage s = {.a = a, .bo = bo};
    uint8_t id[16];

    OK(group_create(&a->core, &(struct group_options){.name = "x"}, &bo_id, 1, id, &err));
    peer_sync(bo);
    OK(group_leave(&bo->core, id, &err));
    peer_sync(bo);
    bo->events[CORE_CONVERSATION_CHANGED] = 0;
    a->api.away_after = 2;
    group_sync(&a->core, id, NULL, NULL);
    assert_true(a->api.offline);
    a->api.offline = false;
    assert_false(is_out(&s));
    peer_make_whole(a);
    a->core.quiet = true;
    worker_start(&a->core);
    world_until(w, "he is out", is_out, &s);
    peer_stop(w, a);
}

static void who_asked_to_be_taken_out_is_so_later_where_the_network_was_away(void **state)
{
    world_run(*state, leaver);
}

/* ---- after an update of the program ---- */

static void updated(struct world *w)
{
    struct peer *bo = world_installation(w, 2), *alix = world_installation(w, 1);
    const char *alix_id = alix->core.self.inbox_id;
    const struct group_options options = {.name = "newer"};
    char hex[33], params[80];
    uint8_t id[16];
    json_t *sent;

    bo->core.protocol_version = "99.0.0";
    OK(group_create(&bo->core, &options, NULL, 0, id, &err));
    OK(group_update_attribute(&bo->core, id, ATTR_MIN_VERSION, "99.0.0", &err));
    OK(group_add_members(&bo->core, id, &alix_id, 1, &err));
    peer_sync(alix);
    peer_make_whole(alix);
    alix->core.quiet = true;
    alix->core.protocol_version = "99.0.0";
    worker_start(&alix->core);
    hex_encode(id, 16, hex);
    snprintf(params, sizeof params, "{\"id\":\"%s\",\"text\":\"here\"}", hex);
    sent = peer_call(alix, "conversation.send", params);
    assert_string_equal(json_string_value(json_object_get(sent, "status")), "published");
    json_decref(sent);
    peer_stop(w, alix);
}

static void what_waited_for_an_update_is_open_from_its_first_start_on(void **state)
{
    world_run(*state, updated);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_quiet_client_hears_of_a_chat_by_list_alone),
        TEST(a_quiet_client_hears_of_everything_by_sync_all_alone),
        TEST(a_quiet_client_hears_of_a_decision_by_preferences_sync_alone),
        TEST(a_quiet_client_hears_of_everything_by_a_stream_alone),
        TEST(a_client_that_is_not_quiet_fetches_by_itself),
        TEST(who_asked_to_be_taken_out_is_so_later_where_the_network_was_away),
        TEST(what_waited_for_an_update_is_open_from_its_first_start_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
