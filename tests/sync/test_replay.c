/* The log of every call that five installations of libxmtp made to their node, played again call by call.
 *
 * Each request and each answer passes the check and the decoders that ours pass, and packs to the same bytes.
 * What is published is kept (replay.h), every answer of the recorded node has to be what was published, and what
 * an installation is given it takes: identity updates are evaluated, key packages checked, welcomes opened,
 * commits applied, messages read.  In the end as much was reached as the recorded keys allow.
 *
 * rpc-log.jsonl: one call a line, `req` and `res` in hex. */
#include "tests/sync/replay.h"

#include "tests/test.h"

#include "base/err.h"
#include "crypto/crypto.h"
#include "mls/mls.h"
#include "net/node_answers.h"
#include "net/node_memory.h"
#include "net/node_rows.h"
#include "proto/check.h"
#include "proto/methods.h"
#include "proto/wire.h"
#include "proto/xmtp_identity_api.pb-c.h"
#include "proto/xmtp_mls_api.pb-c.h"
#include "sync/group_update.h"
#include "sync/metadata.h"
#include "tests/sync/recorded.h"
#include "tests/vectors.h"

#include <stdio.h>
#include <stdlib.h>

enum { PER_CALL_MAX = 64 };

/* One line of the log. */
struct call {
    struct replay *r;
    const char *who;
    enum proto_method method;
    const void *req;         /* unpacked, or NULL: an item of a stream */
    struct slice req_bytes, res_bytes;
    struct node_memory *memory; /* for the answer */
    bool is_early;              /* it tells of what is published further down, see play_all() */
};

/* ---- what is true of every message ---- */

static void expect_no_unknown_fields(const ProtobufCMessage *message)
{
    assert_int_equal(message->n_unknown_fields, 0);
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &message->descriptor->fields[i];
        const uint8_t *at = (const uint8_t *)message + f->offset;
        const uint8_t *quantifier = (const uint8_t *)message + f->quantifier_offset;

        if (f->type != PROTOBUF_C_TYPE_MESSAGE)
            continue;
        if (f->label == PROTOBUF_C_LABEL_REPEATED) {
            for (size_t k = 0; k < *(const size_t *)(const void *)quantifier; k++)
                expect_no_unknown_fields((*(const ProtobufCMessage *const *const *)(const void *)at)[k]);
        } else if ((!(f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) ||
                    *(const uint32_t *)(const void *)quantifier == f->id) &&
                   *(const ProtobufCMessage *const *)(const void *)at) {
            expect_no_unknown_fields(*(const ProtobufCMessage *const *)(const void *)at);
        }
    }
}

static void *unpack(const ProtobufCMessageDescriptor *type, struct slice bytes, struct proto_arena *arena)
{
    struct buf again = BUF_INIT;
    void *message = NULL;
    struct err err = {0};

    if (proto_unpack(type, bytes, arena, &message, &err) != 0)
        fail_msg("%s: %s", type->name, err.text);
    expect_no_unknown_fields(message);
    proto_pack(&again, message);
    assert_true(slice_eq(buf_slice(&again), bytes));
    buf_free(&again);
    return message;
}

/* ---- publishing ---- */

static void publish_identity_update(struct call *c)
{
    struct slice update;

    assert_true(wire_find(c->req_bytes, 1, &update));
    replay_put_update(c->r, update);
}

static void upload_key_package(struct call *c)
{
    const Xmtp__Mls__Api__V1__UploadKeyPackageRequest *req = c->req;

    replay_put_package(c->r, proto_slice(req->key_package->key_package_tls_serialized));
}

static void send_group_messages(struct call *c)
{
    const Xmtp__Mls__Api__V1__SendGroupMessagesRequest *req = c->req;

    assert_true(req->n_messages > 0);
    for (size_t i = 0; i < req->n_messages; i++) {
        const Xmtp__Mls__Api__V1__GroupMessageInput__V1 *v1 = req->messages[i]->v1;

        replay_put_message(c->r, proto_slice(v1->data), proto_slice(v1->sender_hmac), v1->should_push);
    }
}

