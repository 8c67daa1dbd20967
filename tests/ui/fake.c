#include "tests/ui/fake.h"

#include "ui/json.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char world_text[] =
    "{\"info\":{\"inboxId\":\"" ME "\",\"installationId\":\"" THIS_INSTALLATION "\","
    "\"address\":\"0x5eed000000000000000000000000000000000001\",\"env\":\"local\",\"version\":\"0.1.0\",\"registered\":true},"
    "\"conversations\":["
    "{\"id\":\"c0a1\",\"type\":\"dm\",\"name\":\"\",\"peerInboxId\":\"" MARIA "\",\"peerNick\":\"maria\",\"consent\":\"allowed\","
    "\"createdAtNs\":\"1795250000000000000\",\"unread\":1,\"epoch\":12,\"active\":true,"
    "\"lastMessage\":{\"sentAtNs\":\"1795255320000000000\",\"content\":{\"text\":\"thanks. can you add bo to #ops-oncall?\"}}},"
    "{\"id\":\"c0b2\",\"type\":\"group\",\"name\":\"ops-oncall\",\"consent\":\"allowed\",\"createdAtNs\":\"1795251000000000000\","
    "\"unread\":0,\"epoch\":88,\"active\":true,\"addedByInboxId\":\"" DANA "\"},"
    "{\"id\":\"c0c3\",\"type\":\"dm\",\"name\":\"\",\"peerInboxId\":\"" STRANGER "\",\"consent\":\"unknown\","
    "\"createdAtNs\":\"1795252000000000000\",\"unread\":1,\"epoch\":1,\"active\":true,"
    "\"lastMessage\":{\"sentAtNs\":\"1795255260000000000\",\"content\":{\"text\":\"hi! are you the maintainer\"}}},"
    "{\"id\":\"c0d4\",\"type\":\"dm\",\"name\":\"\",\"peerInboxId\":\"" MALLORY "\",\"consent\":\"denied\","
    "\"createdAtNs\":\"1795249000000000000\",\"unread\":0,\"epoch\":3,\"active\":true}],"
    "\"messages\":{"
    "\"c0a1\":["
    "{\"id\":\"m1\",\"conversationId\":\"c0a1\",\"senderInboxId\":\"" MARIA "\",\"sentAtNs\":\"1795252320000000000\","
    "\"kind\":\"application\",\"status\":\"published\",\"contentType\":\"xmtp.org/text:1.0\","
    "\"content\":{\"text\":\"did the staging roll back cleanly?\"}},"
    "{\"id\":\"m2\",\"conversationId\":\"c0a1\",\"senderInboxId\":\"" ME "\",\"sentAtNs\":\"1795252440000000000\","
    "\"kind\":\"application\",\"status\":\"published\",\"contentType\":\"xmtp.org/text:1.0\","
    "\"content\":{\"text\":\"yes, logs are here:\\nhttps://ci.example/run/8841\"},"
    "\"reactions\":[{\"emoji\":\"+1\",\"action\":\"added\"},{\"emoji\":\"+1\",\"action\":\"added\"}]},"
    "{\"id\":\"m3\",\"conversationId\":\"c0a1\",\"senderInboxId\":\"" MARIA "\",\"sentAtNs\":\"1795255320000000000\","
    "\"kind\":\"application\",\"status\":\"published\",\"contentType\":\"xmtp.org/reply:1.0\","
    "\"content\":{\"text\":\"thanks. can you add bo to #ops-oncall?\",\"reference\":\"m2\"},\"replyTo\":\"m2\"}],"
    "\"c0b2\":["
    "{\"id\":\"g1\",\"conversationId\":\"c0b2\",\"senderInboxId\":\"" DANA "\",\"sentAtNs\":\"1795251100000000000\","
    "\"kind\":\"membershipChange\",\"status\":\"published\",\"contentType\":\"xmtp.org/group_updated:1.0\","
    "\"content\":{\"addedInboxes\":[\"" MALLORY "\"],\"metadataChanges\":[{\"field\":\"group_name\",\"old\":\"ops\",\"new\":\"ops-oncall\"}]}},"
    "{\"id\":\"g2\",\"conversationId\":\"c0b2\",\"senderInboxId\":\"" MALLORY "\",\"sentAtNs\":\"1795251200000000000\","
    "\"kind\":\"application\",\"status\":\"published\",\"contentType\":\"xmtp.org/text:1.0\",\"content\":{\"text\":\"buy now\"}},"
    "{\"id\":\"g3\",\"conversationId\":\"c0b2\",\"senderInboxId\":\"" DANA "\",\"sentAtNs\":\"1795251300000000000\","
    "\"kind\":\"application\",\"status\":\"published\",\"contentType\":\"xmtp.org/text:1.0\",\"content\":{\"text\":\"morning\"}}],"
    "\"c0c3\":["
    "{\"id\":\"s1\",\"conversationId\":\"c0c3\",\"senderInboxId\":\"" STRANGER "\",\"sentAtNs\":\"1795255260000000000\","
    "\"kind\":\"application\",\"status\":\"published\",\"contentType\":\"xmtp.org/text:1.0\","
    "\"content\":{\"text\":\"hi! are you the maintainer\"}}]},"
    "\"members\":{"
    "\"c0a1\":[{\"inboxId\":\"" ME "\",\"addresses\":[\"0x5eed000000000000000000000000000000000001\"],\"level\":\"member\"},"
    "{\"inboxId\":\"" MARIA "\",\"addresses\":[\"0x1111111111111111111111111111111111111111\"],\"level\":\"member\",\"consent\":\"allowed\"}],"
    "\"c0b2\":[{\"inboxId\":\"" ME "\",\"addresses\":[],\"level\":\"member\"},{\"inboxId\":\"" DANA "\",\"addresses\":"
    "[\"0x2222222222222222222222222222222222222222\"],\"level\":\"admin\"},{\"inboxId\":\"" MALLORY "\",\"addresses\":"
    "[\"0x4444444444444444444444444444444444444444\"],\"level\":\"member\"}],"
    "\"c0c3\":[{\"inboxId\":\"" ME "\",\"addresses\":[]},{\"inboxId\":\"" STRANGER "\",\"addresses\":"
    "[\"0x9f3a000000000000000000000000000000000000\"]}],"
    "\"c0d4\":[{\"inboxId\":\"" ME "\",\"addresses\":[]},{\"inboxId\":\"" MALLORY "\",\"addresses\":"
    "[\"0x4444444444444444444444444444444444444444\"]}]},"
    "\"records\":[{\"entityType\":\"inboxId\",\"entity\":\"" MARIA "\",\"state\":\"allowed\"},"
    "{\"entityType\":\"inboxId\",\"entity\":\"" MALLORY "\",\"state\":\"denied\"}],"
    "\"log\":[{\"id\":1,\"timeNs\":\"1795082640000000000\",\"origin\":\"" PHONE "\",\"originNick\":\"phone\",\"entityType\":\"inboxId\","
    "\"entity\":\"" MARIA "\",\"oldState\":\"unknown\",\"newState\":\"allowed\",\"effect\":\"changed\",\"delivery\":\"received\"}],"
    "\"installations\":[{\"id\":\"" THIS_INSTALLATION "\",\"createdAtNs\":\"1795000000000000000\",\"self\":true,\"inSyncGroup\":true},"
    "{\"id\":\"" PHONE "\",\"nick\":\"phone\",\"createdAtNs\":\"1795000000000000000\",\"self\":false,\"inSyncGroup\":true,"
    "\"lastHeardNs\":\"1795255428000000000\"}],"
    "\"drafts\":{},\"nicks\":[]}";

