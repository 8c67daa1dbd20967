/* Methods that store: each becomes a job of node/batch.h, checked and stored in the pool, answered after
 * its transaction. */
#include "node/service.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/hex.h"
#include "identity/key_package.h"
#include "identity/state.h"
#include "net/grpc_server.h"
#include "node/commit_log.h"
#include "node/framing.h"
#include "node/inbox_log.h"
#include "node/key_packages.h"
#include "node/messages.h"
#include "node/welcomes.h"
#include "proto/wire.h"
#include "proto/xmtp_identity_api.pb-c.h"
#include "proto/xmtp_mls_api.pb-c.h"

#include <string.h>

#define TYPE(name) &xmtp__mls__api__v1__##name##__descriptor

/* Room for `n` rows in the job. */
static int make_rows(struct job *job, size_t n, size_t size)
{
    job->rows = xm_calloc(n, size);
    if (job->rows == NULL)
        return job_refuse(job, GRPC_RESOURCE_EXHAUSTED, "out of memory");
    job->rows_n = n;
    return 0;
}

/* ---- Key packages ---- */

struct upload {
    struct slice key_package, installation_key;
};

/* What the network's validator checks, and nothing else: its welcome extensions and application id are between
 * clients, and newer ones may know more of them. */
static int check_upload(struct slice key_package, uint64_t now_s, struct mls_key_package *out, struct err *err)
{
    enum key_package_fault fault;
    struct slice any = {0};

    if (key_package_check(key_package, any, any, now_s, NULL, &fault, err) != 0 &&
        fault != KEY_PACKAGE_APPLICATION && fault != KEY_PACKAGE_WRAPPER)
        return ERR_DENIED;
    return mls_key_package_parse(key_package, out, err);
}

/* UploadKeyPackageRequest and RegisterInstallationRequest have the same fields. */
static int prepare_key_package(struct job *job)
{
    Xmtp__Mls__Api__V1__UploadKeyPackageRequest *msg = job->message;
    struct mls_key_package view;
    struct upload *upload;
    struct err err = {0};

    if (msg->key_package == NULL)
        return job_refuse(job, GRPC_INVALID_ARGUMENT, "no key package");
    if (make_rows(job, 1, sizeof *upload) != 0)
        return JOB_REFUSED;
    upload = job->rows;
    upload->key_package = proto_slice(msg->key_package->key_package_tls_serialized);
    if (upload->key_package.len > NODE_KEY_PACKAGE_MAX)
        return job_refuse(job, GRPC_RESOURCE_EXHAUSTED, "a key package of %zu bytes, over the limit of %zu",
                          upload->key_package.len, NODE_KEY_PACKAGE_MAX);
    if (check_upload(upload->key_package, (uint64_t)(job->now_ns / NS_PER_S), &view, &err) != 0)
        return job_refuse(job, GRPC_INVALID_ARGUMENT, "invalid identity: %s", err.text);
    upload->installation_key = view.leaf.signature_key;
    return 0;
}

static int apply_key_package(struct job *job, struct node_data *data, struct err *err)
{
    struct upload *upload = job->rows;

    return key_packages_put(data, upload->installation_key, upload->key_package, err);
}

static int apply_registration(struct job *job, struct node_data *data, struct err *err)
{
    struct upload *upload = job->rows;

    wire_put_bytes(&job->reply, 1, upload->installation_key);
    return apply_key_package(job, data, err);
}

static const struct job_kind upload_kind = {.prepare = prepare_key_package, .apply = apply_key_package};
static const struct job_kind registration_kind = {.prepare = prepare_key_package, .apply = apply_registration};

void rpc_upload_key_package(struct node *node, struct grpc_request *req, struct slice body)
{
    struct job *job = node_job(node, req, &upload_kind, TYPE(upload_key_package_request), false);

    (void)body;
    if (job != NULL)
        node_submit(node, job, 1);
}

void rpc_register_installation(struct node *node, struct grpc_request *req, struct slice body)
{
    struct job *job = node_job(node, req, &registration_kind, TYPE(register_installation_request), false);

    (void)body;
    if (job != NULL)
        node_submit(node, job, 1);
}

/* ---- Group messages ---- */