static void send_welcome_messages(struct call *c)
{
    const Xmtp__Mls__Api__V1__SendWelcomeMessagesRequest *req = c->req;

    assert_true(req->n_messages > 0);
    for (size_t i = 0; i < req->n_messages; i++) {
        const Xmtp__Mls__Api__V1__WelcomeMessageInput *in = req->messages[i];
        struct node_welcome_message w;

        if (in->version_case == XMTP__MLS__API__V1__WELCOME_MESSAGE_INPUT__VERSION_V1)
            w = (struct node_welcome_message){.kind = NODE_WELCOME_V1,
                                              .installation_key = proto_slice(in->v1->installation_key),
                                              .data = proto_slice(in->v1->data),
                                              .hpke_public_key = proto_slice(in->v1->hpke_public_key),
                                              .wrapper_algorithm = in->v1->wrapper_algorithm,
                                              .metadata = proto_slice(in->v1->welcome_metadata)};
        else
            w = (struct node_welcome_message){
                .kind = NODE_WELCOME_POINTER,
                .installation_key = proto_slice(in->welcome_pointer->installation_key),
                .data = proto_slice(in->welcome_pointer->welcome_pointer),
                .hpke_public_key = proto_slice(in->welcome_pointer->hpke_public_key),
                .wrapper_algorithm = in->welcome_pointer->wrapper_algorithm};
        replay_put_welcome(c->r, &w);
    }
}

static void batch_publish_commit_log(struct call *c)
{
    const Xmtp__Mls__Api__V1__BatchPublishCommitLogRequest *req = c->req;

    assert_true(req->n_requests > 0);
    for (size_t i = 0; i < req->n_requests; i++)
        replay_put_log_entry(c->r, proto_slice(req->requests[i]->group_id),
                             proto_slice(req->requests[i]->serialized_commit_log_entry),
                             proto_slice(req->requests[i]->signature->bytes),
                             proto_slice(req->requests[i]->signature->public_key));
}

/* ---- asking ---- */

static uint64_t ascending_from(const Xmtp__Mls__Api__V1__PagingInfo *paging)
{
    assert_non_null(paging);
    assert_int_equal(paging->direction, XMTP__MLS__API__V1__SORT_DIRECTION__SORT_DIRECTION_ASCENDING);
    assert_int_equal(paging->limit, 100);
    return paging->id_cursor;
}

static void query_group_messages(struct call *c)
{
    const Xmtp__Mls__Api__V1__QueryGroupMessagesRequest *req = c->req;
    struct slice group_id = proto_slice(req->group_id);
    uint64_t after = ascending_from(req->paging_info);
    struct node_group_page page = {0};

    assert_int_equal(node_page_group(c->res_bytes, group_id, after, &page, NULL), 0);
    assert_int_equal(page.skipped_count, 0);
    for (size_t i = 0; i < page.count; i++) {
        after = replay_next_message(c->r, group_id, after);
        assert_int_equal(page.messages[i].cursor.sequence_id, after);
        replay_give_message(c->r, c->who, &page.messages[i]);
    }
    assert_int_equal(replay_next_message(c->r, group_id, after), 0);
    node_group_page_free(&page);
}

static void query_welcome_messages(struct call *c)
{
    const Xmtp__Mls__Api__V1__QueryWelcomeMessagesRequest *req = c->req;
    struct slice key = proto_slice(req->installation_key);
    uint64_t after = ascending_from(req->paging_info);
    struct node_welcome_page page = {0};

    assert_int_equal(node_page_welcome(c->res_bytes, key, after, &page, NULL), 0);
    assert_int_equal(page.skipped_count, 0);
    for (size_t i = 0; i < page.count; i++) {
        after = replay_next_welcome(c->r, key, after);
        assert_int_equal(page.welcomes[i].cursor.sequence_id, after);
        replay_give_welcome(c->r, c->who, &page.welcomes[i]);
    }
    assert_int_equal(replay_next_welcome(c->r, key, after), 0);
    node_welcome_page_free(&page);
}