static struct fake *of(struct ui_backend *b)
{
    return (struct fake *)b;
}

static void put_event(struct fake *f, enum xm_event_kind kind, int64_t id, json_t *json)
{
    json_t *event = json_pack("{s:i, s:I, s:o}", "kind", (int)kind, "id", (json_int_t)id, "json", json);

    json_array_append_new(f->hold && kind != XM_EVENT_NOTIFICATION ? f->held : f->queue, event);
    if (write(f->wake[1], "x", 1) < 0)
        return;
}

void fake_release(struct fake *f)
{
    f->hold = false;
    json_array_extend(f->queue, f->held);
    json_array_clear(f->held);
    if (write(f->wake[1], "x", 1) < 0)
        return;
}

void fake_notify(struct fake *f, const char *kind, json_t *data)
{
    put_event(f, XM_EVENT_NOTIFICATION, 0, json_pack("{s:i, s:s, s:o}", "subscription", 1, "kind", kind, "data", data));
}

static json_t *chat_of(struct fake *f, const char *id)
{
    size_t i;
    json_t *c;

    json_array_foreach (json_object_get(f->world, "conversations"), i, c)
        if (strcmp(js_str(c, "id"), id) == 0)
            return c;
    return NULL;
}

static json_t *messages_of(struct fake *f, const char *chat)
{
    json_t *all = json_object_get(f->world, "messages"), *list = json_object_get(all, chat);

    if (!list) {
        list = json_array();
        json_object_set_new(all, chat, list);
    }
    return list;
}

