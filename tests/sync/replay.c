#include "tests/sync/replay.h"

#include "tests/test.h"

#include "base/err.h"
#include "crypto/ed25519.h"
#include "crypto/hash.h"
#include "identity/key_package.h"
#include "identity/update.h"
#include "mls/mls.h"
#include "proto/check.h"
#include "proto/xmtp_mls_message_contents.pb-c.h"
#include "sync/hmac.h"
#include "tests/sync/recorded.h"
#include "tests/vectors.h"

#include <stdlib.h>

#define RECORDED_AT_S UINT64_C(1795383900)

static struct bytes copy(struct slice from)
{
    struct bytes out = {0};

    assert_int_equal(bytes_dup(from, &out), 0);
    return out;
}

static bool same(const struct bytes *a, struct slice b)
{
    return slice_eq(bytes_slice(a), b);
}

void replay_open(struct replay *r)
{
    *r = (struct replay){.welcomes = vectors_load("recorded-welcomes.json"),
                         .groups = vectors_load("group-messages.json"),
                         .identity = vectors_load("identity.json"),
                         .packages = vectors_load("key-packages.json"),
                         .hmac = vectors_load("hmac.json"),
                         .final = vectors_load("final-state.json")};
}

void replay_close(struct replay *r)
{
    for (size_t i = 0; i < r->n_messages; i++) {
        bytes_free(&r->messages[i].group_id);
        bytes_free(&r->messages[i].data);
        bytes_free(&r->messages[i].hmac);
    }
    for (size_t i = 0; i < r->n_welcomes; i++) {
        bytes_free(&r->welcomes_sent[i].key);
        bytes_free(&r->welcomes_sent[i].data);
        bytes_free(&r->welcomes_sent[i].hpke);
        bytes_free(&r->welcomes_sent[i].metadata);
    }
    for (size_t i = 0; i < r->n_updates; i++)
        bytes_free(&r->updates[i].update);
    for (size_t i = 0; i < r->n_inboxes; i++)
        identity_state_free(r->inboxes[i].state);
    for (size_t i = 0; i < r->n_packages; i++)
        bytes_free(&r->packages_sent[i]);
    for (size_t i = 0; i < r->n_log; i++) {
        bytes_free(&r->log[i].group_id);
        bytes_free(&r->log[i].entry);
        bytes_free(&r->log[i].signature);
    }
    for (size_t i = 0; i < r->n_views; i++)
        mls_group_free(r->views[i].mls);
    json_decref(r->welcomes);
    json_decref(r->groups);
    json_decref(r->identity);
    json_decref(r->packages);
    json_decref(r->hmac);
    json_decref(r->final);
}

/* ---- identity ---- */

struct replay_inbox *replay_inbox(struct replay *r, const char *inbox_id)
{
    for (size_t i = 0; i < r->n_inboxes; i++)
        if (strcmp(r->inboxes[i].inbox_id, inbox_id) == 0)
            return &r->inboxes[i];
    return NULL;
}

void replay_put_update(struct replay *r, struct slice update)
{
    const json_t *recorded = json_array_get(json_object_get(r->identity, "updates"), r->n_updates);
    struct identity_update parsed = {0};
    struct replay_update *u = &r->updates[r->n_updates++];
    struct identity_state *next = NULL;
    struct replay_inbox *inbox;
    struct err err = {0};

    assert_true(r->n_updates < REPLAY_UPDATES);
    assert_int_equal(recorded_number(recorded, "sequenceId"), r->n_updates);
    assert_true(recorded_is_hex(update, recorded_text(recorded, "update")));
    assert_int_equal(identity_update_parse(update, &parsed, &err), 0);
    assert_int_equal(parsed.inbox_id.len, INBOX_ID_LEN);
    memcpy(u->inbox_id, parsed.inbox_id.data, INBOX_ID_LEN);
    identity_update_free(&parsed);
    assert_string_equal(u->inbox_id, recorded_text(recorded, "inboxId"));
    u->update = copy(update);
    if (!(inbox = replay_inbox(r, u->inbox_id))) {
        assert_true(r->n_inboxes < sizeof r->inboxes / sizeof r->inboxes[0]);
        inbox = &r->inboxes[r->n_inboxes++];
        strcpy(inbox->inbox_id, u->inbox_id);
    }
    if (identity_state_advance(inbox->state, update, r->n_updates, NULL, &next, NULL, &err) != 0)
        fail_msg("update %zu: %s", r->n_updates, err.text);
    identity_state_free(inbox->state);
    inbox->state = next;
}

uint64_t replay_next_update(const struct replay *r, const char *inbox_id, uint64_t after)
{
    for (uint64_t id = after + 1; id <= r->n_updates; id++)
        if (strcmp(r->updates[id - 1].inbox_id, inbox_id) == 0)
            return id;
    return 0;
}

/* ---- key packages ---- */