static void get_newest_group_message(struct call *c)
{
    const Xmtp__Mls__Api__V1__GetNewestGroupMessageRequest *req = c->req;
    struct node_newest_entry entries[PER_CALL_MAX] = {0};
    struct slice ids[PER_CALL_MAX];

    assert_true(req->n_group_ids <= PER_CALL_MAX);
    for (size_t i = 0; i < req->n_group_ids; i++)
        ids[i] = proto_slice(req->group_ids[i]);
    assert_int_equal(node_answer_newest(c->res_bytes, ids, req->n_group_ids, c->memory, entries, NULL), 0);
    for (size_t i = 0; i < req->n_group_ids; i++) {
        uint64_t last = replay_last_message(c->r, ids[i]);

        assert_int_equal(entries[i].found, last != 0);
        assert_int_equal(entries[i].found ? entries[i].message.cursor.sequence_id : 0, last);
    }
}

static void fetch_key_packages(struct call *c)
{
    const Xmtp__Mls__Api__V1__FetchKeyPackagesRequest *req = c->req;
    struct slice packages[PER_CALL_MAX];

    assert_true(req->n_installation_keys <= PER_CALL_MAX);
    assert_int_equal(node_answer_key_packages(c->res_bytes, req->n_installation_keys, c->memory, packages, NULL), 0);
    for (size_t i = 0; i < req->n_installation_keys; i++)
        assert_true(slice_eq(packages[i], replay_newest_package(c->r, proto_slice(req->installation_keys[i]))));
}

static void get_identity_updates(struct call *c)
{
    const Xmtp__Identity__Api__V1__GetIdentityUpdatesRequest *req = c->req;
    struct node_inbox_request requests[PER_CALL_MAX];
    struct node_inbox_log logs[PER_CALL_MAX] = {0};

    assert_true(req->n_requests <= PER_CALL_MAX);
    for (size_t i = 0; i < req->n_requests; i++)
        requests[i] = (struct node_inbox_request){req->requests[i]->inbox_id, req->requests[i]->sequence_id};
    assert_int_equal(node_answer_identity_updates(c->res_bytes, requests, req->n_requests, c->memory, logs, NULL), 0);
    for (size_t i = 0; i < req->n_requests; i++) {
        uint64_t after = requests[i].after_sequence_id;

        assert_string_equal(logs[i].inbox_id, requests[i].inbox_id);
        for (size_t k = 0; k < logs[i].count; k++) {
            after = replay_next_update(c->r, requests[i].inbox_id, after);
            assert_int_equal(logs[i].updates[k].cursor.sequence_id, after);
            assert_true(slice_eq(logs[i].updates[k].update, bytes_slice(&c->r->updates[after - 1].update)));
        }
        assert_int_equal(replay_next_update(c->r, requests[i].inbox_id, after), 0);
    }
}

/* The inbox whose evaluated state has this wallet. */
static const char *inbox_of(const struct replay *r, const char *address)
{
    for (size_t i = 0; i < r->n_inboxes; i++)
        if (identity_state_member(r->inboxes[i].state, ident_ethereum(address)))
            return r->inboxes[i].inbox_id;
    return NULL;
}

static void get_inbox_ids(struct call *c)
{
    const Xmtp__Identity__Api__V1__GetInboxIdsRequest *req = c->req;
    struct node_identifier identifiers[PER_CALL_MAX];
    const char *found[PER_CALL_MAX] = {NULL}, *want;

    assert_true(req->n_requests <= PER_CALL_MAX);
    for (size_t i = 0; i < req->n_requests; i++)
        identifiers[i] = (struct node_identifier){(enum node_identifier_kind)req->requests[i]->identifier_kind,
                                                  req->requests[i]->identifier};
    assert_int_equal(node_answer_inbox_ids(c->res_bytes, identifiers, req->n_requests, c->memory, found, NULL), 0);
    for (size_t i = 0; i < req->n_requests; i++) {
        want = inbox_of(c->r, identifiers[i].text);
        assert_int_equal(found[i] != NULL, want != NULL);
        if (want)
            assert_string_equal(found[i], want);
    }
}