static json_t *ns_json(int64_t ns)
{
    char text[32];

    snprintf(text, sizeof text, "%lld", (long long)ns);
    return json_string(text);
}

static json_t *add_message(struct fake *f, const char *chat, const char *id, const char *sender, const char *type, json_t *content)
{
    json_t *m = json_pack("{s:s, s:s, s:s, s:o, s:s, s:s, s:s, s:o}", "id", id, "conversationId", chat, "senderInboxId", sender,
                          "sentAtNs", ns_json(f->now_ns), "kind", "application", "status", "published", "contentType", type,
                          "content", content);

    json_array_append_new(messages_of(f, chat), m);
    return m;
}

void fake_text(struct fake *f, const char *chat, const char *id, const char *sender, const char *text)
{
    json_t *c = chat_of(f, chat), *m;

    f->now_ns += 1000000000;
    m = add_message(f, chat, id, sender, "xmtp.org/text:1.0", json_pack("{s:s}", "text", text));
    if (c && strcmp(sender, ME) != 0)
        json_object_set_new(c, "unread", json_integer(js_int(c, "unread") + 1));
    if (c)
        json_object_set(c, "lastMessage", m);
    fake_notify(f, "message", json_deep_copy(m));
}

/* ---- decisions ---- */

static void set_record(struct fake *f, const char *type, const char *entity, const char *state)
{
    json_t *records = json_object_get(f->world, "records"), *r, *c;
    size_t i;

    json_array_foreach (records, i, r)
        if (strcmp(js_str(r, "entity"), entity) == 0) {
            json_array_remove(records, i);
            break;
        }
    json_array_append_new(records, json_pack("{s:s, s:s, s:s}", "entityType", type, "entity", entity, "state", state));
    json_array_foreach (json_object_get(f->world, "conversations"), i, c)
        if (strcmp(js_str(c, "id"), entity) == 0 || strcmp(js_str(c, "peerInboxId"), entity) == 0)
            json_object_set_new(c, "consent", json_string(state));
}

static const char *state_of(struct fake *f, const char *entity)
{
    json_t *r;
    size_t i;

    json_array_foreach (json_object_get(f->world, "records"), i, r)
        if (strcmp(js_str(r, "entity"), entity) == 0)
            return js_str(r, "state");
    return "unknown";
}

static void log_decision(struct fake *f, const char *type, const char *entity, const char *state, const char *origin,
                         const char *delivery)
{
    json_t *log = json_object_get(f->world, "log");

    json_array_insert_new(log, 0,
                          json_pack("{s:I, s:o, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "id", (json_int_t)json_array_size(log) + 1,
                                    "timeNs", ns_json(f->now_ns), "origin", origin, "entityType", type, "entity", entity,
                                    "oldState", state_of(f, entity), "newState", state, "effect", "changed", "delivery", delivery));
    set_record(f, type, entity, state);
}

static json_t *record_json(const char *type, const char *entity, const char *state, const char *origin)
{
    return json_pack("{s:s, s:s, s:s, s:s}", "entityType", type, "entity", entity, "state", state, "origin", origin);
}

/* The record of `entity`, and of the 1:1 chats with it, into a new list. */
static json_t *records_of(struct fake *f, const char *type, const char *entity, const char *state, const char *origin)
{
    json_t *list = json_array(), *c;
    size_t i;

    json_array_append_new(list, record_json(type, entity, state, origin));
    json_array_foreach (json_object_get(f->world, "conversations"), i, c)
        if (strcmp(js_str(c, "peerInboxId"), entity) == 0)
            json_array_append_new(list, record_json("conversationId", js_str(c, "id"), state, origin));
    return list;
}

