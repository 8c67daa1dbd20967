#include "sync/streams.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/i18n.h"
#include "base/log.h"
#include "net/node_api.h"
#include "store/consent.h"
#include "store/groups.h"
#include "sync/consent.h"
#include "sync/consent_json.h"
#include "sync/conversation_json.h"
#include "sync/core.h"
#include "sync/live.h"
#include "sync/messages.h"
#include "sync/rpc.h"

#include <string.h>

#define DEFAULT_STATES (STORE_CONSENT_BIT(STORE_CONSENT_UNKNOWN) | STORE_CONSENT_BIT(STORE_CONSENT_ALLOWED))

struct subscription {
    json_int_t id;
    unsigned kinds, states;
    bool hides_denied_peers; /* no states were named: what the list shows */
    struct subscription *next;
};

struct streams {
    struct live *live;
    struct subscription *first;
    json_int_t last_id;
    const char *told; /* network state last sent */
};

/* ---- out ---- */

static const char *const kind_names[] = {"message", "conversation", "consent", "preferences"};

static void send_to(struct core *core, const struct subscription *s, const char *kind, json_t *data)
{
    json_t *event = json_pack("{s:I,s:s,s:O}", "subscription", s->id, "kind", kind, "data", data);

    if (event)
        core->notify(core->notify_ctx, event);
    json_decref(event);
}

/* Where something happened, as far as consent goes (sync.md 3.1). */
struct place {
    enum consent_state state;
    bool peer_denied; /* a 1:1 chat that is not decided, with somebody who is denied */
};

static int place_of(struct core *core, const uint8_t group_id[GROUP_ID_LEN], struct place *out, struct err *err)
{
    enum consent_state peer = CONSENT_UNKNOWN;
    struct store_mem mem = STORE_MEM_INIT;
    struct store_group group;
    int r = consent_of_group(core, group_id, &out->state, err);

    out->peer_denied = false;
    if (r != 0 || out->state != CONSENT_UNKNOWN)
        return r;
    r = store_group_get(core->store, slice_of(group_id, GROUP_ID_LEN), &mem, &group, err);
    if (r == 0 && group.type == STORE_DM && group.peer_inbox_id)
        r = consent_get(core, CONSENT_INBOX, group.peer_inbox_id, &peer, err);
    out->peer_denied = peer == CONSENT_DENIED;
    store_mem_free(&mem);
    return r;
}

/* `place`: NULL for events of no conversation. */
static void deliver(struct core *core, unsigned kind, const struct place *place, json_t *data)
{
    const char *name = kind_names[__builtin_ctz(kind)];

    for (struct subscription *s = core->streams->first; s; s = s->next)
        if ((s->kinds & kind) &&
            (!place || ((s->states >> place->state & 1) && !(s->hides_denied_peers && place->peer_denied))))
            send_to(core, s, name, data);
}

static bool anybody_wants(struct core *core, unsigned kind)
{
    for (struct subscription *s = core->streams->first; s; s = s->next)
        if (s->kinds & kind)
            return true;
    return false;
}

static void tell_message(struct core *core, const struct core_event *event)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_message row;
    struct place place;
    struct err err = {0};
    json_t *data = NULL;

    if (!anybody_wants(core, STREAM_MESSAGES))
        return;
    if (store_message_get(core->store, slice_of(event->message_id, MESSAGE_ID_LEN), &mem, &row, &err) != 0 ||
        place_of(core, event->group_id, &place, &err) != 0 ||
        message_to_json(core->store, &row, &data, &err) != 0)
        log_error("streams", "a message could not be handed on: %s", err.text);
    else
        deliver(core, STREAM_MESSAGES, &place, data);
    json_decref(data);
    store_mem_free(&mem);
}

/* One of ours has reached the node after its send was answered, or has failed for good. */
static void tell_status(struct core *core, const struct core_event *event)
{
    static const char *const names[] = {
        [STORE_UNPUBLISHED] = "unpublished", [STORE_PUBLISHED] = "published", [STORE_FAILED] = "failed"};
    struct store_mem mem = STORE_MEM_INIT;
    struct store_message row;
    json_t *data = NULL;

    if (!anybody_wants(core, STREAM_MESSAGES))
        return;
    if (store_message_get(core->store, slice_of(event->message_id, MESSAGE_ID_LEN), &mem, &row, NULL) == 0)
        data = json_pack("{s:o,s:o,s:s}", "messageId", rpc_hex_json(event->message_id, MESSAGE_ID_LEN),
                         "conversationId", rpc_hex_json(event->group_id, GROUP_ID_LEN), "status", names[row.status]);
    for (struct subscription *s = core->streams->first; s && data; s = s->next)
        if (s->kinds & STREAM_MESSAGES)
            send_to(core, s, "status", data);
    json_decref(data);
    store_mem_free(&mem);
}

static int count_group(void *ctx, const struct store_group *row)
{
    (void)row;
    ++*(size_t *)ctx;
    return 0;
}

/* A duplicate of a 1:1 chat is not a new conversation to anybody. */
static void tell_conversation(struct core *core, const struct core_event *event)
{
    struct slice id = slice_of(event->group_id, GROUP_ID_LEN);
    struct store_mem mem = STORE_MEM_INIT;
    struct store_conversation row;
    struct err err = {0};
    json_t *data = NULL;
    struct place place;
    size_t groups = 0;

    if (!anybody_wants(core, STREAM_CONVERSATIONS))
        return;
    if (store_conversation_get(core->store, id, &mem, &row, &err) != 0 ||
        place_of(core, event->group_id, &place, &err) != 0 ||
        store_groups_of_conversation(core->store, row.group.conversation, count_group, &groups, &err) != 0 ||
        (groups == 1 && conversation_to_json(core->store, &row, &data, &err) != 0))
        log_error("streams", "a conversation could not be handed on: %s", err.text);
    else if (data)
        deliver(core, STREAM_CONVERSATIONS, &place, data);
    json_decref(data);
    store_mem_free(&mem);
}

