/* The main screen, key by key, on a core that is a small world in memory. */
#include "base/alloc.h"
#include "tests/test.h"
#include "tests/ui/fake.h"
#include "tests/ui/golden.h"
#include "ui/json.h"
#include "ui/state.h"

#include <locale.h>
#include <stdlib.h>

static struct driver d;

static int start(void **state)
{
    (void)state;
    driver_start(&d, fake_new(), 24, 80);
    return 0;
}

static int end(void **state)
{
    (void)state;
    driver_end(&d);
    return 0;
}

static void resized(int rows, int cols)
{
    screen_resize(d.screen, rows, cols);
    driver_settle(&d);
}

static void draws_chats_talk_consent_installations_and_log(void **state)
{
    (void)state;
    assert_drawn(driver_screen(&d), "main-80x24");
    resized(40, 120);
    assert_drawn(driver_screen(&d), "main-120x40");
    resized(10, 40);
    assert_drawn(driver_screen(&d), "main-40x10");
    resized(24, 50);
    assert_drawn(driver_screen(&d), "main-50x24");
    resized(12, 80);
    assert_drawn(driver_screen(&d), "main-80x12");
    resized(3, 60);
    assert_drawn(driver_screen(&d), "main-60x3");
}

static void the_smallest_windows_say_what_matters(void **state)
{
    (void)state;
    resized(3, 60);
    assert_string_equal(driver_row(&d, 0), "window too small: 0 new, 1 request");
    resized(3, 19);
    assert_string_equal(driver_row(&d, 0), "small: 0 new, 1 req");
    fake_text(d.fake, "c0b2", "g4", DANA, "deploy at noon");
    driver_settle(&d);
    resized(2, 12);
    assert_string_equal(driver_row(&d, 0), "1 new, 1 req");
    resized(4, 20); /* the smallest with a conversation: no tabs, no times */
    assert_string_equal(driver_row(&d, 1), "       ll?");
    resized(11, 20);
    assert_drawn(driver_screen(&d), "main-20x11");
}

static void wide_windows_give_some_of_it_to_the_sides(void **state)
{
    (void)state;
    resized(60, 200);
    assert_non_null(strstr(driver_screen(&d), "< phone b02f  allowed  maria"));
    assert_drawn(driver_screen(&d), "main-200x60");
}

/* What the world has by now, as the core would say after events were dropped. */
static void list_again(void)
{
    fake_notify(d.fake, "lagged", json_object());
}

static void no_name_hides_what_became_of_a_decision(void **state)
{
    json_t *c = json_array_get(json_object_get(d.fake->world, "conversations"), 1);

    (void)state;
    json_object_set_new(c, "name", json_string("book club with a rather long name indeed"));
    fake_remote_consent(d.fake, "conversationId", "c0b2", "allowed", PHONE);
    list_again();
    driver_settle(&d);
    assert_non_null(strstr(driver_row(&d, 17), "#book club with a.."));
    assert_non_null(strstr(driver_row(&d, 17), "  [u]ndo"));
}

static void installations_tell_of_the_group_they_sync_by(void **state)
{
    (void)state;
    json_object_set_new(d.fake->world, "state",
                        json_pack("{s:[{s:s, s:b, s:i, s:[s]}, {s:s, s:b, s:i, s:[s,s,s]}]}", "groups", "id", "old", "primary", 0, "epoch", 2,
                                  "installations", THIS_INSTALLATION, "id", "new", "primary", 1, "epoch", 31, "installations",
                                  THIS_INSTALLATION, PHONE, "e9d4"));
    resized(40, 120);
    fake_notify(d.fake, "preferences", json_object());
    driver_settle(&d);
    assert_true(driver_shows(&d, "  sync group epoch 31, 3 members"));
    resized(24, 80); /* no room */
    assert_false(driver_shows(&d, "sync group"));
}

static void survives_every_size_and_comes_back(void **state)
{
    char *before = strdup(driver_screen(&d));

    (void)state;
    for (int rows = 1; rows <= 42; rows += rows < 12 ? 1 : 10)
        for (int cols = 1; cols <= 130; cols += cols < 24 ? 1 : 9) {
            resized(rows, cols);
            assert_int_equal(d.canvas.rows, rows);
            driver_type(&d, "<A-c><A-s><A-i><F1><Esc><A-g>x<Esc><Esc>");
        }
    resized(24, 80);
    assert_string_equal(driver_screen(&d), before);
    free(before);
}

static void one_pane_has_tabs(void **state)
{
    (void)state;
    resized(10, 40);
    driver_type(&d, "<A-c>");
    assert_drawn(driver_screen(&d), "consent-40x10");
    driver_type(&d, "4");
    assert_drawn(driver_screen(&d), "log-40x10");
    driver_type(&d, "<Esc>");
    assert_drawn(driver_screen(&d), "main-40x10");
}

static void sends_what_is_typed(void **state)
{
    (void)state;
    d.fake->hold = true;
    driver_type(&d, "sure, adding bo now<A-Enter>done<Enter>");
    assert_drawn(driver_screen(&d), "sending");
    assert_string_equal(fake_last(d.fake, "conversation.send"),
                        "conversation.send {\"id\":\"c0a1\",\"text\":\"sure, adding bo now\\ndone\"}");
    fake_release(d.fake);
    driver_settle(&d);
    assert_drawn(driver_screen(&d), "sent");
}

static void what_is_pasted_is_sent_without_the_line_end_after_it(void **state)
{
    (void)state;
    screen_paste(d.screen, "make all \nmake check\n", 21);
    driver_type(&d, "<Enter>");
    assert_string_equal(fake_last(d.fake, "conversation.send"), "conversation.send {\"id\":\"c0a1\",\"text\":\"make all \\nmake check\"}");
}

static void a_failed_send_stays_with_its_mark(void **state)
{
    (void)state;
    d.fake->fail_method = "conversation.send";
    d.fake->fail_code = "paused";
    d.fake->fail_text = "the group wants a newer version";
    driver_type(&d, "hello<Enter>");
    assert_non_null(strstr(driver_row(&d, 9), "hello"));
    assert_non_null(strstr(driver_row(&d, 9), " !"));
    assert_true(driver_shows(&d, "not sent: the group wants a newer version"));
}

static json_t *own_message(const char *id, const char *text, const char *status)
{
    return json_pack("{s:s, s:s, s:s, s:o, s:s, s:s, s:s, s:{s:s}}", "id", id, "conversationId", "c0a1", "senderInboxId", ME,
                     "sentAtNs", json_sprintf("%lld", (long long)d.now_ns + 5000000), "kind", "application", "status", status,
                     "contentType", "xmtp.org/text:1.0", "content", "text", text);
}

static size_t times_shown(const char *text)
{
    size_t n = 0;

    for (const char *at = driver_screen(&d); (at = strstr(at, text)) != NULL; at++)
        n++;
    return n;
}

static void what_is_on_its_way_stands_there_once(void **state)
{
    (void)state;
    d.fake->hold = true;
    driver_type(&d, "on its way<Enter>");
    fake_notify(d.fake, "message", own_message("sent4", "on its way", "unpublished")); /* the store has it before the node */
    driver_settle(&d);
    assert_int_equal(times_shown("on its way"), 1);
    driver_type(&d, "on its way<Enter>"); /* said twice, shown twice */
    assert_int_equal(times_shown("on its way"), 2);
    fake_notify(d.fake, "message", own_message("sent5", "on its way", "unpublished"));
    driver_settle(&d);
    assert_int_equal(times_shown("on its way"), 2);
    fake_release(d.fake);
    driver_settle(&d);
    assert_int_equal(times_shown("on its way"), 2);
    assert_non_null(strstr(driver_row(&d, 9), "  v"));
    assert_non_null(strstr(driver_row(&d, 10), "  v"));
}

static void what_became_of_a_message_later_is_shown(void **state)
{
    (void)state;
    fake_notify(d.fake, "message", own_message("out1", "for the outbox", "unpublished"));
    driver_settle(&d);
    assert_non_null(strstr(driver_row(&d, 10), "  ~"));
    fake_notify(d.fake, "status", json_pack("{s:s, s:s, s:s}", "messageId", "out1", "conversationId", "c0a1", "status", "published"));
    driver_settle(&d);
    assert_non_null(strstr(driver_row(&d, 10), "  v"));
    fake_notify(d.fake, "status", json_pack("{s:s, s:s, s:s}", "messageId", "out1", "conversationId", "c0a1", "status", "failed"));
    driver_settle(&d);
    assert_non_null(strstr(driver_row(&d, 10), "  !"));
}

static void a_message_taken_back_is_gone_at_once(void **state)
{
    json_t *m3 = json_array_get(json_object_get(json_object_get(d.fake->world, "messages"), "c0a1"), 2);

    (void)state;
    json_object_set_new(m3, "deletedBy", json_string("sender"));
    fake_notify(d.fake, "message",
                json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:{s:s}}", "id", "del1", "conversationId", "c0a1", "senderInboxId", MARIA,
                          "sentAtNs", "1795255450000000000", "kind", "application", "status", "published", "contentType",
                          "xmtp.org/deleteMessage:1.0", "content", "fallback", "Deleted a message"));
    driver_settle(&d);
    assert_true(driver_shows(&d, "[deleted by the sender]"));
    assert_false(driver_shows(&d, "can you add bo"));
    assert_false(driver_shows(&d, "eleteMessage"));
    assert_false(driver_shows(&d, "Deleted a message"));
}