/* All are looked at before any is stored: one that no client can parse would block its group for good. */
static int prepare_group_messages(struct job *job)
{
    Xmtp__Mls__Api__V1__SendGroupMessagesRequest *msg = job->message;
    struct group_row *rows;
    size_t i;

    if (msg->n_messages == 0)
        return job_refuse(job, GRPC_INVALID_ARGUMENT, "no group messages to send");
    if (make_rows(job, msg->n_messages, sizeof *rows) != 0)
        return JOB_REFUSED;
    rows = job->rows;
    for (i = 0; i < msg->n_messages; i++) {
        const Xmtp__Mls__Api__V1__GroupMessageInput *input = msg->messages[i];
        struct framing framing;
        struct err err = {0};

        if (input->version_case != XMTP__MLS__API__V1__GROUP_MESSAGE_INPUT__VERSION_V1)
            return job_refuse(job, GRPC_INVALID_ARGUMENT, "invalid group message");
        rows[i].data = proto_slice(input->v1->data);
        rows[i].sender_hmac = proto_slice(input->v1->sender_hmac);
        rows[i].should_push = input->v1->should_push;
        if (rows[i].data.len + rows[i].sender_hmac.len + NODE_REPLY_SLACK > NODE_MESSAGE_MAX)
            return job_refuse(job, GRPC_RESOURCE_EXHAUSTED, "a group message of %zu bytes is too large to be read back",
                              rows[i].data.len);
        if (framing_parse(rows[i].data, &framing, &err) != 0)
            return job_refuse(job, GRPC_INVALID_ARGUMENT, "invalid group message: %s", err.text);
        rows[i].group_id = framing.group_id;
        rows[i].is_commit = framing.is_commit;
    }
    return 0;
}

static int apply_group_messages(struct job *job, struct node_data *data, struct err *err)
{
    struct group_row *rows = job->rows;
    size_t i;
    int r = 0;

    for (i = 0; i < job->rows_n && r == 0; i++)
        r = group_messages_add(data, &rows[i], err);
    return r;
}

static void announce_group_messages(struct job *job, void *ctx)
{
    struct node *node = ctx;
    struct group_row *rows = job->rows;
    size_t i;

    for (i = 0; i < job->rows_n; i++)
        if (rows[i].id != 0)
            streams_announce_group(node->streams, &rows[i]);
}

static const struct job_kind group_messages_kind = {.quick = true,
                                                    .prepare = prepare_group_messages,
                                                    .apply = apply_group_messages,
                                                    .announce = announce_group_messages};

void rpc_send_group_messages(struct node *node, struct grpc_request *req, struct slice body)
{
    struct job *job = node_job(node, req, &group_messages_kind, TYPE(send_group_messages_request), false);

    (void)body;
    if (job != NULL)
        node_submit(node, job, ((Xmtp__Mls__Api__V1__SendGroupMessagesRequest *)job->message)->n_messages);
}

/* ---- Welcomes ---- */

#define V1_ALGORITHM(name) XMTP__MLS__MESSAGE_CONTENTS__WELCOME_WRAPPER_ALGORITHM__WELCOME_WRAPPER_ALGORITHM_##name

/* A key of another length, or an algorithm that nobody knows, would fail the reader's whole page. */
static int read_v1(struct job *job, const Xmtp__Mls__Api__V1__WelcomeMessageInput__V1 *v1, struct welcome_row *row)
{
    *row = (struct welcome_row){.kind = WELCOME_V1,
                                .wrapper_algorithm = v1->wrapper_algorithm,
                                .installation_key = proto_slice(v1->installation_key),
                                .data = proto_slice(v1->data),
                                .hpke_public_key = proto_slice(v1->hpke_public_key),
                                .metadata = proto_slice(v1->welcome_metadata)};
    if (row->wrapper_algorithm == V1_ALGORITHM(UNSPECIFIED))
        row->wrapper_algorithm = V1_ALGORITHM(CURVE25519);
    if (row->wrapper_algorithm < V1_ALGORITHM(CURVE25519) || row->wrapper_algorithm > V1_ALGORITHM(SYMMETRIC_KEY))
        return job_refuse(job, GRPC_INVALID_ARGUMENT, "invalid welcome message: unknown wrapper algorithm %lld",
                          (long long)row->wrapper_algorithm);
    if (row->data.len == 0 ||
        (row->hpke_public_key.len == 0 && row->wrapper_algorithm != V1_ALGORITHM(SYMMETRIC_KEY)))
        return job_refuse(job, GRPC_INVALID_ARGUMENT, "invalid welcome message");
    if (row->installation_key.len != NODE_INSTALLATION_KEY_LEN)
        return job_refuse(job, GRPC_INVALID_ARGUMENT, "invalid welcome message: installation key of %zu bytes, not %d",
                          row->installation_key.len, NODE_INSTALLATION_KEY_LEN);
    return 0;
}