static void batch_query_commit_log(struct call *c)
{
    const Xmtp__Mls__Api__V1__BatchQueryCommitLogRequest *req = c->req;
    struct node_commit_log_request requests[PER_CALL_MAX];
    struct node_commit_log logs[PER_CALL_MAX] = {0};

    assert_true(req->n_requests <= PER_CALL_MAX);
    for (size_t i = 0; i < req->n_requests; i++)
        requests[i] = (struct node_commit_log_request){proto_slice(req->requests[i]->group_id),
                                                       req->requests[i]->paging_info->id_cursor};
    assert_int_equal(node_answer_commit_logs(c->res_bytes, requests, req->n_requests, c->memory, logs, NULL), 0);
    for (size_t i = 0; i < req->n_requests; i++)
        for (size_t k = 0; k < logs[i].count; k++) {
            const struct replay_entry *entry = NULL;

            /* Entries are numbered through all groups; in one they keep their order. */
            for (size_t n = 1; !entry && replay_log_entry(c->r, requests[i].group_id, n); n++)
                if (slice_eq(logs[i].entries[k].entry,
                             bytes_slice(&replay_log_entry(c->r, requests[i].group_id, n)->entry)))
                    entry = replay_log_entry(c->r, requests[i].group_id, n);
            assert_non_null(entry);
            assert_true(slice_eq(logs[i].entries[k].signature, bytes_slice(&entry->signature)));
            assert_true(k == 0 || logs[i].entries[k].cursor.sequence_id > logs[i].entries[k - 1].cursor.sequence_id);
        }
}

/* ---- streams: a request once, then an answer an item ---- */

static void subscribe_group_messages(struct call *c)
{
    struct proto_arena arena = PROTO_ARENA_INIT;
    struct node_group_message row;
    struct node_cursor cursor;

    if (c->req)
        return;
    assert_int_equal(node_row_group(c->res_bytes, true, &arena, &row, &cursor, NULL), 0);
    c->is_early = row.cursor.sequence_id > c->r->n_messages;
    if (!c->is_early)
        replay_give_message(c->r, c->who, &row);
    proto_arena_free(&arena);
}

static void subscribe_welcome_messages(struct call *c)
{
    struct proto_arena arena = PROTO_ARENA_INIT;
    struct node_welcome_message row;
    struct node_cursor cursor;

    if (c->req)
        return;
    assert_int_equal(node_row_welcome(c->res_bytes, &arena, &row, &cursor, NULL), 0);
    c->is_early = row.cursor.sequence_id > c->r->n_welcomes;
    if (!c->is_early)
        replay_give_welcome(c->r, c->who, &row);
    proto_arena_free(&arena);
}

/* ---- the log ---- */

static void (*const players[PROTO_METHOD_COUNT])(struct call *c) = {
    [PROTO_MLS_UPLOAD_KEY_PACKAGE] = upload_key_package,
    [PROTO_MLS_FETCH_KEY_PACKAGES] = fetch_key_packages,
    [PROTO_MLS_SEND_GROUP_MESSAGES] = send_group_messages,
    [PROTO_MLS_SEND_WELCOME_MESSAGES] = send_welcome_messages,
    [PROTO_MLS_QUERY_GROUP_MESSAGES] = query_group_messages,
    [PROTO_MLS_QUERY_WELCOME_MESSAGES] = query_welcome_messages,
    [PROTO_MLS_SUBSCRIBE_GROUP_MESSAGES] = subscribe_group_messages,
    [PROTO_MLS_SUBSCRIBE_WELCOME_MESSAGES] = subscribe_welcome_messages,
    [PROTO_MLS_GET_NEWEST_GROUP_MESSAGE] = get_newest_group_message,
    [PROTO_MLS_BATCH_PUBLISH_COMMIT_LOG] = batch_publish_commit_log,
    [PROTO_MLS_BATCH_QUERY_COMMIT_LOG] = batch_query_commit_log,
    [PROTO_IDENTITY_PUBLISH_IDENTITY_UPDATE] = publish_identity_update,
    [PROTO_IDENTITY_GET_IDENTITY_UPDATES] = get_identity_updates,
    [PROTO_IDENTITY_GET_INBOX_IDS] = get_inbox_ids,
};

