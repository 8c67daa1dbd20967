#include "net/node_answers.h"

#include "base/err.h"
#include "base/log.h"
#include "net/node_memory.h"
#include "net/node_rows.h"
#include "proto/wire.h"
#include "proto/xmtp_identity_api.pb-c.h"
#include "proto/xmtp_mls_api.pb-c.h"

#include <string.h>

#define ME "node"
#define NUMBER_MAX ((uint64_t)INT64_MAX)
#define INBOX_ID_LEN 64

static int wrong_count(size_t asked, size_t got, struct err *err)
{
    return err_set(err, ERR_MALFORMED, "the node answers %zu questions with %zu entries", asked, got);
}

int node_answer_newest(struct slice body, const struct slice *group_ids, size_t count, struct node_memory *memory,
                       struct node_newest_entry *first, struct err *err)
{
    struct reader r = reader_of(body);
    struct node_cursor cursor;
    struct wire_field field;
    struct slice row;
    size_t n = 0;
    int rc;

    while (wire_next(&r, &field)) {
        if (field.number != 1 || field.type != WIRE_LEN)
            continue;
        if (n == count)
            return wrong_count(count, n + 1, err);
        if (wire_find(field.bytes, 1, &row)) {
            rc = node_row_group(row, false, &memory->arena, &first[n].message, &cursor, err);
            if (rc != 0)
                return rc;
            if (!slice_eq(first[n].message.group_id, group_ids[n]))
                return err_set(err, ERR_MALFORMED, "the node answers for another group");
            first[n].found = true;
        }
        n++;
    }
    if (r.bad)
        return err_set(err, ERR_MALFORMED, "the node's answer does not parse");
    return n == count ? 0 : wrong_count(count, n, err);
}

int node_answer_key_packages(struct slice body, size_t count, struct node_memory *memory, struct slice *first,
                             struct err *err)
{
    Xmtp__Mls__Api__V1__FetchKeyPackagesResponse *m = NULL;
    int r;

    r = proto_unpack(&xmtp__mls__api__v1__fetch_key_packages_response__descriptor, body, &memory->arena, &m, err);
    if (r != 0)
        return r;
    if (m->n_key_packages != count)
        return wrong_count(count, m->n_key_packages, err);
    for (size_t i = 0; i < count; i++)
        first[i] = proto_slice(m->key_packages[i]->key_package_tls_serialized);
    return 0;
}

/* ---- identity logs ---- */

/* One row, the update as the bytes that it came in: signatures are over them. */
static int identity_row(struct slice row, uint64_t last, struct node_identity_update *out, struct err *err)
{
    struct reader r = reader_of(row);
    struct wire_field field;

    while (wire_next(&r, &field)) {
        if (field.number == 1 && field.type == WIRE_VARINT)
            out->cursor.sequence_id = field.value;
        else if (field.number == 2 && field.type == WIRE_VARINT)
            out->server_time_ns = field.value;
        else if (field.number == 3 && field.type == WIRE_LEN)
            out->update = field.bytes;
    }
    out->cursor.originator = NODE_ORIGINATOR_IDENTITY;
    if (r.bad || out->cursor.sequence_id > NUMBER_MAX || out->server_time_ns > NUMBER_MAX || out->update.len == 0)
        return err_set(err, ERR_MALFORMED, "an entry of an identity log does not parse");
    if (out->cursor.sequence_id <= last)
        return err_set(err, ERR_MALFORMED, "an identity log that does not ascend");
    return 0;
}

static int identity_log(struct slice response, const struct node_inbox_request *request, struct node_memory *memory,
                        struct node_inbox_log *out, struct err *err)
{
    struct reader r = reader_of(response);
    uint64_t last = request->after_sequence_id;
    struct slice inbox_id = {0};
    struct wire_field field;
    size_t rows = 0;
    int rc;

    while (wire_next(&r, &field))
        rows += field.number == 2 && field.type == WIRE_LEN;
    if (r.bad || !wire_find(response, 1, &inbox_id) || !slice_eq(inbox_id, slice_str(request->inbox_id)))
        return err_set(err, ERR_MALFORMED, "the node answers for another inbox, or nonsense");
    out->inbox_id = node_memory_text(memory, request->inbox_id);
    out->updates = node_memory_array(memory, rows, sizeof *out->updates);
    if (!out->inbox_id || !out->updates)
        return err_set(err, ERR_NOMEM, "no memory for an identity log of %zu entries", rows);
    r = reader_of(response);
    while (wire_next(&r, &field)) {
        if (field.number != 2 || field.type != WIRE_LEN)
            continue;
        /* A log with a hole evaluates to another state: one bad entry fails the answer. */
        if ((rc = identity_row(field.bytes, last, &out->updates[out->count], err)) != 0)
            return rc;
        last = out->updates[out->count++].cursor.sequence_id;
    }
    return 0;
}

int node_answer_identity_updates(struct slice body, const struct node_inbox_request *requests, size_t count,
                                 struct node_memory *memory, struct node_inbox_log *first, struct err *err)
{
    struct proto_limits limits = proto_limits_default;
    struct reader r;
    struct wire_field field;
    uint8_t *copy;
    size_t n = 0;
    int rc;