static int read_pointer(struct job *job, const Xmtp__Mls__Api__V1__WelcomeMessageInput__WelcomePointer *pointer,
                        struct welcome_row *row)
{
    *row = (struct welcome_row){.kind = WELCOME_POINTER,
                                .wrapper_algorithm = pointer->wrapper_algorithm,
                                .installation_key = proto_slice(pointer->installation_key),
                                .data = proto_slice(pointer->welcome_pointer),
                                .hpke_public_key = proto_slice(pointer->hpke_public_key)};
    if (row->data.len == 0 || row->hpke_public_key.len == 0)
        return job_refuse(job, GRPC_INVALID_ARGUMENT, "invalid welcome pointer message");
    if (row->installation_key.len != NODE_INSTALLATION_KEY_LEN)
        return job_refuse(job, GRPC_INVALID_ARGUMENT,
                          "invalid welcome pointer message: installation key of %zu bytes, not %d",
                          row->installation_key.len, NODE_INSTALLATION_KEY_LEN);
    if (row->wrapper_algorithm != XMTP__MLS__MESSAGE_CONTENTS__WELCOME_POINTER_WRAPPER_ALGORITHM__WELCOME_POINTER_WRAPPER_ALGORITHM_XWING_MLKEM_768_DRAFT_6)
        return job_refuse(job, GRPC_INVALID_ARGUMENT, "invalid welcome pointer wrapper algorithm %lld",
                          (long long)row->wrapper_algorithm);
    return 0;
}

static int prepare_welcomes(struct job *job)
{
    Xmtp__Mls__Api__V1__SendWelcomeMessagesRequest *msg = job->message;
    struct welcome_row *rows;
    size_t i;
    int r = 0;

    if (msg->n_messages == 0)
        return job_refuse(job, GRPC_INVALID_ARGUMENT, "no welcome messages to send");
    if (make_rows(job, msg->n_messages, sizeof *rows) != 0)
        return JOB_REFUSED;
    rows = job->rows;
    for (i = 0; i < msg->n_messages && r == 0; i++) {
        const Xmtp__Mls__Api__V1__WelcomeMessageInput *input = msg->messages[i];

        if (input->version_case == XMTP__MLS__API__V1__WELCOME_MESSAGE_INPUT__VERSION_V1)
            r = read_v1(job, input->v1, &rows[i]);
        else if (input->version_case == XMTP__MLS__API__V1__WELCOME_MESSAGE_INPUT__VERSION_WELCOME_POINTER)
            r = read_pointer(job, input->welcome_pointer, &rows[i]);
        else
            r = job_refuse(job, GRPC_INVALID_ARGUMENT, "invalid welcome message: missing version");
        if (r == 0 && welcome_row_size(&rows[i]) + NODE_REPLY_SLACK > NODE_MESSAGE_MAX)
            r = job_refuse(job, GRPC_RESOURCE_EXHAUSTED, "a welcome of %zu bytes is too large to be read back",
                           rows[i].data.len);
    }
    return r;
}

/* In the order of the request: libxmtp puts what pointers point to in front of them. */
static int apply_welcomes(struct job *job, struct node_data *data, struct err *err)
{
    struct welcome_row *rows = job->rows;
    size_t i;
    int r = 0;

    for (i = 0; i < job->rows_n && r == 0; i++)
        r = welcomes_add(data, &rows[i], err);
    return r;
}

static void announce_welcomes(struct job *job, void *ctx)
{
    struct node *node = ctx;
    struct welcome_row *rows = job->rows;
    size_t i;

    for (i = 0; i < job->rows_n; i++)
        if (rows[i].id != 0)
            streams_announce_welcome(node->streams, &rows[i]);
}

static const struct job_kind welcomes_kind = {
    .prepare = prepare_welcomes, .apply = apply_welcomes, .announce = announce_welcomes};

