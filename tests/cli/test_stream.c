/* Streams of `xmtui rpc`: every kind of notification, which subscription is told what, and what is said where
 * something is missing. */
#include "tests/cli/run.h"
#include "tests/cli/session.h"
#include "tests/programs.h"
#include "tests/test.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WAIT_MS 60000

static struct running alix, phone, bo;

static void learn(const char *name, struct running *rpc, const char *method, const char *params, const char *field)
{
    json_t *result = session_result(rpc, method, params);

    session_name(name, member(result, field));
    json_decref(result);
}

static int begin(void **state)
{
    char command[200];

    (void)state;
    if (programs_begin() != 0)
        return -1;
    json_decref(run_json("@alix init --new --json"));
    json_decref(run_json("@bo init --new --json"));
    snprintf(command, sizeof command, "@phone init --same-as %s/alix --json", programs_folder());
    run_start("@alix rpc", &alix);
    run_start("@bo rpc", &bo);
    learn("$ALIX", &alix, "client.info", "{}", "inboxId");
    learn("$ALIXDESK", &alix, "client.info", "{}", "installationId");
    learn("$BO", &bo, "client.info", "{}", "inboxId");
    learn("$BOPHONE", &bo, "client.info", "{}", "installationId");
    /* One subscription for everything. */
    json_decref(session_result(&alix, "stream.start", "{}"));
    json_decref(run_json(command));
    run_start("@phone rpc", &phone);
    learn("$ALIXPHONE", &phone, "client.info", "{}", "installationId");
    return 0;
}

static int finish(void **state)
{
    (void)state;
    if (run_end(&alix) != 0 || run_end(&bo) != 0 || run_end(&phone) != 0)
        return -1;
    return programs_finish();
}

/* ---- kinds ---- */

static void an_installation_that_appears_is_told(void **state)
{
    json_t *event;

    (void)state;
    do /* its own group, too, may come as news */
        event = session_event(&alix, "preferences");
    while (strcmp(member(json_object_get(event, "data"), "what"), "installation") != 0 && (json_decref(event), true));
    assert_int_equal(strlen(member(json_object_get(event, "data"), "groupId")), 32);
    assert_int_equal(json_integer_value(json_object_get(event, "subscription")), 1);
    json_decref(event);
}

#define CONVERSATION \
    "{\"data\":{\"active\":true,\"activeAtNs\":\"$ns\",\"addedByInboxId\":\"$BO\",\"consent\":\"unknown\",\"createdAtNs\":" \
    "\"$ns\",\"description\":\"\",\"duplicateOf\":null,\"epoch\":1,\"id\":\"$DM\",\"imageUrl\":\"\",\"lastMessage\":null," \
    "\"name\":\"\",\"peerConsent\":\"unknown\",\"peerInboxId\":\"$BO\",\"readUpToNs\":\"0\",\"type\":\"dm\",\"unread\":0}," \
    "\"subscription\":1}"

static void a_new_conversation_is_told(void **state)
{
    (void)state;
    learn("$DM", &bo, "conversations.newDm", "{\"peer\":\"$ALIX\"}", "id");
    session_expect_event(&alix, "conversation", CONVERSATION);
}

#define MESSAGE(content, id) \
    "{\"data\":{\"content\":{\"text\":\"" content "\"},\"contentType\":\"xmtp.org/text:1.0\",\"conversationId\":\"$DM\"," \
    "\"fallback\":null,\"id\":\"" id "\",\"insertedAtNs\":\"$ns\",\"kind\":\"application\",\"own\":false,\"reactions\":[]," \
    "\"replyTo\":null,\"senderInboxId\":\"$BO\",\"senderInstallationId\":\"$BOPHONE\",\"sentAtNs\":\"$ns\"," \
    "\"status\":\"published\"},\"subscription\":1}"

static void a_message_is_told(void **state)
{
    (void)state;
    json_decref(session_event(&alix, "message")); /* that we were added */
    learn("$TEXT", &bo, "conversation.send", "{\"id\":\"$DM\",\"text\":\"hello\"}", "messageId");
    session_expect_event(&alix, "message", MESSAGE("hello", "$TEXT"));
}