/* The two sides have begun a chat each, and the peer writes in the other one: to people it is one chat. */
static void the_open_chat_goes_on_in_the_other_one_of_its_pair(void **state)
{
    json_t *chat = json_array_get(json_object_get(d.fake->world, "conversations"), 0), *messages;

    (void)state;
    assert_string_equal(js_str(chat, "id"), "c0a1");
    assert_true(driver_shows(&d, "can you add bo"));
    driver_type(&d, "half a sentence");
    messages = json_incref(json_object_get(json_object_get(d.fake->world, "messages"), "c0a1"));
    json_object_set_new(json_object_get(d.fake->world, "messages"), "c0a9", messages);
    json_object_set(json_object_get(d.fake->world, "members"), "c0a9",
                    json_object_get(json_object_get(d.fake->world, "members"), "c0a1"));
    json_object_set_new(chat, "id", json_string("c0a9"));
    fake_text(d.fake, "c0a9", "other1", MARIA, "over here");
    driver_settle(&d);
    assert_true(driver_shows(&d, "maria  over here"));
    assert_true(driver_shows(&d, "can you add bo"));
    assert_true(driver_shows(&d, "> half a sentence"));
    driver_type(&d, " ends<Enter>");
    assert_non_null(strstr(fake_last(d.fake, "conversation.send"), "\"c0a9\""));
    fake_text(d.fake, "c0a9", "other2", MARIA, "and here");
    driver_settle(&d);
    assert_true(driver_shows(&d, "maria  and here"));
    /* The list has the one in use; what comes in the other meanwhile is read as well. */
    json_array_append_new(messages, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:{s:s}}", "id", "other3", "conversationId", "c0a1",
                                              "senderInboxId", MARIA, "sentAtNs", "1795999999000000000", "kind", "application",
                                              "status", "published", "contentType", "xmtp.org/text:1.0", "content", "text",
                                              "there again"));
    fake_notify(d.fake, "message", json_deep_copy(json_array_get(messages, json_array_size(messages) - 1)));
    driver_settle(&d);
    assert_true(driver_shows(&d, "maria  there again"));
}

/* A chat of so many lines, "line 0." the first; opened. */
static void long_chat(int lines)
{
    char id[16], text[32];

    for (int i = 0; i < lines; i++) {
        snprintf(id, sizeof id, "x%d", i);
        snprintf(text, sizeof text, "line %d.", i);
        fake_text(d.fake, "c0b2", id, DANA, text);
    }
    for (int i = 0; i < lines / 100; i++) /* as many rounds as the notifications take */
        driver_settle(&d);
    driver_type(&d, "<A-1>"); /* by activity it comes first */
}

static void a_reaction_to_what_is_far_up_is_seen_there(void **state)
{
    json_t *first;

    (void)state;
    long_chat(200);
    for (int i = 0; i < 10; i++)
        driver_type(&d, "<PgUp>");
    first = json_array_get(json_object_get(json_object_get(d.fake->world, "messages"), "c0b2"), 3 + 60);
    json_object_set_new(first, "reactions", json_pack("[{s:s}]", "emoji", "+1"));
    fake_notify(d.fake, "message",
                json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:{s:s, s:s, s:s}}", "id", "r1", "conversationId", "c0b2", "senderInboxId",
                          DANA, "sentAtNs", "1795299999000000000", "kind", "application", "status", "published", "contentType",
                          "xmtp.org/reaction:1.0", "content", "emoji", "+1", "action", "added", "reference", "x60"));
    driver_settle(&d);
    driver_type(&d, "/search line 60.<Enter><Enter>");
    assert_true(driver_shows(&d, "line 60."));
    assert_true(driver_shows(&d, "[+1 1]"));
}

static void two_slashes_send_one(void **state)
{
    (void)state;
    driver_type(&d, "//etc/motd<Enter>");
    assert_string_equal(fake_last(d.fake, "conversation.send"), "conversation.send {\"id\":\"c0a1\",\"text\":\"/etc/motd\"}");
}

static void messages_arrive_while_one_watches(void **state)
{
    (void)state;
    fake_text(d.fake, "c0a1", "m4", MARIA, "are you there?");
    fake_text(d.fake, "c0b2", "g4", DANA, "deploy at noon");
    driver_settle(&d);
    assert_drawn(driver_screen(&d), "arrived");
    assert_string_equal(fake_last(d.fake, "conversation.markRead"),
                        "conversation.markRead {\"id\":\"c0a1\",\"upToNs\":\"1795255441000000000\"}");
}

static void nothing_is_marked_read_without_focus(void **state)
{
    size_t before;

    (void)state;
    driver_type(&d, "<FocusOut>");
    before = fake_count(d.fake, "conversation.markRead");
    fake_text(d.fake, "c0a1", "m4", MARIA, "are you there?");
    driver_settle(&d);
    assert_int_equal(fake_count(d.fake, "conversation.markRead"), before);
    driver_type(&d, "<FocusIn>");
    assert_int_equal(fake_count(d.fake, "conversation.markRead"), before + 1);
}

static void one_key_blocks_and_one_undoes(void **state)
{
    (void)state;
    d.fake->hold = true;
    driver_type(&d, "<A-c>b");
    assert_drawn(driver_screen(&d), "blocking"); /* at once, before any answer */
    fake_release(d.fake);
    driver_settle(&d);
    assert_string_equal(fake_last(d.fake, "preferences.block"), "preferences.block {\"targets\":[\"c0c3\"]}");
    driver_type(&d, "d");
    assert_drawn(driver_screen(&d), "blocked");
    driver_type(&d, "u");
    assert_string_equal(fake_last(d.fake, "preferences.undo"), "preferences.undo {\"id\":2}");
    driver_type(&d, "r");
    assert_true(driver_shows(&d, "> ? 0x9f3a..0000"));
}

static void a_block_made_elsewhere_takes_the_chat_out_of_sight(void **state)
{
    (void)state;
    fake_remote_consent(d.fake, "inboxId", MARIA, "denied", PHONE);
    driver_settle(&d);
    assert_drawn(driver_screen(&d), "blocked-elsewhere");
    fake_remote_consent(d.fake, "inboxId", MARIA, "allowed", PHONE); /* and taken back there */
    driver_settle(&d);
    assert_false(driver_shows(&d, "was blocked"));
    fake_remote_consent(d.fake, "inboxId", MARIA, "denied", PHONE);
    driver_settle(&d);
    driver_type(&d, "<A-s>u");
    assert_string_equal(fake_last(d.fake, "preferences.undo"), "preferences.undo {\"id\":4}");
    assert_true(driver_shows(&d, "1   maria"));
}

static void decisions_do_not_read_all_chats(void **state)
{
    size_t before = d.fake->lists;

    (void)state;
    fake_remote_consent(d.fake, "inboxId", STRANGER, "allowed", PHONE);
    driver_settle(&d);
    assert_true(driver_shows(&d, "2   0x9f3a..0000"));
    driver_type(&d, "<A-l>b"); /* here */
    assert_false(driver_shows(&d, "1   maria"));
    driver_type(&d, "u");
    assert_true(driver_shows(&d, "maria"));
    fake_remote_consent(d.fake, "conversationId", "c0b2", "denied", PHONE);
    driver_settle(&d);
    assert_false(driver_shows(&d, "# ops-oncall"));
    assert_int_equal(d.fake->lists, before);
}

static void ones_own_address_is_whole_in_a_narrow_window(void **state)
{
    (void)state;
    fake_remote_consent(d.fake, "inboxId", MARIA, "denied", PHONE);
    resized(16, 40);
    assert_drawn(driver_screen(&d), "no-chat-40x16");
}

/* Made while that installation was offline: when it came is not when it was made. */
static void a_decision_that_comes_late_tells_when_it_was_made(void **state)
{
    json_t *row;

    (void)state;
    fake_remote_consent(d.fake, "conversationId", "c0b2", "denied", PHONE);
    row = json_array_get(json_object_get(d.fake->world, "log"), 0);
    driver_type(&d, "<A-s>");
    assert_false(driver_shows(&d, "made "));
    json_object_set_new(row, "decidedAtNs", json_sprintf("%lld", (long long)(d.fake->now_ns - 600 * INT64_C(1000000000))));
    list_again();
    driver_settle(&d);
    assert_true(driver_shows(&d, "made 09:54:01  [u]ndo"));
}

static void a_block_made_here_is_told_as_ones_own(void **state)
{
    (void)state;
    driver_type(&d, "<A-l>b"); /* whom the phone had allowed */
    assert_true(driver_shows(&d, "maria was blocked by this 7c1e."));
}