/* "MlsApi/X" -> the method of "/xmtp.mls.api.v1.MlsApi/X". */
static enum proto_method method_of(const char *name)
{
    for (int m = 0; m < PROTO_METHOD_COUNT; m++) {
        const char *path = proto_method_info((enum proto_method)m)->path;
        size_t path_len = strlen(path), len = strlen(name);

        if (path_len > len && path[path_len - len - 1] == '.' && strcmp(path + path_len - len, name) == 0)
            return (enum proto_method)m;
    }
    fail_msg("a method that we do not know: %s", name);
    return PROTO_METHOD_COUNT;
}

/* False when it came too early. */
static bool play(struct replay *r, const json_t *line)
{
    const struct proto_method_info *info;
    struct proto_arena arena = PROTO_ARENA_INIT;
    struct bytes req = {0}, res = {0};
    struct call c = {.r = r, .who = recorded_text(line, "who"), .method = method_of(recorded_text(line, "method"))};

    info = proto_method_info(c.method);
    assert_non_null(players[c.method]);
    assert_null(json_object_get(line, "error"));
    if (json_object_get(line, "req")) {
        req = recorded_hex(line, "req");
        c.req_bytes = bytes_slice(&req);
        c.req = unpack(info->request, c.req_bytes, &arena);
    }
    if (json_object_get(line, "res")) {
        res = recorded_hex(line, "res");
        c.res_bytes = bytes_slice(&res);
        if (info->reply)
            unpack(info->reply, c.res_bytes, &arena);
        else
            assert_int_equal(res.len, 0);
    }
    c.memory = node_memory_new();
    if (c.req || json_object_get(line, "res")) /* else the end of a stream */
        players[c.method](&c);
    node_memory_free(c.memory);
    proto_arena_free(&arena);
    bytes_free(&req);
    bytes_free(&res);
    return !c.is_early;
}

/* A call has its line where its answer was sent, and the node had told the streams by then: their items wait for
 * it. */
static void play_early(struct replay *r, json_t *early)
{
    while (json_array_size(early) && play(r, json_array_get(early, 0)))
        json_array_remove(early, 0);
}

static unsigned play_all(struct replay *r, json_t **kept)
{
    json_t *early = json_array();
    const char *top = getenv("XM_SRCDIR");
    char path[512], *line = NULL;
    unsigned calls = 0;
    size_t room = 0;
    FILE *f;

    snprintf(path, sizeof path, "%s/tests/vectors/rpc-log.jsonl", top ? top : ".");
    assert_non_null(f = fopen(path, "r"));
    *kept = json_array(); /* views borrow names from the lines */
    while (getline(&line, &room, f) > 0) {
        json_t *call = json_loads(line, 0, NULL);

        assert_non_null(call);
        json_array_append_new(*kept, call);
        if (!play(r, call))
            json_array_append(early, call);
        play_early(r, early);
        calls++;
    }
    assert_int_equal(json_array_size(early), 0);
    json_decref(early);
    free(line);
    fclose(f);
    return calls;
}

/* ---- where it leads ---- */

static size_t members_of(const json_t *state, const struct identity_state *ours)
{
    json_t *installation, *wallet;
    size_t i, n = 0;

    json_array_foreach(json_object_get(state, "installations"), i, installation) {
        struct bytes key = recorded_hex(installation, "bytes");

        assert_true(identity_state_has_installation(ours, bytes_slice(&key)));
        bytes_free(&key);
        n++;
    }
    json_array_foreach(json_object_get(state, "identifiers"), i, wallet) {
        assert_non_null(identity_state_member(ours, ident_ethereum(recorded_text(wallet, "identifier"))));
        n++;
    }
    return n;
}