void replay_put_package(struct replay *r, struct slice key_package)
{
    const json_t *recorded = json_array_get(r->packages, r->n_packages);
    struct key_package_view view;
    struct err err = {0};

    if (key_package_check(key_package, slice_of(NULL, 0), slice_of(NULL, 0), RECORDED_AT_S, &view, NULL, &err) != 0)
        fail_msg("key package %zu: %s", r->n_packages, err.text);
    assert_true(recorded_is_hex(key_package, recorded_text(recorded, "keyPackage")));
    assert_true(recorded_is_hex(view.mls.leaf.signature_key, recorded_text(recorded, "installation")));
    assert_true(r->n_packages < REPLAY_PACKAGES);
    r->packages_sent[r->n_packages++] = copy(key_package);
}

struct slice replay_newest_package(const struct replay *r, struct slice installation)
{
    for (size_t i = r->n_packages; i-- > 0;)
        if (recorded_is_hex(installation, recorded_text(json_array_get(r->packages, i), "installation")))
            return bytes_slice(&r->packages_sent[i]);
    return slice_of(NULL, 0);
}

/* ---- group messages ---- */

static const json_t *recorded_message(const json_t *group, uint64_t id)
{
    json_t *message;
    size_t i;

    json_array_foreach(json_object_get(group, "messages"), i, message)
        if (recorded_number(message, "id") == id)
            return message;
    fail_msg("message %u of a group was not recorded", (unsigned)id);
    return NULL;
}

static bool hmac_of(const struct replay_message *m, const json_t *root_hex)
{
    struct bytes root = vectors_hex(root_hex);
    uint8_t key[HMAC_KEY_LEN], out[32];

    assert_int_equal(root.len, HMAC_ROOT_LEN);
    hmac_derive(root.data, m->group_id.data, hmac_period((int64_t)recorded_number(m->recorded, "createdNs")), key);
    hmac_sha256(slice_of(key, sizeof key), bytes_slice(&m->data), out);
    bytes_free(&root);
    return same(&m->hmac, slice_of(out, sizeof out));
}

/* Made with a root key that is in the recordings: one that an installation had in the end, or told the others. */
static bool hmac_is_explained(const struct replay *r, const struct replay_message *m)
{
    json_t *group, *message, *plain, *update, *of;
    const char *name;
    size_t i, k, p, u;

    json_object_foreach(json_object_get(r->hmac, "userPreferenceKeys"), name, of)
        if (hmac_of(m, json_object_get(of, "hmacKey")))
            return true;
    json_array_foreach(r->groups, i, group)
        json_array_foreach(json_object_get(group, "messages"), k, message)
            json_array_foreach(json_object_get(message, "plaintexts"), p, plain)
                json_array_foreach(json_object_get(json_object_get(json_object_get(plain, "decoded"), "preference_updates"),
                                                   "updates"), u, update)
                    if ((of = json_object_get(update, "hmac")) && hmac_of(m, json_object_get(of, "key")))
                        return true;
    return false;
}

void replay_put_message(struct replay *r, struct slice data, struct slice hmac, bool should_push)
{
    struct replay_message *m = &r->messages[r->n_messages++];
    struct mls_message_view view;

    assert_true(r->n_messages < REPLAY_MESSAGES);
    assert_int_equal(mls_message_peek(data, &view, NULL), 0);
    m->group = recorded_group(r->groups, view.group_id);
    m->recorded = recorded_message(m->group, r->n_messages);
    assert_true(recorded_is_hex(data, recorded_text(m->recorded, "data")));
    assert_true(recorded_is_hex(hmac, recorded_text(m->recorded, "senderHmac")));
    assert_int_equal(should_push, json_is_true(json_object_get(m->recorded, "shouldPush")));
    assert_int_equal(view.epoch, recorded_number(m->recorded, "epoch"));
    m->group_id = copy(view.group_id);
    m->data = copy(data);
    m->hmac = copy(hmac);
    m->should_push = should_push;
    r->hmacs_explained += hmac_is_explained(r, m);
}

uint64_t replay_next_message(const struct replay *r, struct slice group_id, uint64_t after)
{
    for (uint64_t id = after + 1; id <= r->n_messages; id++)
        if (same(&r->messages[id - 1].group_id, group_id))
            return id;
    return 0;
}

uint64_t replay_last_message(const struct replay *r, struct slice group_id)
{
    uint64_t last = 0, next;

    while ((next = replay_next_message(r, group_id, last)) != 0)
        last = next;
    return last;
}

static void note_epoch(struct replay *r, const struct replay_view *v)
{
    json_t *group;
    size_t i;

    assert_true(mls_group_epoch(v->mls) < 64);
    json_array_foreach(r->groups, i, group)
        if (group == v->group)
            r->epoch_reached[i][mls_group_epoch(v->mls)] = true;
}

static struct replay_view *find_view(struct replay *r, const char *who, const json_t *group)
{
    for (size_t i = 0; i < r->n_views; i++)
        if (strcmp(r->views[i].who, who) == 0 && r->views[i].group == group)
            return &r->views[i];
    return NULL;
}