void rpc_send_welcome_messages(struct node *node, struct grpc_request *req, struct slice body)
{
    struct job *job = node_job(node, req, &welcomes_kind, TYPE(send_welcome_messages_request), false);

    (void)body;
    if (job != NULL)
        node_submit(node, job, ((Xmtp__Mls__Api__V1__SendWelcomeMessagesRequest *)job->message)->n_messages);
}

/* ---- Commit log ---- */

enum { MAX_COMMIT_LOG_ENTRIES = 10 };

static int prepare_commit_log(struct job *job)
{
    Xmtp__Mls__Api__V1__BatchPublishCommitLogRequest *msg = job->message;
    struct commit_log_row *rows;
    size_t i;

    if (msg->n_requests == 0)
        return job_refuse(job, GRPC_INVALID_ARGUMENT, "no commit log entries to publish");
    if (msg->n_requests > MAX_COMMIT_LOG_ENTRIES)
        return job_refuse(job, GRPC_INVALID_ARGUMENT, "cannot exceed %d inserts in single batch",
                          MAX_COMMIT_LOG_ENTRIES);
    if (make_rows(job, msg->n_requests, sizeof *rows) != 0)
        return JOB_REFUSED;
    rows = job->rows;
    for (i = 0; i < msg->n_requests; i++) {
        const Xmtp__Mls__Api__V1__PublishCommitLogRequest *entry = msg->requests[i];

        rows[i].group_id = proto_slice(entry->group_id);
        rows[i].entry = proto_slice(entry->serialized_commit_log_entry);
        if (rows[i].group_id.len == 0 || rows[i].entry.len == 0 || entry->signature == NULL)
            return job_refuse(job, GRPC_INVALID_ARGUMENT, "invalid commit log entry");
        rows[i].signature = proto_slice(entry->signature->bytes);
        rows[i].public_key = proto_slice(entry->signature->public_key);
        if (rows[i].group_id.len + commit_log_row_size(&rows[i]) + NODE_REPLY_SLACK > NODE_MESSAGE_MAX)
            return job_refuse(job, GRPC_RESOURCE_EXHAUSTED,
                              "a commit log entry of %zu bytes is too large to be read back", rows[i].entry.len);
    }
    return 0;
}

static int apply_commit_log(struct job *job, struct node_data *data, struct err *err)
{
    struct commit_log_row *rows = job->rows;
    size_t i;
    int r = 0;

    for (i = 0; i < job->rows_n && r == 0; i++)
        r = commit_log_add(data, &rows[i], err);
    return r;
}

static const struct job_kind commit_log_kind = {.prepare = prepare_commit_log, .apply = apply_commit_log};

void rpc_batch_publish_commit_log(struct node *node, struct grpc_request *req, struct slice body)
{
    struct job *job = node_job(node, req, &commit_log_kind, TYPE(batch_publish_commit_log_request), false);

    (void)body;
    if (job != NULL)
        node_submit(node, job, ((Xmtp__Mls__Api__V1__BatchPublishCommitLogRequest *)job->message)->n_requests);
}

/* ---- Identity updates ---- */

struct identity_publish {
    uint8_t inbox_key[INBOX_KEY_LEN];
    struct slice update; /* as received, in job->copy */
};

static int prepare_identity_update(struct job *job)
{
    Xmtp__Identity__Api__V1__PublishIdentityUpdateRequest *msg = job->message;
    struct identity_publish *publish;

    if (msg->identity_update == NULL)
        return job_refuse(job, GRPC_UNKNOWN, "IdentityUpdate is required");
    if (make_rows(job, 1, sizeof *publish) != 0)
        return JOB_REFUSED;
    publish = job->rows;
    if (!inbox_id_is_valid(slice_str(msg->identity_update->inbox_id)) ||
        !hex_decode(msg->identity_update->inbox_id, INBOX_ID_LEN, publish->inbox_key, INBOX_KEY_LEN))
        return job_refuse(job, GRPC_INVALID_ARGUMENT, "the inbox id is not 64 lower-case hex digits");
    if (!wire_find(bytes_slice(&job->copy), 1, &publish->update))
        return job_refuse(job, GRPC_INVALID_ARGUMENT, "IdentityUpdate does not parse");
    return 0;
}

/* Logs are not paged: one that no answer can carry would shut everybody out of the inbox. */
static bool log_takes(const struct identity_log_entry *log, size_t n, struct slice update)
{
    size_t held = update.len + NODE_REPLY_SLACK, i;

    for (i = 0; i < n; i++)
        held += log[i].update.len + NODE_REPLY_SLACK;
    return held <= NODE_MESSAGE_MAX;
}