static void the_outbox_is_looked_at_until_it_is_empty(void **state)
{
    (void)state;
    d.fake->outbox = 2;
    driver_type(&d, "<A-1>hello<Enter>");
    driver_wait(&d, 600); /* it is asked twice a second at most */
    driver_type(&d, "again<Enter>");
    assert_true(driver_shows(&d, "outbox 2"));
    assert_true(screen_wait_ms(d.screen) <= 1000);
    driver_wait(&d, 1000);
    assert_true(driver_shows(&d, "outbox 2"));
    d.fake->outbox = 0;
    driver_wait(&d, 1000);
    assert_false(driver_shows(&d, "outbox"));
    assert_true(screen_wait_ms(d.screen) > 2000); /* the turn of the minute alone */
}

static void assert_copied(const char *want)
{
    char *text = screen_take_copy(d.screen);

    assert_non_null(text);
    assert_string_equal(text, want);
    xm_free(text);
    assert_null(screen_take_copy(d.screen));
}

static void the_log_tells_of_the_stream_and_of_installations_too(void **state)
{
    json_t *installations = json_object_get(d.fake->world, "installations");

    (void)state;
    resized(40, 120);
    d.fake->hold = true; /* or the core would say that all is well */
    fake_notify(d.fake, "network", json_pack("{s:s}", "state", "reconnecting"));
    driver_wait(&d, 2000);
    fake_notify(d.fake, "network", json_pack("{s:s}", "state", "offline")); /* worse, and not told again */
    driver_wait(&d, 2000);
    fake_notify(d.fake, "network", json_pack("{s:s}", "state", "live"));
    driver_wait(&d, 1000);
    json_array_append_new(installations, json_pack("{s:s, s:s, s:s, s:b, s:b}", "id", "e9d4e9d4e9d4", "nick", "work", "createdAtNs",
                                                   "1795255440000000000", "self", 0, "inSyncGroup", 1));
    fake_notify(d.fake, "preferences", json_object());
    driver_settle(&d);
    fake_remote_consent(d.fake, "inboxId", STRANGER, "denied", PHONE);
    driver_wait(&d, 1000);
    assert_drawn(driver_screen(&d), "log-120x40");
    driver_type(&d, "<A-s>f"); /* decisions alone */
    assert_false(driver_shows(&d, "stream lost"));
    assert_true(driver_shows(&d, "decisions"));
    driver_type(&d, "f"); /* those of others */
    assert_true(driver_shows(&d, "received"));
    driver_type(&d, "f<Down><Down><Down>");
    assert_non_null(strstr(driver_row(&d, d.canvas.cursor_row), "stream lost"));
    driver_type(&d, "u");
    assert_true(driver_shows(&d, "Nothing to undo"));
    driver_type(&d, "<Home>y");
    assert_copied("10:04:06 < phone b02f  denied  0x9f3a..0000  was unknown, received");
}

static void the_log_undoes_the_row_one_is_at_though_another_came_above_it(void **state)
{
    (void)state;
    fake_remote_consent(d.fake, "inboxId", STRANGER, "allowed", PHONE);
    driver_settle(&d);
    driver_type(&d, "<A-s>");
    fake_remote_consent(d.fake, "conversationId", "c0b2", "denied", PHONE);
    driver_settle(&d);
    driver_type(&d, "u");
    assert_string_equal(fake_last(d.fake, "preferences.undo"), "preferences.undo {\"id\":2}");
    driver_type(&d, "<Esc><A-s>u"); /* another look begins at the newest, which is that undo */
    assert_string_equal(fake_last(d.fake, "preferences.undo"), "preferences.undo {\"id\":4}");
}

static void peeking_leaves_no_trace(void **state)
{
    size_t calls;

    (void)state;
    calls = json_array_size(d.fake->trace);
    driver_type(&d, "<A-c>p");
    assert_drawn(driver_screen(&d), "peek");
    driver_type(&d, "<PgUp><End>");
    assert_int_equal(json_array_size(d.fake->trace), calls);
}

static void a_reply_to_somebody_unknown_says_first_that_it_accepts(void **state)
{
    (void)state;
    driver_type(&d, "<A-c>p<Esc>hello<Enter>");
    assert_true(driver_shows(&d, "sending will accept 0x9f3a..0000, Enter again"));
    assert_string_equal(fake_last(d.fake, "conversation.send"), "");
    driver_type(&d, "!<Enter>"); /* another text asks again */
    assert_string_equal(fake_last(d.fake, "conversation.send"), "");
    driver_type(&d, "<Enter>");
    assert_string_equal(fake_last(d.fake, "conversation.send"), "conversation.send {\"id\":\"c0c3\",\"text\":\"hello!\"}");
    assert_string_equal(fake_last(d.fake, "preferences.allow"), "preferences.allow {\"targets\":[\"c0c3\"]}");
}

static void a_low_screen_says_too_what_has_to_be_said_while_one_types(void **state)
{
    (void)state;
    driver_type(&d, "<A-c>p<Esc>");
    resized(10, 40);
    driver_type(&d, "hello<Enter>");
    assert_non_null(strstr(driver_row(&d, 9), "> hello"));
    assert_non_null(strstr(driver_row(&d, 8), "sending will accept 0x9f3a..0000, Ent"));
    driver_type(&d, "!");
    assert_non_null(strstr(driver_row(&d, 8), "me@local"));
}

static void no_name_is_long_enough_to_hide_what_was_decided(void **state)
{
    json_t *c = json_array_get(json_object_get(d.fake->world, "conversations"), 2);

    (void)state;
    json_object_set_new(c, "type", json_string("group"));
    json_object_set_new(c, "name", json_string("a friend of yours, allowed by this 7c1e 21 Nov, and more of the kind"));
    fake_text(d.fake, "c0c3", "s2", STRANGER, "hi");
    list_again();
    driver_settle(&d);
    driver_type(&d, "<A-c>p");
    assert_non_null(strstr(driver_row(&d, 0), ".."));
    assert_non_null(strstr(driver_row(&d, 0), "  group  unknown  [peek]  E2EE epoch 1  2 members"));
    resized(10, 40);
    assert_non_null(strstr(driver_row(&d, 0), "..  group  unknown"));
    assert_non_null(strstr(driver_row(&d, 0), "[peek]"));
}

static void group_update(const char *chat, const char *id)
{
    fake_notify(d.fake, "message",
                json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:{s:[], s:[], s:[], s:[]}}", "id", id, "conversationId", chat,
                          "senderInboxId", DANA, "sentAtNs", "1795255440000000000", "kind", "membershipChange", "status",
                          "published", "contentType", "xmtp.org/group_updated:1.0", "content", "addedInboxes", "removedInboxes",
                          "leftInboxes", "metadataChanges"));
}

/* With thousands of chats each reading of all of them can be felt in the keys. */
static void a_change_of_one_group_does_not_read_all_chats(void **state)
{
    json_t *chats = json_object_get(d.fake->world, "conversations");
    size_t before = d.fake->lists;

    (void)state;
    json_object_set_new(json_array_get(chats, 1), "name", json_string("renamed"));
    group_update("c0b2", "u1");
    json_array_append_new(chats, json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", "c0f7", "type", "group", "name", "brand new", "consent",
                                           "allowed", "createdAtNs", "1795255440000000000"));
    group_update("c0f7", "u2");
    driver_settle(&d);
    assert_true(driver_shows(&d, "# renamed"));
    assert_true(driver_shows(&d, "# brand new"));
    assert_int_equal(d.fake->lists, before);
    /* The other chat of a pair is the list's to tell. */
    json_array_append_new(chats, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "id", "c0f8", "type", "dm", "name", "", "consent",
                                           "allowed", "createdAtNs", "1795255440000000000", "peerInboxId", MARIA));
    group_update("c0f8", "u3");
    driver_settle(&d);
    assert_int_equal(d.fake->lists, before + 1);
}

static void the_newest_request_is_selected_until_one_looks(void **state)
{
    (void)state;
    fake_notify(d.fake, "conversation",
                json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", "c0f7", "type", "group", "name", "free mint", "consent", "unknown",
                          "createdAtNs", "1795255441000000000"));
    driver_settle(&d);
    assert_true(driver_shows(&d, "> ? # free mint"));
    driver_type(&d, "<A-c><Down>");
    fake_notify(d.fake, "conversation",
                json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", "c0f8", "type", "group", "name", "freer mint", "consent", "unknown",
                          "createdAtNs", "1795255442000000000"));
    driver_settle(&d);
    assert_true(driver_shows(&d, "> ? 0x9f3a..0000")); /* a key acts on what it was pressed for */
}

static void allowing_the_chat_one_peeks_at_ends_the_peeking(void **state)
{
    (void)state;
    driver_type(&d, "<A-c>p");
    assert_int_equal(fake_count(d.fake, "conversation.markRead"), 1); /* maria's, from the start */
    driver_type(&d, "a");
    assert_false(driver_shows(&d, "[peek]"));
    assert_non_null(strstr(fake_last(d.fake, "conversation.markRead"), "c0c3"));
}

