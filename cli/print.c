#include "cli/print.h"

#include "base/alloc.h"
#include "base/i18n.h"
#include "ui/sanitize.h"
#include "ui/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BEGINNING_COLS 60

static const char *text(const json_t *object, const char *key)
{
    const char *v = json_string_value(json_object_get(object, key));

    return v ? v : "";
}

/* No text from outside leaves here as it came: ids neither, which others may have put into a message as they
 * liked. */
static void say_start(const char *from, size_t most)
{
    char *clean = sanitize(from, strnlen(from, most), SANITIZE_LINE);

    fputs(clean ? clean : "?", stdout);
    xm_free(clean);
}

static void say(const char *from)
{
    say_start(from, strlen(from));
}

/* The first line, as much as fits beside other things. */
static void say_beginning(const char *from)
{
    char *clean = sanitize(from, strcspn(from, "\n"), SANITIZE_LINE);
    char *cut = clean ? text_cut(clean, BEGINNING_COLS) : NULL;

    fputs(cut ? cut : "?", stdout);
    xm_free(clean);
    xm_free(cut);
}

/* All lines; those after the first are indented, so that none looks like the next message. */
static void say_lines(const char *from)
{
    char *clean = sanitize_str(from, SANITIZE_BODY);

    for (const char *at = clean ? clean : "?"; *at; at++) {
        putchar(*at);
        if (*at == '\n')
            fputs("    ", stdout);
    }
    xm_free(clean);
}

static void say_time(const json_t *object, const char *key)
{
    long long ns = strtoll(text(object, key), NULL, 10);
    time_t seconds = (time_t)(ns / 1000000000);
    char out[32] = "-";
    struct tm tm;

    if (ns && localtime_r(&seconds, &tm))
        strftime(out, sizeof out, "%Y-%m-%d %H:%M:%S", &tm);
    fputs(out, stdout);
}

void print_nothing(const json_t *result)
{
    (void)result;
}

void print_fields(const json_t *result)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)result, key, value) {
        char *compact = json_is_string(value) ? NULL : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

        say(key);
        fputs(": ", stdout);
        say(json_is_string(value) ? json_string_value(value) : compact);
        putchar('\n');
        free(compact);
    }
}

/* ---- conversations ---- */

static void say_title(const json_t *c)
{
    const char *name = text(c, "name"), *nick = text(c, "peerNick"), *peer = text(c, "peerInboxId");

    if (strcmp(text(c, "type"), "group") == 0)
        fputs("# ", stdout);
    if (*nick)
        say(nick);
    else if (*name)
        say(name);
    else if (*peer)
        say_start(peer, 8); /* as messages have it, and enough to be a TARGET */
    else
        fputs(_("(no name)"), stdout);
}

static const char *message_text(const json_t *message)
{
    const json_t *content = json_object_get(message, "content");
    const char *v = json_string_value(json_object_get(content, "text"));

    if (strcmp(text(message, "deletedBy"), "sender") == 0)
        return _("[deleted by the sender]");
    if (*text(message, "deletedBy"))
        return _("[deleted by an admin]");
    if (strncmp(text(message, "contentType"), "xmtp.org/leave_request:", 23) == 0)
        return _("asked to leave");
    if (strncmp(text(message, "contentType"), "xmtp.org/deleteMessage:", 23) == 0)
        return _("took a message back");
    if (!v)
        v = json_string_value(json_object_get(content, "emoji"));
    if (!v)
        v = json_string_value(json_object_get(message, "fallback"));
    return v ? v : text(message, "contentType");
}

void print_conversation(const json_t *c)
{
    const json_t *last = json_object_get(c, "lastMessage");
    json_int_t unread = json_integer_value(json_object_get(c, "unread"));

    printf("%s  %-7s ", text(c, "id"), text(c, "consent"));
    say_title(c);
    if (unread)
        printf("  (%" JSON_INTEGER_FORMAT " %s)", unread, _("unread"));
    if (json_is_object(last)) {
        fputs("  ", stdout);
        say_beginning(message_text(last));
    }
    putchar('\n');
}

void print_conversations(const json_t *list)
{
    const json_t *c;
    size_t i;

    json_array_foreach(list, i, c)
        print_conversation(c);
}

/* ---- messages ---- */

static void say_group_update(const json_t *content)
{
    static const struct {
        const char *key, *word;
    } lists[] = {{"addedInboxes", N_("added")},
                 {"removedInboxes", N_("removed")},
                 {"leftInboxes", N_("left:")},
                 {"addedAdmins", N_("made admin:")},
                 {"removedAdmins", N_("no admin any more:")},
                 {"addedSuperAdmins", N_("made super admin:")},
                 {"removedSuperAdmins", N_("no super admin any more:")}};
    const json_t *list, *item;
    size_t k;

    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        list = json_object_get(content, lists[i].key);
        json_array_foreach(list, k, item) {
            printf(" %s ", _(lists[i].word));
            say_start(json_string_value(item) ? json_string_value(item) : "?", 8);
        }
    }
    list = json_object_get(content, "metadataChanges");
    json_array_foreach(list, k, item) {
        putchar(' ');
        say(text(item, "field"));
        fputs(" = ", stdout);
        say(text(item, "new"));
    }
}