static void tell_consent(struct core *core, const struct core_event *event)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_consent_log row;
    struct err err = {0};
    json_t *data = NULL;

    if (!anybody_wants(core, STREAM_CONSENT))
        return;
    if (store_consent_log_get(core->store, event->log_id, &mem, &row, &err) != 0)
        log_error("streams", "a decision could not be handed on: %s", err.text);
    else if ((data = consent_record_json(&row.record)))
        deliver(core, STREAM_CONSENT, NULL, data);
    json_decref(data);
    store_mem_free(&mem);
}

/* An installation that appears brings a preferences group; the other news is an HMAC key. */
static void tell_preferences(struct core *core, const struct core_event *event)
{
    static const uint8_t none[GROUP_ID_LEN];
    json_t *data;

    if (memcmp(event->group_id, none, sizeof none) == 0)
        data = json_pack("{s:s}", "what", "hmacKey");
    else
        data = json_pack("{s:s,s:o}", "what", "installation", "groupId", rpc_hex_json(event->group_id, GROUP_ID_LEN));
    if (data)
        deliver(core, STREAM_PREFERENCES, NULL, data);
    json_decref(data);
}

static void tell_network(struct core *core)
{
    const char *state = streams_network_state(core);
    json_t *data;

    if (core->streams->told && strcmp(core->streams->told, state) == 0)
        return;
    core->streams->told = state;
    data = json_pack("{s:s}", "state", state);
    for (struct subscription *s = core->streams->first; s && data; s = s->next)
        send_to(core, s, "network", data);
    json_decref(data);
}

/* ---- in ---- */

static void on_event(void *ctx, const struct core_event *event)
{
    struct core *core = ctx;

    switch (event->kind) {
    case CORE_MESSAGE:
        tell_message(core, event);
        break;
    case CORE_MESSAGE_STATUS:
        tell_status(core, event);
        break;
    case CORE_CONVERSATION:
        live_joined(core->streams->live, event->group_id);
        tell_conversation(core, event);
        break;
    case CORE_SYNC_WELCOME:
        live_joined(core->streams->live, event->group_id);
        break;
    case CORE_CONSENT:
        live_refresh(core->streams->live);
        tell_consent(core, event);
        break;
    case CORE_PREFERENCES:
        tell_preferences(core, event);
        break;
    case CORE_NETWORK:
        if (core->api && node_link(core->api) == GRPC_LINK_LIVE)
            live_link_is_back(core->streams->live);
        tell_network(core);
        break;
    default:
        break;
    }
}

static void on_live_changed(void *ctx)
{
    tell_network(ctx);
}

const char *streams_network_state(struct core *core)
{
    enum live_state state = live_state(core->streams->live);

    if (core->offline || !core->api)
        return "offline";
    switch (state) {
    case LIVE_ON:
        return node_link(core->api) == GRPC_LINK_LIVE ? "live" : "reconnecting";
    case LIVE_CONNECTING:
        return "reconnecting";
    case LIVE_LOST:
        return "offline";
    default:
        return node_link(core->api) == GRPC_LINK_LIVE ? "live" : "offline";
    }
}

/* Conversations that anybody wants. */
static void want(struct core *core)
{
    unsigned states = 0;

    for (struct subscription *s = core->streams->first; s; s = s->next)
        states |= s->states;
    live_want(core->streams->live, states);
}

int streams_start(struct core *core, unsigned kinds, unsigned states, json_int_t *subscription, bool *live,
                  struct err *err)
{
    struct subscription *s;
    json_int_t id;

    if (core->offline)
        return err_set(err, ERR_OFFLINE, "%s", _("this needs the network, and offline was asked for"));
    if (!core->self.registered)
        return err_set(err, ERR_STATE, "this installation is not registered yet");
    s = xm_alloc(sizeof *s);
    if (!s)
        return err_set(err, ERR_NOMEM, "out of memory");
    *s = (struct subscription){++core->streams->last_id, kinds, states ? states : DEFAULT_STATES, !states,
                               core->streams->first};
    id = s->id;
    core->streams->first = s;
    want(core);
    *live = live_wait(core->streams->live, NULL) == 0;
    *subscription = id;
    return 0;
}

int streams_stop(struct core *core, json_int_t subscription, struct err *err)
{
    for (struct subscription **at = &core->streams->first; *at; at = &(*at)->next) {
        struct subscription *s = *at;

        if (s->id != subscription)
            continue;
        *at = s->next;
        xm_free(s);
        want(core);
        return 0;
    }
    return err_set(err, ERR_NOTFOUND, "no subscription %lld", (long long)subscription);
}

int streams_new(struct core *core, struct err *err)
{
    core->streams = xm_alloc(sizeof *core->streams);
    if (!core->streams)
        return err_set(err, ERR_NOMEM, "out of memory");
    core_listen(core, on_event, core);
    return live_new(core, on_live_changed, core, &core->streams->live, err);
}

void streams_cancel(struct core *core)
{
    live_stop(core->streams->live);
}

void streams_free(struct core *core)
{
    struct streams *streams = core->streams;

    if (!streams)
        return;
    while (streams->first) {
        struct subscription *s = streams->first;

        streams->first = s->next;
        xm_free(s);
    }
    live_free(streams->live);
    xm_free(streams);
    core->streams = NULL;
}