static void the_tabs_of_consent_have_their_words_in_a_narrow_pane_too(void **state)
{
    (void)state;
    assert_non_null(strstr(driver_row(&d, 9), "[Unknown 1] Ok 2"));
    assert_non_null(strstr(driver_row(&d, 10), " Denied 1"));
    driver_type(&d, "<A-c>d");
    assert_non_null(strstr(driver_row(&d, 7), " Unknown 1  Ok 2"));
    assert_non_null(strstr(driver_row(&d, 8), "[Denied 1]"));
    assert_non_null(strstr(driver_row(&d, 9), "> x 0x4444..4444"));
}

static void denied_words_in_a_group_are_counted_and_can_be_opened(void **state)
{
    (void)state;
    driver_type(&d, "<A-2>");
    assert_drawn(driver_screen(&d), "group");
    driver_type(&d, "<Tab><Tab>h");
    assert_true(driver_shows(&d, "buy now"));
}

static void long_lists_are_gone_through_in_steps(void **state)
{
    char id[16], name[32];

    (void)state;
    for (int i = 0; i < 40; i++) {
        snprintf(id, sizeof id, "d%d", i);
        snprintf(name, sizeof name, "group %d", i);
        fake_notify(d.fake, "conversation",
                    json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", id, "type", "group", "name", name, "consent", i < 20 ? "unknown" : "allowed",
                              "createdAtNs", "1795200000000000000"));
    }
    driver_settle(&d);
    driver_type(&d, "<A-l><End>");
    assert_true(driver_shows(&d, "# group 39"));
    driver_type(&d, "<Home><PgDn>");
    assert_non_null(strstr(driver_row(&d, d.canvas.cursor_row), "# group 28"));
    driver_type(&d, "<PgUp>");
    assert_int_equal(d.canvas.cursor_row, 2);
    driver_type(&d, "<A-c><End>");
    assert_non_null(strstr(driver_row(&d, d.canvas.cursor_row), "# group 19"));
    driver_type(&d, "<PgUp><PgUp><PgUp>");
    assert_non_null(strstr(driver_row(&d, d.canvas.cursor_row), "0x9f3a..0000"));
}

static void the_order_stands_still_while_the_list_has_the_focus(void **state)
{
    (void)state;
    driver_type(&d, "<A-l>");
    fake_text(d.fake, "c0b2", "g4", DANA, "deploy at noon");
    driver_settle(&d);
    assert_non_null(strstr(driver_row(&d, 2), "maria"));
    assert_non_null(strstr(driver_row(&d, 3), "# ops-oncall"));
    driver_type(&d, "<Esc>");
    assert_non_null(strstr(driver_row(&d, 2), "# ops-oncall"));
}

static void the_list_begins_at_the_open_chat_wherever_that_is_now(void **state)
{
    (void)state;
    driver_type(&d, "/go ops-oncall<Enter>on it<Enter>"); /* which moves it to the top */
    driver_type(&d, "<A-l>b");
    assert_string_equal(fake_last(d.fake, "preferences.block"), "preferences.block {\"targets\":[\"c0b2\"]}");
}

static void what_is_selected_in_the_list_stays_so_when_another_goes(void **state)
{
    json_t *c = json_pack("{s:s, s:s, s:s, s:s, s:s, s:i}", "id", "c0e5", "type", "group", "name", "choir", "consent", "allowed",
                          "createdAtNs", "1795250500000000000", "unread", 0);

    (void)state;
    json_array_append_new(json_object_get(d.fake->world, "conversations"), c);
    fake_notify(d.fake, "conversation", json_deep_copy(c));
    driver_settle(&d);
    driver_type(&d, "<A-l><Down>"); /* maria, ops-oncall, choir */
    fake_remote_consent(d.fake, "inboxId", MARIA, "denied", PHONE);
    driver_settle(&d);
    driver_type(&d, "b");
    assert_string_equal(fake_last(d.fake, "preferences.block"), "preferences.block {\"targets\":[\"c0b2\"]}");
}

static void the_list_can_show_what_is_unread_alone(void **state)
{
    (void)state;
    fake_text(d.fake, "c0b2", "g4", DANA, "deploy at noon");
    driver_settle(&d);
    driver_type(&d, "<A-l>f");
    assert_non_null(strstr(driver_row(&d, 1), "[CHATS]"));
    assert_non_null(strstr(driver_row(&d, 1), "unread"));
    assert_non_null(strstr(driver_row(&d, 2), "# ops-oncall"));
    assert_non_null(strstr(driver_row(&d, 3), "maria")); /* the open one stays */
    driver_type(&d, "<A-1><Esc>");
    assert_non_null(strstr(driver_row(&d, 2), "# ops-oncall"));
    assert_null(strstr(driver_row(&d, 3), "maria"));
    driver_type(&d, "<A-l>f");
    assert_non_null(strstr(driver_row(&d, 3), "maria"));
}

static void the_list_says_where_the_blocked_are(void **state)
{
    (void)state;
    resized(40, 120);
    assert_non_null(strstr(driver_row(&d, 33), "blocked are hidden"));
    assert_non_null(strstr(driver_row(&d, 34), "1 denied, Alt-c d"));
    driver_type(&d, "<A-c>db");
    driver_type(&d, "a");
    assert_false(driver_shows(&d, "blocked are hidden"));
}

static void scrolls_back_through_pages_of_the_store(void **state)
{
    char id[16], text[32];

    (void)state;
    for (int i = 0; i < 1000; i++) {
        snprintf(id, sizeof id, "x%d", i);
        snprintf(text, sizeof text, "line %d", i);
        fake_text(d.fake, "c0b2", id, DANA, text);
    }
    driver_settle(&d);
    d.now_ns += 2000 * INT64_C(1000000000);
    driver_type(&d, "<A-1>"); /* by activity it comes first now */
    assert_true(driver_shows(&d, "line 999"));
    for (int i = 0; i < 30; i++)
        driver_type(&d, "<PgUp>");
    assert_true(driver_shows(&d, "scrolled"));
    assert_false(driver_shows(&d, "line 999"));
    fake_text(d.fake, "c0b2", "late", DANA, "while you were up there");
    driver_settle(&d);
    assert_true(driver_shows(&d, "scrolled: 1 newer below, End"));
    driver_type(&d, "<End>");
    assert_true(driver_shows(&d, "while you were up there"));
    for (int i = 0; i < 100; i++)
        driver_type(&d, "<PgUp>");
    assert_true(driver_shows(&d, "ops-oncall"));
    assert_true(driver_shows(&d, "[hidden]"));
}

/* The first and last of the lines on the screen, which have to follow each other. */
static void shown_lines(int *first, int *last)
{
    *first = *last = -1;
    for (const char *at = driver_screen(&d); (at = strstr(at, "  line ")) != NULL; at++) {
        int n = atoi(at + 7);

        if (at[7 + strspn(at + 7, "0123456789")] != '.')
            continue; /* the input's own */
        if (*first < 0)
            *first = n;
        else
            assert_int_equal(n, *last + 1);
        *last = n;
    }
    assert_true(*first >= 0);
}

static void the_ends_of_a_long_chat_are_one_page_away(void **state)
{
    int first, last;
    size_t pages;

    (void)state;
    long_chat(3000);
    pages = d.fake->pages;
    driver_type(&d, "<Home>");
    assert_true(driver_shows(&d, "added 0x4444..4444")); /* what the chat begins with */
    shown_lines(&first, &last);
    assert_int_equal(first, 0);
    assert_in_range(d.fake->pages - pages, 1, 2);
    driver_type(&d, "<PgDn>");
    shown_lines(&first, &last);
    assert_in_range(first, 1, 20);
    driver_type(&d, "<End>");
    assert_true(driver_shows(&d, "line 2999."));
    assert_in_range(d.fake->pages - pages, 2, 4);
}

static void scrolling_leaves_nothing_out_on_either_way(void **state)
{
    int first, last, was_first, was_last;

    (void)state;
    long_chat(1500);
    shown_lines(&first, &last);
    assert_int_equal(last, 1499);
    while (first > 0) {
        was_first = first;
        driver_type(&d, "<PgUp>");
        shown_lines(&first, &last);
        assert_in_range(last, was_first - 1, was_first + 14);
        assert_in_range(first, 0, was_first - 1);
    }
    while (last < 1499) {
        was_last = last;
        driver_type(&d, "<PgDn>");
        shown_lines(&first, &last);
        assert_in_range(first, was_last > 20 ? was_last - 14 : 0, was_last + 1);
        assert_in_range(last, was_last + 1, 1499);
    }
    assert_false(driver_shows(&d, "scrolled"));
}

static void many_unread_are_counted_from_where_they_begin(void **state)
{
    (void)state;
    driver_type(&d, "<FocusOut>");
    for (int i = 0; i < 200; i++) {
        char id[16], text[32];

        snprintf(id, sizeof id, "x%d", i);
        snprintf(text, sizeof text, "line %d.", i);
        fake_text(d.fake, "c0b2", id, DANA, text);
    }
    for (int i = 0; i < 4; i++)
        driver_settle(&d);
    driver_type(&d, "<A-1><A-u>");
    assert_true(driver_shows(&d, "200 new since"));
    assert_true(driver_shows(&d, "line 0."));
}