void replay_give_message(struct replay *r, const char *who, const struct node_group_message *row)
{
    uint64_t id = row->cursor.sequence_id;
    const struct replay_message *m = &r->messages[id - 1];
    struct replay_view *v;

    assert_true(id >= 1 && id <= r->n_messages);
    assert_true(same(&m->group_id, row->group_id) && same(&m->data, row->data) && same(&m->hmac, row->sender_hmac));
    assert_int_equal(row->should_push, m->should_push);
    assert_int_equal(row->created_ns, recorded_number(m->recorded, "createdNs"));
    v = find_view(r, who, m->group);
    if (!v || v->ended || id <= v->read_up_to)
        return;
    v->read_up_to = id;
    switch (recorded_follow(v->mls, v->group, m->recorded, who)) {
    case RECORDED_MESSAGE:
        r->message_reached[id] = true;
        break;
    case RECORDED_COMMIT:
        note_epoch(r, v);
        break;
    case RECORDED_END:
        v->ended = true;
        break;
    case RECORDED_PASSED:
        break;
    }
}

/* ---- welcomes ---- */

void replay_put_welcome(struct replay *r, const struct node_welcome_message *welcome)
{
    struct replay_welcome *w = &r->welcomes_sent[r->n_welcomes++];

    assert_true(r->n_welcomes < REPLAY_WELCOMES);
    *w = (struct replay_welcome){.key = copy(welcome->installation_key),
                                 .data = copy(welcome->data),
                                 .hpke = copy(welcome->hpke_public_key),
                                 .metadata = copy(welcome->metadata),
                                 .kind = welcome->kind,
                                 .algorithm = welcome->wrapper_algorithm};
}

uint64_t replay_next_welcome(const struct replay *r, struct slice installation, uint64_t after)
{
    for (uint64_t id = after + 1; id <= r->n_welcomes; id++)
        if (same(&r->welcomes_sent[id - 1].key, installation))
            return id;
    return 0;
}

static struct replay_view *join(struct replay *r, const char *who, const json_t *w)
{
    struct replay_view *v;
    struct mls_group *g = NULL;
    const json_t *group;
    uint64_t cursor;
    struct bytes welcome = recorded_open_welcome(r->welcomes, w, &cursor);

    assert_string_equal(recorded_text(w, "installation"), who);
    assert_int_equal(recorded_join(w, bytes_slice(&welcome), &g), 0);
    bytes_free(&welcome);
    group = recorded_group(r->groups, mls_group_id(g));
    recorded_check_epoch(g, group);
    if (!(v = find_view(r, who, group))) {
        assert_true(r->n_views < REPLAY_VIEWS);
        v = &r->views[r->n_views++];
    }
    mls_group_free(v->mls); /* it had been removed */
    *v = (struct replay_view){.who = recorded_text(w, "installation"), .group = group, .mls = g, .read_up_to = cursor};
    return v;
}

void replay_give_welcome(struct replay *r, const char *who, const struct node_welcome_message *row)
{
    uint64_t id = row->cursor.sequence_id;
    const struct replay_welcome *sent = &r->welcomes_sent[id - 1];
    json_t *w;
    size_t i;

    assert_true(id >= 1 && id <= r->n_welcomes);
    assert_true(same(&sent->key, row->installation_key) && same(&sent->data, row->data) &&
                same(&sent->hpke, row->hpke_public_key) && same(&sent->metadata, row->metadata));
    assert_int_equal(sent->kind, row->kind);
    assert_int_equal(sent->algorithm, row->wrapper_algorithm);
    json_array_foreach(r->welcomes, i, w)
        if (recorded_number(w, "id") == id && !json_is_true(json_object_get(w, "symmetric")))
            note_epoch(r, join(r, who, w));
}

/* ---- the commit log ---- */

static bool is_recorded_authenticator(const json_t *group, struct slice authenticator)
{
    const char *name;
    json_t *log, *row;
    size_t i;

    json_object_foreach(json_object_get(group, "epochs"), name, log)
        json_array_foreach(log, i, row)
            if (recorded_is_hex(authenticator, recorded_text(row, "epochAuthenticator")))
                return true;
    return false;
}

void replay_put_log_entry(struct replay *r, struct slice group_id, struct slice entry, struct slice signature,
                          struct slice public_key)
{
    struct proto_arena arena = PROTO_ARENA_INIT;
    Xmtp__Mls__MessageContents__PlaintextCommitLogEntry *plain;
    const json_t *group = recorded_group(r->groups, group_id);

    assert_int_equal(ed25519_verify(public_key, entry, signature), 0);
    assert_int_equal(proto_unpack(&xmtp__mls__message_contents__plaintext_commit_log_entry__descriptor, entry, &arena,
                                  &plain, NULL),
                     0);
    assert_true(slice_eq(proto_slice(plain->group_id), group_id));
    assert_true(is_recorded_authenticator(group, proto_slice(plain->applied_epoch_authenticator)));
    assert_true(plain->commit_sequence_id <= r->n_messages);
    proto_arena_free(&arena);
    assert_true(r->n_log < REPLAY_LOG);
    r->log[r->n_log++] = (struct replay_entry){copy(group_id), copy(entry), copy(signature)};
}

const struct replay_entry *replay_log_entry(const struct replay *r, struct slice group_id, size_t number)
{
    for (size_t i = 0; i < r->n_log; i++)
        if (same(&r->log[i].group_id, group_id) && --number == 0)
            return &r->log[i];
    return NULL;
}