void fake_remote_consent(struct fake *f, const char *type, const char *entity, const char *state, const char *origin)
{
    json_t *in, *records = records_of(f, type, entity, state, origin);
    size_t i;

    f->now_ns += 1000000000;
    json_array_foreach (json_object_get(f->world, "installations"), i, in)
        if (strcmp(js_str(in, "id"), origin) == 0)
            json_object_set_new(in, "lastHeardNs", json_sprintf("%lld", (long long)f->now_ns));
    log_decision(f, type, entity, state, origin, "received");
    json_array_foreach (records, i, in)
        fake_notify(f, "consent", json_incref(in));
    json_decref(records);
}

/* What the core answers to a decision: the records. */
static json_t *decide(struct fake *f, const json_t *params, const char *state)
{
    json_t *t, *records = json_array(), *some;
    size_t i;

    json_array_foreach (json_object_get(params, "targets"), i, t) {
        const char *entity = json_string_value(t);
        json_t *c = chat_of(f, entity);
        bool dm = c && *js_str(c, "peerInboxId");
        const char *type = dm || !c ? "inboxId" : "conversationId", *whom = dm ? js_str(c, "peerInboxId") : entity;

        log_decision(f, type, whom, state, "local", "published");
        some = records_of(f, type, whom, state, "local");
        json_array_extend(records, some);
        json_decref(some);
    }
    return json_pack("{s:o}", "records", records);
}

static json_t *undo(struct fake *f, int64_t id)
{
    json_t *log = json_object_get(f->world, "log"), *row, *found = NULL, *records = json_array();
    size_t i;

    json_array_foreach (log, i, row)
        if (js_int(row, "id") == id)
            found = json_deep_copy(row);
    if (found) {
        const char *type = js_str(found, "entityType"), *entity = js_str(found, "entity"), *state = js_str(found, "oldState");

        log_decision(f, type, entity, state, "local", "published");
        json_decref(records);
        records = records_of(f, type, entity, state, "local");
    }
    json_decref(found);
    return json_pack("{s:o}", "records", records);
}

/* ---- calls ---- */

static json_t *send_message(struct fake *f, const json_t *params)
{
    const json_t *content = json_object_get(params, "content");
    const char *chat = js_str(params, "id"), *text = *js_str(params, "text") ? js_str(params, "text") : js_str(content, "text");
    char id[32];

    snprintf(id, sizeof id, "sent%d", (int)json_array_size(messages_of(f, chat)) + 1);
    f->now_ns += 1000000;
    if (strcmp(js_str(content, "type"), "reaction") != 0)
        add_message(f, chat, id, ME, content ? "xmtp.org/reply:1.0" : "xmtp.org/text:1.0",
                    json_pack("{s:s, s:s}", "text", text, "reference", js_str(content, "reference")));
    return json_pack("{s:s, s:s}", "messageId", id, "status", "published");
}

static json_t *new_chat(struct fake *f, const json_t *params, bool group)
{
    json_t *c = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:i}", "id", group ? "c0f6" : "c0e5", "type", group ? "group" : "dm", "name",
                          js_str(params, "name"), "peerInboxId", group ? "" : js_str(params, "peer"), "consent", "allowed",
                          "createdAtNs", ns_json(f->now_ns), "unread", 0);

    json_array_append(json_object_get(f->world, "conversations"), c);
    return c;
}

static json_t *init(struct fake *f, const json_t *params)
{
    if (strcmp(js_str(params, "mode"), "external") == 0 && !*js_str(params, "signature"))
        return NULL;
    json_object_set_new(json_object_get(f->world, "info"), "registered", json_true());
    return json_incref(json_object_get(f->world, "info"));
}