static void a_message_that_went_out_after_its_answer_is_told(void **state)
{
    (void)state;
    learn("$LATER", &alix, "conversation.send", "{\"id\":\"$DM\",\"text\":\"later\",\"optimistic\":true}", "messageId");
    json_decref(session_result(&alix, "conversation.publish", "{\"id\":\"$DM\"}"));
    session_expect_event(&alix, "status", "{\"data\":{\"conversationId\":\"$DM\",\"messageId\":\"$LATER\",\"status\":\"published\"},"
                                          "\"subscription\":1}");
}

static void decisions_are_told_whoever_made_them(void **state)
{
    static const char local[] = "{\"data\":{\"consentedAtNs\":\"$ns\",\"entity\":\"$DM\",\"entityType\":\"conversationId\","
                                "\"origin\":\"local\",\"state\":\"allowed\"},\"subscription\":1}",
                      synced[] = "{\"data\":{\"consentedAtNs\":\"$ns\",\"entity\":\"$BO\",\"entityType\":\"inboxId\","
                                 "\"origin\":\"$ALIXPHONE\",\"state\":\"denied\"},\"subscription\":1}";

    (void)state;
    session_expect_event(&alix, "consent", local); /* by the message that was sent before */
    json_decref(session_result(&phone, "preferences.setConsent",
                               "{\"records\":[{\"entityType\":\"inboxId\",\"entity\":\"$BO\",\"state\":\"denied\"}]}"));
    session_expect_event(&alix, "consent", synced);
    /* The same again is no change. */
    json_decref(session_result(&alix, "preferences.setConsent",
                               "{\"records\":[{\"entityType\":\"inboxId\",\"entity\":\"$BO\",\"state\":\"denied\"}]}"));
    json_decref(session_result(&alix, "client.info", "{}"));
    assert_true(session_no_event(&alix, "consent"));
    json_decref(session_result(&alix, "preferences.setConsent",
                               "{\"records\":[{\"entityType\":\"inboxId\",\"entity\":\"$BO\",\"state\":\"allowed\"}]}"));
    json_decref(session_event(&alix, "consent"));
}

/* ---- subscriptions ---- */

static void each_subscription_is_told_what_it_asked_for(void **state)
{
    json_t *event;

    (void)state;
    json_decref(session_result(&alix, "stream.start", "{\"kinds\":[\"consent\"]}"));                                /* 2 */
    json_decref(session_result(&alix, "stream.start", "{\"kinds\":[\"messages\"],\"consentStates\":[\"denied\"]}")); /* 3 */
    json_decref(session_result(&alix, "stream.start", "{\"kinds\":[\"messages\"]}"));                               /* 4 */
    session_forget_events();
    learn("$TWO", &bo, "conversation.send", "{\"id\":\"$DM\",\"text\":\"two\"}", "messageId");
    /* The newest subscription is told first. */
    event = session_event(&alix, "message");
    assert_int_equal(json_integer_value(json_object_get(event, "subscription")), 4);
    json_decref(event);
    session_expect_event(&alix, "message", MESSAGE("two", "$TWO"));
    json_decref(session_result(&alix, "client.info", "{}"));
    assert_true(session_no_event(&alix, "message"));
}

static void a_stopped_subscription_is_told_nothing_more(void **state)
{
    (void)state;
    for (int i = 2; i <= 4; i++) {
        char params[40];

        snprintf(params, sizeof params, "{\"subscription\":%d}", i);
        json_decref(session_result(&alix, "stream.stop", params));
    }
    learn("$THREE", &bo, "conversation.send", "{\"id\":\"$DM\",\"text\":\"three\"}", "messageId");
    session_expect_event(&alix, "message", MESSAGE("three", "$THREE"));
    json_decref(session_result(&alix, "client.info", "{}"));
    assert_true(session_no_event(&alix, "message"));
}

/* ---- the network ---- */