static void what_came_one_by_one_looks_as_if_read_at_once(void **state)
{
    char id[16], text[80], *before;

    (void)state;
    driver_type(&d, "<A-2>");
    for (int i = 0; i < 700; i++) { /* more than the window holds, over some days */
        snprintf(id, sizeof id, "x%d", i);
        snprintf(text, sizeof text, "line %d%s", i, i % 3 ? "" : " is long enough to take a second row of the pane");
        d.fake->now_ns += INT64_C(900000000000);
        fake_text(d.fake, "c0b2", id, i % 5 == 2 ? MALLORY : DANA, text);
        if (i % 7 == 0)
            driver_settle(&d);
    }
    d.fake->now_ns += INT64_C(86400000000000);
    fake_text(d.fake, "c0b2", "late1", DANA, "the first of its day");
    driver_settle(&d);
    d.fake->now_ns -= INT64_C(3600000000000);
    fake_text(d.fake, "c0b2", "late0", DANA, "no, this one was");
    driver_settle(&d);
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < 6 * round; i++)
            driver_type(&d, "<PgUp>");
        before = strdup(driver_screen(&d));
        driver_type(&d, "<A-2><A-1>"); /* read anew */
        for (int i = 0; i < 6 * round; i++)
            driver_type(&d, "<PgUp>");
        assert_string_equal(driver_screen(&d), before);
        free(before);
        driver_type(&d, "<End>");
    }
}

static void drafts_are_saved_at_a_pause_and_come_back(void **state)
{
    (void)state;
    driver_type(&d, "half a thou");
    assert_string_equal(fake_last(d.fake, "conversation.draft"), "");
    driver_wait(&d, 1000);
    assert_string_equal(fake_last(d.fake, "conversation.draft"), "conversation.draft {\"id\":\"c0a1\",\"text\":\"half a thou\"}");
    assert_true(driver_shows(&d, "draft saved  11"));
    driver_type(&d, "ght<A-2>");
    assert_string_equal(fake_last(d.fake, "conversation.draft"), "conversation.draft {\"id\":\"c0a1\",\"text\":\"half a thought\"}");
    assert_true(driver_shows(&d, "maria      draft"));
    driver_type(&d, "<A-1>");
    assert_non_null(strstr(driver_row(&d, 21), "> half a thought"));
}

static void leaving_keeps_what_is_typed(void **state)
{
    (void)state;
    d.fake->hold = true;
    driver_type(&d, "unsent");
    screen_end(d.screen);
    assert_true(screen_has_ended(d.screen));
    assert_false(screen_may_end(d.screen));
    assert_string_equal(fake_last(d.fake, "conversation.draft"), "conversation.draft {\"id\":\"c0a1\",\"text\":\"unsent\"}");
    fake_release(d.fake);
    driver_settle(&d);
    assert_true(screen_may_end(d.screen));
}

static void one_ctrl_c_cancels_and_two_quit(void **state)
{
    (void)state;
    driver_type(&d, "x<A-c><C-c>");
    assert_false(screen_has_ended(d.screen));
    assert_true(driver_shows(&d, "Ctrl-C once more quits"));
    driver_wait(&d, 2100);
    driver_type(&d, "<C-c>");
    assert_false(screen_has_ended(d.screen));
    driver_type(&d, "<C-c>");
    assert_true(screen_has_ended(d.screen));
}

static void five_pasted_lines_are_asked_about(void **state)
{
    (void)state;
    screen_paste(d.screen, "a\nb\nc\nd", 7);
    driver_settle(&d);
    assert_int_equal(fake_count(d.fake, "conversation.send"), 0);
    assert_true(driver_shows(&d, "line 4/4"));
    driver_type(&d, "<C-u><BS><C-u><BS><C-u><BS><C-u>");
    screen_paste(d.screen, "a\r\nb\r\nc\r\nd\r\ne", 13);
    driver_settle(&d);
    assert_drawn(driver_screen(&d), "paste");
    driver_type(&d, "<Esc>");
    assert_true(driver_shows(&d, "line 1/1"));
    screen_paste(d.screen, "a\nb\nc\nd\ne", 9);
    driver_type(&d, "<Enter>");
    assert_true(driver_shows(&d, "line 5/5"));
    assert_int_equal(fake_count(d.fake, "conversation.send"), 0);
}

static void questions_are_whole_in_narrow_windows(void **state)
{
    json_t *c = json_array_get(json_object_get(d.fake->world, "conversations"), 1);

    (void)state;
    json_object_set_new(c, "name", json_string("book club with a rather long name indeed, so long that nobody reads it"));
    list_again();
    driver_settle(&d);
    resized(10, 40);
    screen_paste(d.screen, "a\nb\nc\nd\ne", 9);
    driver_settle(&d);
    assert_true(driver_shows(&d, "Paste 5 lines, 9 bytes?"));
    assert_true(driver_shows(&d, "Enter inserts, Esc drops, nothing sent"));
    driver_type(&d, "<Esc><A-2>/leave<Enter>");
    assert_true(driver_shows(&d, "Leave book club with a..? Type yes"));
    driver_type(&d, "yes<Enter>");
    assert_string_equal(fake_last(d.fake, "conversation.leave"), "conversation.leave {\"id\":\"c0b2\"}");
    driver_type(&d, "/revoke b02f<Enter>");
    assert_true(driver_shows(&d, "Revoke phone b02f? Type b02f"));
}

static void goes_to_a_chat_by_part_of_its_name(void **state)
{
    (void)state;
    driver_type(&d, "<A-g>onc");
    assert_drawn(driver_screen(&d), "go");
    driver_type(&d, "<Enter>");
    assert_non_null(strstr(driver_row(&d, 0), "ops-oncall  group"));
    driver_type(&d, "<A-g>9f3a<Enter>");
    assert_non_null(strstr(driver_row(&d, 0), "0x9f3a..0000  1:1  unknown"));
    driver_type(&d, "/go ops-oncall<Enter>/go maria<Enter>"); /* a whole name needs no choice, be it a person's */
    assert_true(driver_shows(&d, "[maria]"));
}

static void the_selected_message_stands_clear_of_the_line_about_scrolling(void **state)
{
    char id[16], text[32];

    (void)state;
    for (int i = 0; i < 40; i++) {
        snprintf(id, sizeof id, "x%d", i);
        snprintf(text, sizeof text, "line %d.", i);
        fake_text(d.fake, "c0a1", id, MARIA, text);
    }
    driver_settle(&d);
    driver_type(&d, "<A-t>");
    for (int i = 0; i < 30; i++)
        driver_type(&d, "<Up>");
    for (int i = 0; i < 20; i++) {
        driver_type(&d, "<Down>");
        assert_non_null(strstr(driver_row(&d, d.canvas.cursor_row), "line"));
    }
}

static void words_are_found_in_the_open_chat(void **state)
{
    (void)state;
    driver_type(&d, "<A-/>LOGS");
    assert_drawn(driver_screen(&d), "search");
    driver_type(&d, "<Enter>");
    assert_int_equal(d.canvas.cursor_row, 3); /* the message found is the selected one */
    assert_non_null(strstr(driver_row(&d, 3), "yes, logs are here:"));
    driver_type(&d, "<Esc><A-/>nowhere");
    assert_true(driver_shows(&d, "0 found"));
    driver_type(&d, "<Enter><Esc><A-/>");
    screen_paste(d.screen, "staging", 7);
    driver_settle(&d);
    assert_true(driver_shows(&d, "> staging"));
    assert_true(driver_shows(&d, "1 found"));
}

static void words_are_found_in_all_chats_but_not_of_denied_people(void **state)
{
    (void)state;
    driver_type(&d, "/search morning<Enter>");
    assert_true(driver_shows(&d, "search all chats"));
    assert_true(driver_shows(&d, "ops-oncall  0x2222..2222: morning"));
    driver_type(&d, "<Enter>");
    assert_non_null(strstr(driver_row(&d, 0), "ops-oncall  group"));
    assert_true(d.canvas.cursor_shown);
    assert_non_null(strstr(driver_row(&d, d.canvas.cursor_row), "morning"));
    driver_type(&d, "<Esc>/search buy now<Enter>");
    assert_true(driver_shows(&d, "0 found"));
    driver_type(&d, "<Tab>");
    assert_true(driver_shows(&d, "search ops-oncall"));
    driver_type(&d, "<Esc>/search maintainer<Enter><Enter>"); /* a stranger's words are looked at without a trace */
    assert_true(driver_shows(&d, "[peek]"));
}