static json_t *answer(struct fake *f, const char *method, const json_t *params)
{
    json_t *c = chat_of(f, js_str(params, "id"));

    if (strcmp(method, "client.init") == 0)
        return init(f, params);
    if (strcmp(method, "conversation.send") == 0)
        return send_message(f, params);
    if (strcmp(method, "preferences.block") == 0)
        return decide(f, params, "denied");
    if (strcmp(method, "preferences.allow") == 0)
        return decide(f, params, "allowed");
    if (strcmp(method, "preferences.reset") == 0)
        return decide(f, params, "unknown");
    if (strcmp(method, "preferences.undo") == 0)
        return undo(f, js_int(params, "id"));
    if (strcmp(method, "client.network") == 0)
        return json_pack("{s:s, s:i, s:i}", "state", "live", "lastHeardMs", 200, "outbox", f->outbox);
    else if (strcmp(method, "preferences.state") == 0 && json_object_get(f->world, "state"))
        return json_incref(json_object_get(f->world, "state"));
    else if (strcmp(method, "nick.list") == 0)
        return json_incref(json_object_get(f->world, "nicks"));
    else if (strcmp(method, "conversations.newDm") == 0)
        return new_chat(f, params, false);
    else if (strcmp(method, "conversations.newGroup") == 0)
        return new_chat(f, params, true);
    else if (strcmp(method, "conversation.draft") == 0)
        json_object_set_new(json_object_get(f->world, "drafts"), js_str(params, "id"), json_string(js_str(params, "text")));
    else if (strcmp(method, "conversation.markRead") == 0 && c) {
        json_object_set_new(c, "unread", json_integer(0));
        return json_pack("{s:i}", "unread", 0);
    }
    return json_object();
}

static int64_t call(struct ui_backend *b, const char *method, const char *params, struct xm_error *error)
{
    struct fake *f = of(b);
    json_t *o = json_loads(params ? params : "{}", 0, NULL), *result;
    char line[4096];

    (void)error;
    snprintf(line, sizeof line, "%s %s", method, params ? params : "");
    json_array_append_new(f->trace, json_string(line));
    f->next_id++;
    if (f->fail_method && strcmp(f->fail_method, method) == 0) {
        put_event(f, XM_EVENT_ERROR, f->next_id,
                  json_pack("{s:i, s:s, s:{s:s}}", "code", f->fail_number ? f->fail_number : -32000, "message", f->fail_text, "data",
                            "code", f->fail_code ? f->fail_code : "internal"));
        f->fail_method = NULL;
        f->fail_number = 0;
    } else if (f->result_method && strcmp(f->result_method, method) == 0) {
        put_event(f, XM_EVENT_RESULT, f->next_id, f->result);
        f->result_method = NULL;
        f->result = NULL;
    } else if ((result = answer(f, method, o)) != NULL) {
        put_event(f, XM_EVENT_RESULT, f->next_id, result);
    } else {
        put_event(f, XM_EVENT_ERROR, f->next_id,
                  json_pack("{s:i, s:s, s:{s:s, s:s, s:s}}", "code", -32000, "message", "a wallet must sign", "data", "code",
                            "signature_needed", "requestId", "r1", "text", "XMTP : Authenticate to inbox\n\nInbox ID: 00ee"));
    }
    json_decref(o);
    return f->next_id;
}

/* Oldest first in the answer whichever end is read from, as the core does it. */
static json_t *page(struct fake *f, const json_t *params)
{
    json_t *all = messages_of(f, js_str(params, "id")), *out = json_array(), *m;
    int64_t limit = js_int(params, "limit"), before = js_int(params, "beforeNs"), after = js_int(params, "afterNs");
    bool ascending = strcmp(js_str(params, "direction"), "ascending") == 0;
    size_t n = json_array_size(all);

    for (size_t i = 0; i < n && (int64_t)json_array_size(out) < limit; i++) {
        m = json_array_get(all, ascending ? i : n - 1 - i);
        if ((before && js_int(m, "sentAtNs") >= before) || (after && js_int(m, "sentAtNs") <= after))
            continue;
        if (ascending)
            json_array_append(out, m);
        else
            json_array_insert(out, 0, m);
    }
    return out;
}

static int read_now(struct ui_backend *b, const char *method, const char *params, char **result, struct xm_error *error)
{
    static const struct {
        const char *method, *key;
    } whole[] = {{"client.info", "info"},          {"conversations.list", "conversations"}, {"preferences.list", "records"},
                 {"preferences.log", "log"},       {"client.installations", "installations"}};
    struct fake *f = of(b);
    json_t *o = json_loads(params ? params : "{}", 0, NULL), *out = NULL;

    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
        if (strcmp(whole[i].method, method) == 0)
            out = json_incref(json_object_get(f->world, whole[i].key));
    f->pages += strcmp(method, "conversation.messages") == 0;
    f->lists += strcmp(method, "conversations.list") == 0;
    if (strcmp(method, "conversation.messages") == 0)
        out = page(f, o);
    else if (strcmp(method, "conversation.get") == 0)
        out = json_incref(chat_of(f, js_str(o, "id")));
    else if (strcmp(method, "conversation.members") == 0)
        out = json_incref(json_object_get(json_object_get(f->world, "members"), js_str(o, "id")));
    else if (strcmp(method, "drafts.get") == 0)
        out = json_pack("{s:s}", "text", js_str(json_object_get(f->world, "drafts"), js_str(o, "id")));
    json_decref(o);
    if (!out) {
        snprintf(error->text, sizeof error->text, "%s: not there", method);
        return XM_NOT_FOUND;
    }
    *result = json_dumps(out, JSON_COMPACT);
    json_decref(out);
    return XM_OK;
}