static void the_way_to_the_node_is_told(void **state)
{
    json_t *event;
    const char *now;

    (void)state;
    session_forget_events();
    assert_int_equal(programs_node_stop(), 0);
    event = session_event(&alix, "network");
    now = member(json_object_get(event, "data"), "state");
    assert_true(strcmp(now, "reconnecting") == 0 || strcmp(now, "offline") == 0);
    assert_int_equal(json_object_size(json_object_get(event, "data")), 1);
    assert_int_equal(json_integer_value(json_object_get(event, "subscription")), 1);
    json_decref(event);
    assert_int_equal(programs_node_start(), 0);
    do
        event = session_event(&alix, "network");
    while (strcmp(member(json_object_get(event, "data"), "state"), "live") != 0 && (json_decref(event), true));
    json_decref(event);
}

/* ---- what is missing ---- */

#define BATCHES 6
#define BATCH 1000

static void decide_many(int batch)
{
    char *params = malloc(BATCH * 160), *at = params;

    at += sprintf(at, "{\"records\":[");
    for (int i = 0; i < BATCH; i++)
        at += sprintf(at, "%s{\"entityType\":\"inboxId\",\"entity\":\"%064x\",\"state\":\"denied\"}", i ? "," : "",
                      batch * BATCH + i + 0x1000);
    sprintf(at, "]}");
    json_decref(session_result(&phone, "preferences.setConsent", params));
    json_decref(session_result(&phone, "preferences.publish", "{}"));
    free(params);
}

/* How many decisions alix's database has noted; what they were is sealed. */
static int noted(void)
{
    char path[200];
    sqlite3_stmt *statement;
    sqlite3 *db;
    int n = -1;

    snprintf(path, sizeof path, "%s/alix/xmtui.db", programs_folder());
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM consent_log", -1, &statement, NULL), SQLITE_OK);
    if (sqlite3_step(statement) == SQLITE_ROW)
        n = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return n;
}

/* Nobody reads while six thousand decisions arrive; each of two subscriptions is told once that some are missing, at the
 * place where they are. */
static void a_reader_that_is_too_slow_is_told_so(void **state)
{
    json_int_t subscription = 0;
    int told[2] = {0, 0}, seen = 0, before = noted();
    json_t *event;

    (void)state;
    event = session_result(&alix, "stream.start", "{\"kinds\":[\"consent\"]}");
    subscription = json_integer_value(json_object_get(event, "subscription"));
    json_decref(event);
    session_forget_events();
    for (int i = 0; i < BATCHES; i++)
        decide_many(i);
    for (int waited = 0; noted() < before + BATCHES * BATCH; waited += 50) {
        if (waited > WAIT_MS)
            fail_msg("%d decisions arrived, not %d", noted() - before, BATCHES * BATCH);
        usleep(50000);
    }
    /* Until both were told. */
    while (!told[0] || !told[1]) {
        char *line = run_line(&alix);

        event = json_loads(line, 0, NULL);
        free(line);
        if (strcmp(member(json_object_get(event, "params"), "kind"), "lagged") == 0) {
            json_int_t who = json_integer_value(json_object_get(json_object_get(event, "params"), "subscription"));

            assert_true(who == 1 || who == subscription);
            told[who != 1]++;
            assert_int_equal(json_object_size(json_object_get(json_object_get(event, "params"), "data")), 0);
        } else {
            seen++;
        }
        json_decref(event);
    }
    assert_true(seen > 1000 && seen < 2 * BATCHES * BATCH);
    assert_true(told[0] == 1 && told[1] == 1);
    kill(alix.pid, SIGKILL); /* it has still much to say */
    assert_int_equal(run_end(&alix), 128 + SIGKILL);
    run_start("@alix rpc", &alix);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_installation_that_appears_is_told),
        cmocka_unit_test(a_new_conversation_is_told),
        cmocka_unit_test(a_message_is_told),
        cmocka_unit_test(a_message_that_went_out_after_its_answer_is_told),
        cmocka_unit_test(decisions_are_told_whoever_made_them),
        cmocka_unit_test(each_subscription_is_told_what_it_asked_for),
        cmocka_unit_test(a_stopped_subscription_is_told_nothing_more),
        cmocka_unit_test(the_way_to_the_node_is_told),
        cmocka_unit_test(a_reader_that_is_too_slow_is_told_so),
    };

    return cmocka_run_group_tests(tests, begin, finish);
}