static void a_word_of_long_ago_is_found_and_read_on_from_there(void **state)
{
    char id[16], text[32];
    size_t before;

    (void)state;
    for (int i = 0; i < 1500; i++) {
        snprintf(id, sizeof id, "x%d", i);
        snprintf(text, sizeof text, "line %d.", i);
        fake_text(d.fake, "c0b2", id, DANA, text);
    }
    for (int i = 0; i < 8; i++) /* as many rounds as their notifications take */
        driver_settle(&d);
    before = d.fake->pages;
    driver_type(&d, "/search line 123.<Enter>");
    driver_settle(&d);
    assert_true(driver_shows(&d, "1 found"));
    assert_true(d.fake->pages - before < 30); /* each message is read once */
    driver_type(&d, "<Enter>");
    assert_non_null(strstr(driver_row(&d, d.canvas.cursor_row), "line 123."));
    assert_true(driver_shows(&d, "scrolled"));
    for (int i = 0; i < 100; i++)
        driver_type(&d, "<Down>");
    assert_non_null(strstr(driver_row(&d, d.canvas.cursor_row), "line 223."));
    for (int i = 0; i < 150; i++)
        driver_type(&d, "<Up>");
    assert_non_null(strstr(driver_row(&d, d.canvas.cursor_row), "line 73."));
    driver_type(&d, "<End>");
    assert_true(driver_shows(&d, "line 1499."));
    assert_int_equal(screen_wait_ms(d.screen) > 0, true);
}

static void help_names_the_keys_of_the_pane(void **state)
{
    (void)state;
    driver_type(&d, "<A-c>?");
    assert_drawn(driver_screen(&d), "help");
}

static void a_long_help_says_that_there_is_more(void **state)
{
    (void)state;
    resized(10, 40);
    driver_type(&d, "<F1>");
    assert_drawn(driver_screen(&d), "help-40x10");
    driver_type(&d, "<End>");
    assert_true(driver_shows(&d, "/quit"));
    driver_type(&d, "<Home>");
    assert_true(driver_shows(&d, "input: Enter send"));
    driver_type(&d, "<PgDn>");
    assert_false(driver_shows(&d, "input: Enter send"));
    driver_type(&d, "q");
    assert_false(driver_shows(&d, "help"));
    driver_type(&d, "/me<Enter>");
    assert_true(driver_shows(&d, "── you "));
}

static void the_conversation_shows_where_its_keys_act(void **state)
{
    (void)state;
    driver_type(&d, "<A-t>");
    assert_int_equal(d.canvas.cursor_row, 7); /* the newest message */
    assert_true(d.canvas.cursor_shown);
    driver_type(&d, "r");
    assert_true(driver_shows(&d, "answering: thanks. can you add bo"));
}

static void links_are_numbered_and_copied_when_asked_for(void **state)
{
    (void)state;
    fake_text(d.fake, "c0a1", "m4", MARIA, "see (http://a.example/x), or\nHTTPS://b.example/?q=1\033[31m.");
    driver_settle(&d);
    driver_type(&d, "/url<Enter>");
    assert_true(driver_shows(&d, " 1  http://a.example/x\n"));
    assert_true(driver_shows(&d, " 2  HTTPS://b.example/?q=1^[[31m\n"));
    assert_true(driver_shows(&d, " 3  https://ci.example/run/8841\n"));
    assert_null(screen_take_copy(d.screen)); /* looking copies nothing */
    driver_type(&d, "<Esc>/url 3<Enter>");
    assert_copied("https://ci.example/run/8841");
    driver_type(&d, "/url 4<Enter>");
    assert_true(driver_shows(&d, "There is no link of that number"));
    driver_type(&d, "<A-t><Up><Up>/url<Enter>"); /* of the selected message alone */
    assert_true(driver_shows(&d, " 1  https://ci.example/run/8841\n"));
    driver_type(&d, "<Esc><A-t><Up>y");
    assert_copied("thanks. can you add bo to #ops-oncall?");
    driver_type(&d, "<Up>/copy<Enter>");
    assert_copied("yes, logs are here:\nhttps://ci.example/run/8841");
    driver_type(&d, "<Esc>/copy<Enter>");
    assert_copied("see (http://a.example/x), or\nHTTPS://b.example/?q=1^[[31m."); /* marks, no control bytes */
}

static void keys_are_shown_to_be_compared(void **state)
{
    (void)state;
    d.fake->result_method = "client.inboxState";
    d.fake->result = json_pack("{s:s, s:[{s:s}]}", "inboxId", MARIA, "installations", "id", PHONE);
    driver_type(&d, "/fingerprint<Enter>"); /* in a 1:1 chat: the other one's */
    assert_string_equal(fake_last(d.fake, "client.inboxState"), "client.inboxState {\"inboxId\":\"" MARIA "\"}");
    assert_drawn(driver_screen(&d), "fingerprint");
    driver_type(&d, "<Esc>/fingerprint me<Enter>");
    assert_string_equal(fake_last(d.fake, "client.inboxState"), "client.inboxState {\"inboxId\":\"" ME "\"}");
    driver_type(&d, "<Esc>/fingerprint 0x9F3A<Enter>"); /* an address as far as it stands on the screen */
    assert_string_equal(fake_last(d.fake, "client.inboxState"), "client.inboxState {\"inboxId\":\"" STRANGER "\"}");
    driver_type(&d, "<Esc>/fingerprint 0x2222..2222<Enter>");
    assert_string_equal(fake_last(d.fake, "client.inboxState"), "client.inboxState {\"inboxId\":\"" DANA "\"}");
    driver_type(&d, "<Esc>/fingerprint nobody<Enter>");
    assert_true(driver_shows(&d, "Nobody known here is called that."));
}

static void the_address_is_a_code_to_scan(void **state)
{
    (void)state;
    driver_type(&d, "/qr<Enter>");
    assert_drawn(driver_screen(&d), "qr");
    driver_type(&d, "<Esc>");
    resized(10, 40);
    driver_type(&d, "/qr<Enter>");
    assert_true(driver_shows(&d, "The code takes a window of 31"));
}

static void commands_say_what_is_wrong(void **state)
{
    (void)state;
    driver_type(&d, "/frobnicate<Enter>");
    assert_true(driver_shows(&d, "There is no /frobnicate."));
    driver_type(&d, "/alias x<Enter>");
    assert_true(driver_shows(&d, "/alias is not available yet."));
    driver_type(&d, "/kick<Enter>");
    assert_true(driver_shows(&d, "/kick WHO.."));
    driver_type(&d, "/name new name<Enter>");
    assert_true(driver_shows(&d, "That is for groups"));
    driver_type(&d, "/<Enter>");
    assert_true(driver_shows(&d, "A command follows the slash"));
    driver_type(&d, "/sync fast<Enter>");
    assert_true(driver_shows(&d, "  /sync [all, prefs]"));
    driver_type(&d, "/help mute<Enter>");
    assert_true(driver_shows(&d, "/mute is not available yet."));
    driver_type(&d, "<Esc>/help frobnicate<Enter>");
    assert_true(driver_shows(&d, "There is no /frobnicate."));
}

static void what_a_command_does_is_told_in_one_line(void **state)
{
    char *help = command_help(NULL);

    (void)state;
    for (const char *line = help; *line; line += strcspn(line, "\n") + 1)
        assert_in_range(strcspn(line, "\n"), 1, 78); /* the list of help at 80 columns */
    xm_free(help);
}

static void quotes_around_a_word_are_no_part_of_it(void **state)
{
    (void)state;
    json_object_set_new(json_array_get(json_object_get(d.fake->world, "conversations"), 0), "peerNick", json_string("mary ann"));
    driver_type(&d, "/nick maria \"mary ann\"<Enter>");
    assert_string_equal(fake_last(d.fake, "nick.set"), "nick.set {\"target\":\"" MARIA "\",\"name\":\"mary ann\"}");
    driver_type(&d, "/dm \"mary ann\" good  \"morning\"<Enter>");
    assert_string_equal(fake_last(d.fake, "conversations.newDm"), "conversations.newDm {\"peer\":\"" MARIA "\"}");
    assert_non_null(strstr(fake_last(d.fake, "conversation.send"), "\"text\":\"good  \\\"morning\\\"\"}"));
    driver_type(&d, "/nick \"mary ann\" maria of ops<Enter>");
    assert_string_equal(fake_last(d.fake, "nick.set"), "nick.set {\"target\":\"" MARIA "\",\"name\":\"maria of ops\"}");
    driver_type(&d, "/go ops-oncall<Enter>/name \"night shift\"<Enter>");
    assert_string_equal(fake_last(d.fake, "conversation.update"), "conversation.update {\"id\":\"c0b2\",\"name\":\"night shift\"}");
    driver_type(&d, "/topic \"\"<Enter>");
    assert_string_equal(fake_last(d.fake, "conversation.update"), "conversation.update {\"id\":\"c0b2\",\"description\":\"\"}");
}