/* The inbox's log as it stands in this transaction; entries and their bytes are the caller's to free. */
static int load_log(struct db *db, struct slice inbox_key, struct identity_log_entry *log, size_t *n, struct err *err)
{
    struct inbox_rows rows;
    struct inbox_row row;
    struct bytes copy;
    int r;

    inbox_rows_start(&rows, db, inbox_key, 0);
    while ((r = inbox_rows_next(&rows, &row, err)) == DB_ROW && *n < INBOX_LOG_MAX) {
        if (bytes_dup(row.update, &copy) != 0) {
            r = err_set(err, ERR_NOMEM, "out of memory");
            break;
        }
        log[*n].sequence_id = (uint64_t)row.sequence_id;
        log[(*n)++].update = bytes_slice(&copy);
    }
    inbox_rows_end(&rows);
    return r < 0 ? r : 0;
}

/* Memory and verifiers that fail say nothing about the update; a client may try again. */
static int refuse_update(struct job *job, int r, enum identity_fault fault, const struct err *err)
{
    if (r == ERR_NOMEM)
        return job_refuse(job, GRPC_RESOURCE_EXHAUSTED, "out of memory");
    return job_refuse(job, GRPC_INVALID_ARGUMENT, "%s: %s", identity_fault_name(fault), err->text);
}

static int store_update(struct job *job, struct node_data *data, const struct identity_log_entry *log, size_t n,
                        struct err *err)
{
    struct identity_publish *publish = job->rows;
    struct identity_state *before = NULL, *after = NULL;
    struct identity_diff diff = {0};
    enum identity_fault fault = IDENTITY_OK;
    struct err why = {0};
    int r = 0;

    if (n > 0)
        r = identity_state_at(NULL, log, n, 0, NULL, &before, &fault, &why);
    if (r == 0)
        r = identity_state_advance(before, publish->update, 0, NULL, &after, &fault, &why);
    if (r == 0 && identity_diff(before, after, &diff) != 0)
        r = ERR_NOMEM;
    if (r != 0)
        r = refuse_update(job, r, fault, &why);
    else
        r = inbox_log_add(data, slice_of(publish->inbox_key, INBOX_KEY_LEN), publish->update, &diff, err);
    identity_diff_free(&diff);
    identity_state_free(after);
    identity_state_free(before);
    return r;
}

/* One writer at a time: updates of one inbox are judged one after the other, each on top of those before it. */
static int apply_identity_update(struct job *job, struct node_data *data, struct err *err)
{
    struct identity_publish *publish = job->rows;
    struct identity_log_entry *log = xm_calloc(INBOX_LOG_MAX, sizeof *log);
    size_t n = 0, i;
    int r;

    if (log == NULL)
        return job_refuse(job, GRPC_RESOURCE_EXHAUSTED, "out of memory");
    r = load_log(data->writer, slice_of(publish->inbox_key, INBOX_KEY_LEN), log, &n, err);
    if (r == 0 && n >= INBOX_LOG_MAX)
        r = job_refuse(job, GRPC_UNKNOWN, "inbox log is full");
    if (r == 0 && !log_takes(log, n, publish->update))
        r = job_refuse(job, GRPC_RESOURCE_EXHAUSTED,
                       "with an update of %zu bytes the inbox log is too large to be read back", publish->update.len);
    if (r == 0)
        r = store_update(job, data, log, n, err);
    for (i = 0; i < n; i++) {
        struct bytes copy = {(uint8_t *)(uintptr_t)log[i].update.data, log[i].update.len};

        bytes_free(&copy);
    }
    xm_free(log);
    return r;
}

/* What is judged are the bytes as they came: a NUL in an identifier is as good a character there as any. */
static const struct job_kind identity_kind = {
    .prepare = prepare_identity_update, .apply = apply_identity_update, .allow_nul = true};

void rpc_publish_identity_update(struct node *node, struct grpc_request *req, struct slice body)
{
    struct job *job = node_job(node, req, &identity_kind,
                               &xmtp__identity__api__v1__publish_identity_update_request__descriptor, true);

    (void)body;
    if (job != NULL)
        node_submit(node, job, 1);
}