static void expect_recorded_states(struct replay *r)
{
    const char *name;
    json_t *state;
    size_t n = 0;

    json_object_foreach(json_object_get(r->identity, "inboxStates"), name, state) {
        const struct replay_inbox *inbox = replay_inbox(r, recorded_text(state, "inboxId"));

        assert_non_null(inbox);
        assert_int_equal(members_of(state, inbox->state), identity_state_count(inbox->state, 0));
        assert_true(ident_eq(inbox->state->recovery,
                             ident_ethereum(recorded_text(json_object_get(state, "recoveryIdentifier"), "identifier"))));
        n++;
    }
    assert_int_equal(n, r->n_inboxes);
}

/* What any installation said of the group in the end, if it was in this epoch then. */
static const json_t *final_conversation(const struct replay *r, const struct replay_view *v)
{
    json_t *conversations, *conversation;
    const char *who;
    size_t i;

    json_object_foreach(json_object_get(r->final, "conversations"), who, conversations)
        json_array_foreach(conversations, i, conversation)
            if (strcmp(recorded_text(conversation, "id"), recorded_text(v->group, "group")) == 0 &&
                recorded_number(json_object_get(conversation, "debug"), "epoch") == mls_group_epoch(v->mls))
                return conversation;
    return NULL;
}

static void expect_inboxes(const json_t *want, const struct inbox_list *have)
{
    json_t *inbox;
    size_t i;

    json_array_foreach(want, i, inbox)
        assert_true(inbox_list_has(have, json_string_value(inbox)));
    assert_int_equal(json_array_size(want), have->n);
}

/* Whoever came to a group's last epoch reads there what libxmtp said.  Returns whether it did. */
static bool expect_final_metadata(const struct replay *r, const struct replay_view *v)
{
    const json_t *want = final_conversation(r, v);
    struct group_mutable have;
    struct slice raw;

    if (!want || v->ended || strcmp(recorded_text(want, "type"), "group") != 0)
        return false;
    assert_true(mls_extension_find(mls_group_extensions(v->mls), EXT_MUTABLE_METADATA, &raw));
    assert_int_equal(group_mutable_decode(raw, &have, NULL), 0);
    assert_string_equal(group_attr_get(&have, ATTR_NAME), recorded_text(want, "name"));
    assert_string_equal(group_attr_get(&have, ATTR_DESCRIPTION), recorded_text(want, "description"));
    expect_inboxes(json_object_get(want, "admins"), &have.admins);
    expect_inboxes(json_object_get(want, "superAdmins"), &have.super_admins);
    group_mutable_free(&have);
    return true;
}

static void the_recorded_log_is_played_to_its_end(void **state)
{
    struct replay r;
    json_t *kept;
    unsigned calls, epochs = 0, messages = 0, finals = 0;

    (void)state;
    replay_open(&r);
    calls = play_all(&r, &kept);
    for (size_t g = 0; g < sizeof r.epoch_reached / sizeof r.epoch_reached[0]; g++)
        for (size_t e = 0; e < sizeof r.epoch_reached[0]; e++)
            epochs += r.epoch_reached[g][e];
    for (size_t id = 0; id < REPLAY_MESSAGES; id++)
        messages += r.message_reached[id];
    for (size_t i = 0; i < r.n_views; i++)
        finals += expect_final_metadata(&r, &r.views[i]);
    expect_recorded_states(&r);
    print_message("%u calls: %zu identity updates, %zu key packages, %zu welcomes, %zu messages, %zu log entries; "
                  "%u epochs and %u messages of %zu views, %u HMACs, %u final states\n",
                  calls, r.n_updates, r.n_packages, r.n_welcomes, r.n_messages, r.n_log, epochs, messages, r.n_views,
                  r.hmacs_explained, finals);
    assert_int_equal(calls, 466);
    assert_int_equal(r.n_updates, 8);
    assert_int_equal(r.n_packages, 12);
    assert_int_equal(r.n_welcomes, 16);
    assert_int_equal(r.n_messages, 66);
    assert_int_equal(epochs, 17);
    assert_int_equal(messages, 21);
    assert_int_equal(r.hmacs_explained, 54);
    assert_int_equal(finals, 1);
    json_decref(kept);
    replay_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_recorded_log_is_played_to_its_end),
    };

    if (crypto_init(NULL) != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