static struct xm_event *next_event(struct ui_backend *b)
{
    struct fake *f = of(b);
    json_t *e = json_array_get(f->queue, 0);
    struct xm_event *event;
    char drain[64];

    if (!e) {
        while (read(f->wake[0], drain, sizeof drain) > 0)
            ;
        return NULL;
    }
    event = calloc(1, sizeof *event);
    event->kind = (enum xm_event_kind)js_int(e, "kind");
    event->id = js_int(e, "id");
    event->json = json_dumps(json_object_get(e, "json"), JSON_COMPACT | JSON_ENCODE_ANY);
    json_array_remove(f->queue, 0);
    return event;
}

static void event_free(struct xm_event *event)
{
    free(event->json);
    free(event);
}

static enum xm_home_state inspect(struct ui_backend *b)
{
    return of(b)->home;
}

static int open_home(struct ui_backend *b, const char *passphrase, struct xm_error *error)
{
    struct fake *f = of(b);

    if (f->home == XM_HOME_NEEDS_PASSPHRASE && f->passphrase && (!passphrase || strcmp(passphrase, f->passphrase) != 0)) {
        snprintf(error->text, sizeof error->text, "wrong passphrase");
        return error->code = XM_BAD_KEY;
    }
    if (f->locked) {
        snprintf(error->text, sizeof error->text, "%s", f->locked);
        return error->code = XM_LOCKED;
    }
    json_array_append_new(f->trace, json_sprintf("open %s", passphrase ? passphrase : "-"));
    f->is_open = true;
    return XM_OK;
}

static int fd(struct ui_backend *b)
{
    return of(b)->is_open ? of(b)->wake[0] : -1;
}

static void free_text(char *text)
{
    free(text);
}

static void nothing(struct ui_backend *b)
{
    (void)b;
}

static const struct ui_backend_ops ops = {inspect, open_home, call, read_now, free_text, fd, next_event, event_free, nothing};

struct fake *fake_new(void)
{
    struct fake *f = calloc(1, sizeof *f);

    f->base.ops = &ops;
    f->home = XM_HOME_KEY_FILE;
    f->world = json_loads(world_text, 0, NULL);
    f->trace = json_array();
    f->queue = json_array();
    f->held = json_array();
    f->now_ns = START_NS;
    if (!f->world || pipe(f->wake) != 0)
        abort();
    fcntl(f->wake[0], F_SETFL, O_NONBLOCK);
    fcntl(f->wake[1], F_SETFL, O_NONBLOCK);
    return f;
}

struct fake *fake_new_home(void)
{
    struct fake *f = fake_new();

    f->home = XM_HOME_NEW;
    json_object_set_new(json_object_get(f->world, "info"), "registered", json_false());
    json_array_clear(json_object_get(f->world, "conversations"));
    json_array_clear(json_object_get(f->world, "records"));
    json_array_clear(json_object_get(f->world, "log"));
    return f;
}

void fake_free(struct fake *f)
{
    json_decref(f->world);
    json_decref(f->trace);
    json_decref(f->queue);
    json_decref(f->held);
    close(f->wake[0]);
    close(f->wake[1]);
    free(f);
}

const char *fake_last(struct fake *f, const char *method)
{
    for (size_t i = json_array_size(f->trace); i > 0; i--) {
        const char *line = json_string_value(json_array_get(f->trace, i - 1));

        if (strncmp(line, method, strlen(method)) == 0 && line[strlen(method)] == ' ')
            return line;
    }
    return "";
}

size_t fake_count(struct fake *f, const char *method)
{
    size_t n = 0, i;
    json_t *line;

    json_array_foreach (f->trace, i, line)
        n += strncmp(json_string_value(line), method, strlen(method)) == 0;
    return n;
}