static void a_group_tells_its_topic_and_what_did_not_change(void **state)
{
    (void)state;
    driver_type(&d, "/go ops-oncall<Enter>");
    d.fake->result_method = "conversation.get";
    d.fake->result = json_pack("{s:s, s:s}", "id", "c0b2", "description", "who is\x1b[31m up");
    driver_type(&d, "/topic<Enter>");
    assert_true(driver_shows(&d, "topic: who is^[[31m up"));
    driver_type(&d, "/topic<Enter>");
    assert_true(driver_shows(&d, "This group has no topic"));
    for (int epoch = 88; epoch <= 89; epoch++) {
        d.fake->result_method = "conversation.addMembers";
        d.fake->result = json_pack("{s:s, s:s, s:i}", "id", "c0b2", "type", "group", "epoch", epoch);
        driver_type(&d, "/add maria<Enter>");
        assert_true(driver_shows(&d, epoch == 88 ? "It was so already; nothing changed." : "  added"));
    }
}

static json_t *group_message(const char *id, const char *type, json_t *content)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "id", id, "conversationId", "c0b2", "senderInboxId", DANA, "sentAtNs",
                     "1795255441000000000", "kind", "application", "status", "published", "contentType", type, "content", content);
}

static void a_group_that_somebody_leaves_is_smaller(void **state)
{
    json_t *c = json_array_get(json_object_get(d.fake->world, "conversations"), 1);

    (void)state;
    driver_type(&d, "/go ops-oncall<Enter>/members<Enter>");
    assert_true(driver_shows(&d, "0x2222222222222222222222222222222222222222  admin"));
    driver_type(&d, "<Esc>");
    assert_true(driver_shows(&d, "3 members"));
    fake_notify(d.fake, "message", group_message("l1", "xmtp.org/leave_request:1.0", json_object()));
    json_array_remove(json_object_get(json_object_get(d.fake->world, "members"), "c0b2"), 1);
    fake_notify(d.fake, "message",
                group_message("l2", "xmtp.org/group_updated:1.0", json_pack("{s:[s]}", "leftInboxes", DANA)));
    driver_settle(&d);
    assert_true(driver_shows(&d, "2 members"));
    assert_true(driver_shows(&d, "asked to leave"));
    json_object_set_new(c, "active", json_false());
    fake_notify(d.fake, "message",
                group_message("l3", "xmtp.org/group_updated:1.0", json_pack("{s:[s]}", "removedInboxes", ME)));
    driver_settle(&d);
    assert_non_null(strstr(driver_row(&d, 0), " ops-oncall  group  not a member  E2EE epoch 88"));
    assert_true(driver_shows(&d, "removed you"));
}

static void commands_reach_the_core(void **state)
{
    (void)state;
    driver_type(&d, "/dm 0x5555555555555555555555555555555555555555 hello there<Enter>");
    assert_string_equal(fake_last(d.fake, "conversations.newDm"),
                        "conversations.newDm {\"peer\":\"0x5555555555555555555555555555555555555555\"}");
    assert_string_equal(fake_last(d.fake, "conversation.send"), "conversation.send {\"id\":\"c0e5\",\"text\":\"hello there\"}");
    driver_type(&d, "/group \"book club\" maria 0x2222222222222222222222222222222222222222<Enter>");
    assert_string_equal(fake_last(d.fake, "conversations.newGroup"),
                        "conversations.newGroup {\"peers\":[\"" MARIA
                        "\",\"" DANA "\"],\"name\":\"book club\"}");
    driver_type(&d, "/name chess club<Enter>");
    assert_string_equal(fake_last(d.fake, "conversation.update"), "conversation.update {\"id\":\"c0f6\",\"name\":\"chess club\"}");
    driver_type(&d, "/block maria<Enter>");
    assert_string_equal(fake_last(d.fake, "preferences.block"), "preferences.block {\"targets\":[\"" MARIA "\"]}");
    driver_type(&d, "/undo<Enter>");
    assert_string_equal(fake_last(d.fake, "preferences.undo"), "preferences.undo {\"id\":2}");
    driver_type(&d, "/nick 0x9f3a000000000000000000000000000000000000 spammer<Enter>");
    assert_string_equal(fake_last(d.fake, "nick.set"), "nick.set {\"target\":\"" STRANGER "\",\"name\":\"spammer\"}");
    driver_type(&d, "/sync prefs<Enter>");
    assert_string_equal(fake_last(d.fake, "preferences.sync"), "preferences.sync {}");
}

static void replies_and_reactions_act_on_the_selected_message(void **state)
{
    (void)state;
    driver_type(&d, "/reply will do<Enter>");
    assert_string_equal(fake_last(d.fake, "conversation.send"),
                        "conversation.send {\"id\":\"c0a1\",\"content\":{\"type\":\"reply\",\"reference\":\"m3\",\"text\":\"will do\"}}");
    driver_type(&d, "<A-t><Up><Up>r");
    assert_true(driver_shows(&d, "answering: yes, logs are here:"));
    driver_type(&d, "and done<Enter>");
    assert_string_equal(fake_last(d.fake, "conversation.send"),
                        "conversation.send {\"id\":\"c0a1\",\"content\":{\"type\":\"reply\",\"reference\":\"m2\",\"text\":\"and done\"}}");
    driver_type(&d, "/react +1<Enter>");
    assert_string_equal(fake_last(d.fake, "conversation.send"),
                        "conversation.send {\"id\":\"c0a1\",\"content\":{\"type\":\"reaction\",\"reference\":\"m3\",\"emoji\":\"+1\","
                        "\"action\":\"added\"}}");
}

static void what_is_being_written_comes_back_after_a_command_begun_by_a_key(void **state)
{
    (void)state;
    driver_type(&d, "half a thought<A-t>e");
    assert_non_null(strstr(driver_row(&d, 21), "> /react"));
    driver_wait(&d, 1500);
    driver_type(&d, "+1<Enter>");
    assert_non_null(strstr(fake_last(d.fake, "conversation.send"), "\"emoji\":\"+1\""));
    assert_non_null(strstr(driver_row(&d, 21), "> half a thought"));
    driver_type(&d, "<A-c>/set<Esc>"); /* thought better of it */
    assert_non_null(strstr(driver_row(&d, 21), "> half a thought"));
    driver_type(&d, "<A-c>/go ops-oncall<Enter>");
    assert_false(driver_shows(&d, "half a thought"));
    driver_wait(&d, 1500);
    driver_type(&d, "/go maria<Enter>, and its end<Enter>"); /* a draft there, as ever */
    assert_non_null(strstr(fake_last(d.fake, "conversation.send"), "\"text\":\"half a thought, and its end\""));
}

static void revoking_wants_the_short_id_typed(void **state)
{
    (void)state;
    driver_type(&d, "/revoke b02f<Enter>no<Enter>");
    assert_int_equal(fake_count(d.fake, "client.revokeInstallations"), 0);
    driver_type(&d, "/revoke b02f<Enter>b02f<Enter>");
    assert_string_equal(fake_last(d.fake, "client.revokeInstallations"), "client.revokeInstallations {\"ids\":[\"" PHONE "\"]}");
}

static void tab_completes_commands_and_moves_between_panes(void **state)
{
    (void)state;
    driver_type(&d, "/inst<Tab>");
    assert_non_null(strstr(driver_row(&d, 21), "> /installations"));
    driver_type(&d, "<C-u>/re<Tab>");
    assert_true(driver_shows(&d, "/requests /reset /revoke /reply /react"));
    driver_type(&d, "<Tab>");
    assert_non_null(strstr(driver_row(&d, 21), "> /requests"));
    driver_type(&d, "<Tab><Tab>");
    assert_non_null(strstr(driver_row(&d, 21), "> /revoke"));
    driver_type(&d, "<S-Tab>");
    assert_non_null(strstr(driver_row(&d, 21), "> /reset"));
    driver_type(&d, " ma<Tab>");
    assert_non_null(strstr(driver_row(&d, 21), "> /reset maria"));
    driver_type(&d, "<C-u>/set cl<Tab>of<Tab><Enter>");
    assert_true(driver_shows(&d, "clock is off now"));
    driver_type(&d, "<C-u><Tab>");
    assert_non_null(strstr(driver_row(&d, 1), "[CHATS]"));
}

static void names_with_spaces_are_completed_in_quotes(void **state)
{
    json_t *c = json_array_get(json_object_get(d.fake->world, "conversations"), 1);

    (void)state;
    json_object_set_new(c, "name", json_string("book club"));
    list_again();
    driver_settle(&d);
    driver_type(&d, "/go boo<Tab>");
    assert_non_null(strstr(driver_row(&d, 21), "> /go \"book club\""));
    driver_type(&d, "<Enter>");
    assert_non_null(strstr(driver_row(&d, 0), "book club  group"));
    driver_type(&d, "/block \"book c<Tab><Enter>");
    assert_string_equal(fake_last(d.fake, "preferences.block"), "preferences.block {\"targets\":[\"c0b2\"]}");
}

static void the_cursor_stands_where_keys_act(void **state)
{
    (void)state;
    driver_type(&d, "ab");
    assert_true(d.canvas.cursor_shown);
    assert_int_equal(d.canvas.cursor_row, 21);
    assert_int_equal(d.canvas.cursor_col, 4);
    driver_type(&d, "<A-c>");
    assert_int_equal(d.canvas.cursor_row, 11 - 2);
    assert_int_equal(d.canvas.cursor_col, 0);
    driver_type(&d, "<A-l><Down>");
    assert_int_equal(d.canvas.cursor_row, 3);
    driver_type(&d, "<A-s>");
    assert_int_equal(d.canvas.cursor_col, 21);
}