    /* The check of the whole bounds the number of entries before arrays are made for them.  Updates are kept as bytes;
     * what a string in one may hold is for identity/ to say, as every client has to read the same log. */
    limits.allow_nul = true;
    rc = proto_check(&xmtp__identity__api__v1__get_identity_updates_response__descriptor, body, &limits, NULL, err);
    if (rc != 0)
        return rc;
    copy = node_memory_array(memory, body.len ? body.len : 1, 1);
    if (!copy)
        return err_set(err, ERR_NOMEM, "no memory for %zu bytes of identity logs", body.len);
    if (body.len)
        memcpy(copy, body.data, body.len);
    r = reader_of(slice_of(copy, body.len));
    while (wire_next(&r, &field)) {
        if (field.number != 1 || field.type != WIRE_LEN)
            continue;
        if (n == count)
            return wrong_count(count, n + 1, err);
        if ((rc = identity_log(field.bytes, &requests[n], memory, &first[n], err)) != 0)
            return rc;
        n++;
    }
    return n == count ? 0 : wrong_count(count, n, err);
}

static bool is_inbox_id(const char *text)
{
    return strlen(text) == INBOX_ID_LEN && strspn(text, "0123456789abcdef") == INBOX_ID_LEN;
}

int node_answer_inbox_ids(struct slice body, const struct node_identifier *identifiers, size_t count,
                          struct node_memory *memory, const char **first, struct err *err)
{
    Xmtp__Identity__Api__V1__GetInboxIdsResponse *m = NULL;
    int r;

    r = proto_unpack(&xmtp__identity__api__v1__get_inbox_ids_response__descriptor, body, &memory->arena, &m, err);
    if (r != 0)
        return r;
    if (m->n_responses != count)
        return wrong_count(count, m->n_responses, err);
    for (size_t i = 0; i < count; i++) {
        const Xmtp__Identity__Api__V1__GetInboxIdsResponse__Response *one = m->responses[i];
        const char *id = one->_inbox_id_case ? one->inbox_id : NULL;

        if (strcmp(one->identifier, identifiers[i].text) != 0)
            return err_set(err, ERR_MALFORMED, "the node answers for another identifier");
        if (id && !is_inbox_id(id))
            return err_set(err, ERR_MALFORMED, "the node gives an inbox id that is none");
        first[i] = id;
    }
    return 0;
}

int node_answer_verdicts(struct slice body, size_t count, struct node_memory *memory,
                         struct node_wallet_verdict *first, struct err *err)
{
    Xmtp__Identity__Api__V1__VerifySmartContractWalletSignaturesResponse *m = NULL;
    int r;

    r = proto_unpack(&xmtp__identity__api__v1__verify_smart_contract_wallet_signatures_response__descriptor, body,
                     &memory->arena, &m, err);
    if (r != 0)
        return r;
    if (m->n_responses != count)
        return wrong_count(count, m->n_responses, err);
    for (size_t i = 0; i < count; i++) {
        const Xmtp__Identity__Api__V1__VerifySmartContractWalletSignaturesResponse__ValidationResponse *one =
            m->responses[i];

        first[i] = (struct node_wallet_verdict){
            .is_valid = one->is_valid,
            .has_block_number = one->_block_number_case != 0,
            .block_number = one->_block_number_case ? one->block_number : 0,
            .error = one->_error_case ? one->error : NULL,
        };
    }
    return 0;
}

/* ---- commit logs ---- */

static int commit_log(const Xmtp__Mls__Api__V1__QueryCommitLogResponse *one,
                      const struct node_commit_log_request *request, struct node_memory *memory,
                      struct node_commit_log *out, struct err *err)
{
    uint64_t last = request->after_sequence_id;

    if (!slice_eq(proto_slice(one->group_id), request->group_id))
        return err_set(err, ERR_MALFORMED, "the node answers for another group");
    out->group_id = proto_slice(one->group_id);
    out->entries = node_memory_array(memory, one->n_commit_log_entries, sizeof *out->entries);
    if (!out->entries)
        return err_set(err, ERR_NOMEM, "no memory for %zu entries", one->n_commit_log_entries);
    for (size_t i = 0; i < one->n_commit_log_entries; i++) {
        const Xmtp__Mls__MessageContents__CommitLogEntry *e = one->commit_log_entries[i];

        if (e->sequence_id <= last || e->sequence_id > NUMBER_MAX) {
            log_error(ME, "skipping commit log entry %llu after %llu", (unsigned long long)e->sequence_id,
                      (unsigned long long)last);
            continue;
        }
        last = e->sequence_id;
        out->entries[out->count++] = (struct node_commit_log_entry){
            .cursor = {NODE_ORIGINATOR_COMMIT_LOG, e->sequence_id},
            .entry = proto_slice(e->serialized_commit_log_entry),
            .signature = e->signature ? proto_slice(e->signature->bytes) : slice_of(NULL, 0),
            .public_key = e->signature ? proto_slice(e->signature->public_key) : slice_of(NULL, 0),
        };
    }
    out->more = one->paging_info && one->paging_info->id_cursor != 0 && last > request->after_sequence_id;
    return 0;
}

int node_answer_commit_logs(struct slice body, const struct node_commit_log_request *requests, size_t count,
                            struct node_memory *memory, struct node_commit_log *first, struct err *err)
{
    Xmtp__Mls__Api__V1__BatchQueryCommitLogResponse *m = NULL;
    int r;

    r = proto_unpack(&xmtp__mls__api__v1__batch_query_commit_log_response__descriptor, body, &memory->arena, &m,
                     err);
    if (r != 0)
        return r;
    if (m->n_responses != count)
        return wrong_count(count, m->n_responses, err);
    for (size_t i = 0; i < count; i++)
        if ((r = commit_log(m->responses[i], &requests[i], memory, &first[i], err)) != 0)
            return r;
    return 0;
}