/* What was said, and about which message. */
static void say_what(const json_t *m)
{
    const json_t *content = json_object_get(m, "content");
    const char *about = *text(m, "replyTo") ? text(m, "replyTo") : text(content, "reference");
    char beginning[9], clean[4 * sizeof beginning];

    snprintf(beginning, sizeof beginning, "%s", about); /* its writer chose it */
    sanitize_into(clean, sizeof clean, beginning, SANITIZE_LINE);
    if (*text(content, "emoji"))
        fputs(strcmp(text(content, "action"), "removed") == 0 ? _("took back ") : _("reacted "), stdout);
    else if (*about)
        printf(_("[to %s] "), clean);
    say_lines(message_text(m));
    if (*text(content, "emoji") && *about)
        printf(_(" to %s"), clean);
}

static void print_message(const json_t *m)
{
    const char *nick = text(m, "senderNick"), *status = text(m, "status");

    say_time(m, "sentAtNs");
    printf("  %.8s  ", text(m, "id"));
    if (*nick)
        say(nick);
    else
        say_start(text(m, "senderInboxId"), 8);
    fputs(": ", stdout);
    if (strncmp(text(m, "contentType"), "xmtp.org/group_updated", 22) == 0)
        say_group_update(json_object_get(m, "content"));
    else
        say_what(m);
    if (strcmp(status, "published") != 0)
        printf("  [%s]", status);
    putchar('\n');
}

/* Newest last, as in a chat, whichever way the page was read. */
void print_messages(const json_t *list)
{
    size_t n = json_array_size(list);
    const json_t *first = json_array_get(list, 0), *last = json_array_get(list, n ? n - 1 : 0);
    bool newest_first =
        n > 1 && strtoll(text(first, "sentAtNs"), NULL, 10) > strtoll(text(last, "sentAtNs"), NULL, 10);

    for (size_t i = 0; i < n; i++)
        print_message(json_array_get(list, newest_first ? n - 1 - i : i));
}

void print_sent(const json_t *result)
{
    printf("%s\n", text(result, "messageId"));
}

/* ---- people ---- */

void print_members(const json_t *list)
{
    const json_t *m;
    size_t i;

    json_array_foreach(list, i, m) {
        const char *address = json_string_value(json_array_get(json_object_get(m, "addresses"), 0));
        size_t n = json_array_size(json_object_get(m, "installations"));

        printf("%s  %-10s ", text(m, "inboxId"), text(m, "level"));
        printf(ngettext("%zu installation", "%zu installations", n), n);
        fputs(address ? "  " : "", stdout);
        say(address ? address : "");
        putchar('\n');
    }
}

void print_permissions(const json_t *result)
{
    const char *name;
    json_t *who;

    printf("%s: %s\n", "preset", text(result, "preset"));
    json_object_foreach(json_object_get(result, "policies"), name, who)
        printf("%-32s %s\n", name, json_string_value(who));
}

void print_validity(const json_t *result)
{
    puts(json_is_true(json_object_get(result, "valid")) ? _("valid") : _("not valid"));
}

static void print_record(const json_t *r)
{
    printf("%-14s ", text(r, "entityType"));
    say(text(r, "entity"));
    printf("  %-7s  ", text(r, "state"));
    say_time(r, "consentedAtNs");
    printf("  %s\n", text(r, "origin"));
}

void print_records(const json_t *result)
{
    const json_t *list = json_is_array(result) ? result : json_object_get(result, "records"), *r;
    size_t i;

    json_array_foreach(list, i, r)
        print_record(r);
}

void print_log(const json_t *list)
{
    const json_t *r;
    size_t i;

    json_array_foreach(list, i, r) {
        printf("%" JSON_INTEGER_FORMAT "  ", json_integer_value(json_object_get(r, "id")));
        say_time(r, "timeNs");
        fputs("  ", stdout);
        if (*text(r, "originNick"))
            say(text(r, "originNick"));
        else
            say_start(text(r, "origin"), 8);
        printf("  %s ", text(r, "entityType"));
        say_start(text(r, "entity"), 12);
        printf("  %s -> %s  %s  %s\n", text(r, "oldState"), text(r, "newState"), text(r, "effect"),
               text(r, "delivery"));
    }
}

void print_installations(const json_t *result)
{
    const json_t *list = json_is_array(result) ? result : json_object_get(result, "installations"), *item;
    size_t i;

    json_array_foreach(list, i, item) {
        printf("%s %s  ", json_is_true(json_object_get(item, "self")) ? "*" : " ", text(item, "id"));
        say_time(item, "createdAtNs");
        fputs(*text(item, "nick") ? "  " : "", stdout);
        say(text(item, "nick"));
        putchar('\n');
    }
}

void print_event(const json_t *event)
{
    const char *kind = text(event, "kind");
    const json_t *data = json_object_get(event, "data");

    if (strcmp(kind, "message") == 0) {
        printf("%.8s  ", text(data, "conversationId"));
        print_message(data);
    } else if (strcmp(kind, "conversation") == 0) {
        printf("+ ");
        print_conversation(data);
    } else if (strcmp(kind, "consent") == 0) {
        print_record(data);
    } else {
        printf("%s %s%s\n", kind, text(data, "state"), text(data, strcmp(kind, "preferences") == 0 ? "what" : "status"));
    }
    fflush(stdout);
}