static void nothing_wakes_the_screen_but_the_minute(void **state)
{
    (void)state;
    assert_in_range(screen_wait_ms(d.screen), 59000, 60001);
    driver_type(&d, "/set clock off<Enter>");
    driver_wait(&d, 2000);
    assert_int_equal(screen_wait_ms(d.screen), -1);
    assert_false(screen_is_dirty(d.screen));
}

static void hostile_names_and_words_are_shown_as_marks(void **state)
{
    json_t *c = json_array_get(json_object_get(d.fake->world, "conversations"), 1);

    (void)state;
    json_object_set_new(c, "name", json_string("ops\033]0;owned\007\xe2\x80\xae"));
    fake_text(d.fake, "c0b2", "g4", DANA, "\033[2Jgone \xe2\x80\xae" "desrever\n\xc2\x9b" "31m");
    fake_remote_consent(d.fake, "inboxId", STRANGER, "allowed", PHONE);
    list_again();
    driver_settle(&d);
    driver_type(&d, "<A-g>ops<Enter>");
    assert_drawn(driver_screen(&d), "hostile");
    assert_string_equal(screen_title(d.screen), "xmtui (1) ops^[]0;owned^G<U+202E>");
}

static void an_unknown_name_never_reaches_the_title(void **state)
{
    (void)state;
    driver_type(&d, "<A-c>p");
    assert_string_equal(screen_title(d.screen), "xmtui");
}

static void network_states_are_told(void **state)
{
    (void)state;
    d.fake->hold = true; /* the core's own answer would say live again */
    fake_notify(d.fake, "network", json_pack("{s:s}", "state", "reconnecting"));
    driver_wait(&d, 40000);
    assert_true(driver_shows(&d, "LATE 40s!"));
    fake_notify(d.fake, "network", json_pack("{s:s}", "state", "offline"));
    driver_settle(&d);
    assert_true(driver_shows(&d, "OFF!"));
    fake_notify(d.fake, "network", json_pack("{s:s}", "state", "live"));
    driver_settle(&d);
    assert_true(driver_shows(&d, "LIVE 0.0s"));
}

/* Trying again is no connection; what we say ourselves is no word of the node. */
static void offline_is_told_until_the_node_is_heard(void **state)
{
    (void)state;
    d.fake->hold = true;
    fake_notify(d.fake, "network", json_pack("{s:s}", "state", "offline"));
    fake_notify(d.fake, "network", json_pack("{s:s}", "state", "reconnecting"));
    driver_settle(&d);
    assert_true(driver_shows(&d, "OFF!"));
    fake_notify(d.fake, "network", json_pack("{s:s}", "state", "live"));
    driver_settle(&d);
    fake_notify(d.fake, "network", json_pack("{s:s}", "state", "reconnecting"));
    driver_wait(&d, 20000);
    fake_notify(d.fake, "message", own_message("out1", "hello?", "unpublished"));
    fake_notify(d.fake, "consent", json_pack("{s:s, s:s, s:s, s:s}", "entityType", "inboxId", "entity", MALLORY, "state", "denied",
                                             "origin", "local"));
    driver_settle(&d);
    assert_true(driver_shows(&d, "LATE 20s!"));
}

static void syncing_says_in_words_what_it_did(void **state)
{
    (void)state;
    d.fake->result_method = "conversations.syncAll";
    d.fake->result = json_pack("{s:i, s:i, s:i}", "eligible", 4, "synced", 3, "messages", 12);
    driver_type(&d, "/sync<Enter>");
    assert_true(driver_shows(&d, "synced: 12 new messages"));
    d.fake->result_method = "preferences.sync";
    d.fake->result = json_pack("{s:i}", "updates", 1);
    driver_type(&d, "/sync prefs<Enter>");
    assert_true(driver_shows(&d, "synced: 1 decision of your other installations"));
    d.fake->fail_method = "preferences.check";
    d.fake->fail_number = -32011;
    d.fake->fail_text = "preferences.check: not available yet";
    driver_type(&d, "/sync check<Enter>");
    assert_true(driver_shows(&d, "/sync check is not available yet."));
}

#define T(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        T(draws_chats_talk_consent_installations_and_log),
        T(the_smallest_windows_say_what_matters),
        T(wide_windows_give_some_of_it_to_the_sides),
        T(no_name_hides_what_became_of_a_decision),
        T(installations_tell_of_the_group_they_sync_by),
        T(survives_every_size_and_comes_back),
        T(one_pane_has_tabs),
        T(sends_what_is_typed),
        T(what_is_pasted_is_sent_without_the_line_end_after_it),
        T(a_failed_send_stays_with_its_mark),
        T(what_is_on_its_way_stands_there_once),
        T(what_became_of_a_message_later_is_shown),
        T(a_message_taken_back_is_gone_at_once),
        T(the_open_chat_goes_on_in_the_other_one_of_its_pair),
        T(a_reaction_to_what_is_far_up_is_seen_there),
        T(two_slashes_send_one),
        T(messages_arrive_while_one_watches),
        T(nothing_is_marked_read_without_focus),
        T(one_key_blocks_and_one_undoes),
        T(a_block_made_elsewhere_takes_the_chat_out_of_sight),
        T(decisions_do_not_read_all_chats),
        T(ones_own_address_is_whole_in_a_narrow_window),
        T(a_decision_that_comes_late_tells_when_it_was_made),
        T(a_block_made_here_is_told_as_ones_own),
        T(the_outbox_is_looked_at_until_it_is_empty),
        T(the_log_tells_of_the_stream_and_of_installations_too),
        T(the_log_undoes_the_row_one_is_at_though_another_came_above_it),
        T(peeking_leaves_no_trace),
        T(a_reply_to_somebody_unknown_says_first_that_it_accepts),
        T(a_low_screen_says_too_what_has_to_be_said_while_one_types),
        T(no_name_is_long_enough_to_hide_what_was_decided),
        T(a_change_of_one_group_does_not_read_all_chats),
        T(the_newest_request_is_selected_until_one_looks),
        T(allowing_the_chat_one_peeks_at_ends_the_peeking),
        T(the_tabs_of_consent_have_their_words_in_a_narrow_pane_too),
        T(denied_words_in_a_group_are_counted_and_can_be_opened),
        T(long_lists_are_gone_through_in_steps),
        T(the_order_stands_still_while_the_list_has_the_focus),
        T(the_list_begins_at_the_open_chat_wherever_that_is_now),
        T(what_is_selected_in_the_list_stays_so_when_another_goes),
        T(the_list_can_show_what_is_unread_alone),
        T(the_list_says_where_the_blocked_are),
        T(scrolls_back_through_pages_of_the_store),
        T(the_ends_of_a_long_chat_are_one_page_away),
        T(scrolling_leaves_nothing_out_on_either_way),
        T(many_unread_are_counted_from_where_they_begin),
        T(what_came_one_by_one_looks_as_if_read_at_once),
        T(drafts_are_saved_at_a_pause_and_come_back),
        T(leaving_keeps_what_is_typed),
        T(one_ctrl_c_cancels_and_two_quit),
        T(five_pasted_lines_are_asked_about),
        T(questions_are_whole_in_narrow_windows),
        T(goes_to_a_chat_by_part_of_its_name),
        T(the_selected_message_stands_clear_of_the_line_about_scrolling),
        T(words_are_found_in_the_open_chat),
        T(words_are_found_in_all_chats_but_not_of_denied_people),
        T(a_word_of_long_ago_is_found_and_read_on_from_there),
        T(help_names_the_keys_of_the_pane),
        T(a_long_help_says_that_there_is_more),
        T(the_conversation_shows_where_its_keys_act),
        T(links_are_numbered_and_copied_when_asked_for),
        T(keys_are_shown_to_be_compared),
        T(the_address_is_a_code_to_scan),
        T(commands_say_what_is_wrong),
        T(what_a_command_does_is_told_in_one_line),
        T(quotes_around_a_word_are_no_part_of_it),
        T(a_group_tells_its_topic_and_what_did_not_change),
        T(a_group_that_somebody_leaves_is_smaller),
        T(commands_reach_the_core),
        T(replies_and_reactions_act_on_the_selected_message),
        T(what_is_being_written_comes_back_after_a_command_begun_by_a_key),
        T(revoking_wants_the_short_id_typed),
        T(tab_completes_commands_and_moves_between_panes),
        T(names_with_spaces_are_completed_in_quotes),
        T(the_cursor_stands_where_keys_act),
        T(nothing_wakes_the_screen_but_the_minute),
        T(hostile_names_and_words_are_shown_as_marks),
        T(an_unknown_name_never_reaches_the_title),
        T(network_states_are_told),
        T(offline_is_told_until_the_node_is_heard),
        T(syncing_says_in_words_what_it_did),
    };

    setlocale(LC_ALL, "C.UTF-8");
    setenv("TZ", "UTC", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
