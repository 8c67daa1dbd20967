/* Identity updates: validated on top of the inbox's log, kept as received, found by account. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "identity/request.h"
#include "identity/state.h"
#include "net/status.h"
#include "proto/wire.h"
#include "proto/xmtp_identity_api.pb-c.h"
#include "tests/identity/forge.h"
#include "tests/node/world.h"

#include "tests/test.h"

static Xmtp__Identity__Api__V1__GetIdentityUpdatesResponse *get_updates(struct world *w, const char *const *inbox_ids,
                                                                        const uint64_t *cursors, size_t n)
{
    Xmtp__Identity__Api__V1__GetIdentityUpdatesRequest__Request each[4], *all[4];
    Xmtp__Identity__Api__V1__GetIdentityUpdatesRequest request =
        XMTP__IDENTITY__API__V1__GET_IDENTITY_UPDATES_REQUEST__INIT;
    Xmtp__Identity__Api__V1__GetIdentityUpdatesResponse *reply = NULL;
    size_t i;

    for (i = 0; i < n; i++) {
        xmtp__identity__api__v1__get_identity_updates_request__request__init(&each[i]);
        each[i].inbox_id = (char *)(uintptr_t)inbox_ids[i];
        each[i].sequence_id = cursors[i];
        all[i] = &each[i];
    }
    request.requests = all;
    request.n_requests = n;
    assert_int_equal(world_call(w, PROTO_IDENTITY_GET_IDENTITY_UPDATES, &request, &reply), GRPC_OK);
    assert_int_equal(reply->n_responses, n);
    return reply;
}

/* The inbox id the node tells for the account, or "" for none. */
static const char *inbox_of(struct world *w, const char *identifier, int kind)
{
    Xmtp__Identity__Api__V1__GetInboxIdsRequest__Request one = XMTP__IDENTITY__API__V1__GET_INBOX_IDS_REQUEST__REQUEST__INIT,
                                                         *all[] = {&one};
    Xmtp__Identity__Api__V1__GetInboxIdsRequest request = XMTP__IDENTITY__API__V1__GET_INBOX_IDS_REQUEST__INIT;
    Xmtp__Identity__Api__V1__GetInboxIdsResponse *reply = NULL;

    one.identifier = (char *)(uintptr_t)identifier;
    one.identifier_kind = (Xmtp__Identity__Associations__IdentifierKind)kind;
    request.requests = all;
    request.n_requests = 1;
    assert_int_equal(world_call(w, PROTO_IDENTITY_GET_INBOX_IDS, &request, &reply), GRPC_OK);
    assert_int_equal(reply->n_responses, 1);
    assert_string_equal(reply->responses[0]->identifier, identifier);
    assert_int_equal(reply->responses[0]->identifier_kind, kind == 2 ? 2 : 0);
    if (reply->responses[0]->_inbox_id_case == XMTP__IDENTITY__API__V1__GET_INBOX_IDS_RESPONSE__RESPONSE___INBOX_ID__NOT_SET)
        return "";
    assert_int_equal(strlen(reply->responses[0]->inbox_id), INBOX_ID_LEN); /* absent or whole */
    return reply->responses[0]->inbox_id;
}

static struct identity_state *state_of(struct world *w, const char *inbox_id)
{
    static const uint64_t from_the_start[] = {0};
    struct identity_log_entry log[16];
    struct identity_state *state = NULL;
    struct buf packed[16] = {{0}};
    Xmtp__Identity__Api__V1__GetIdentityUpdatesResponse *reply = get_updates(w, &inbox_id, from_the_start, 1);
    size_t n = reply->responses[0]->n_updates, i;

    assert_true(n > 0 && n <= 16);
    for (i = 0; i < n; i++) {
        proto_pack(&packed[i], reply->responses[0]->updates[i]->update);
        log[i].sequence_id = reply->responses[0]->updates[i]->sequence_id;
        log[i].update = buf_slice(&packed[i]);
    }
    assert_int_equal(identity_state_at(NULL, log, n, 0, NULL, &state, NULL, NULL), 0);
    for (i = 0; i < n; i++)
        buf_free(&packed[i]);
    return state;
}

static void finish(struct identity_request *req, struct bytes *update)
{
    struct err err = {0};

    if (request_finish(req, update, &err) != 0)
        fail_msg("%s", err.text);
    request_free(req);
}

static void a_new_inbox_is_found_by_id_and_by_account(void **state)
{
    static const uint64_t cursors[] = {0, 0, 1};
    struct bytes update = {0};
    struct person p;
    struct world w;
    Xmtp__Identity__Api__V1__GetIdentityUpdatesResponse *reply;
    char nobody[INBOX_ID_LEN + 1];
    struct buf again = BUF_INIT;

    (void)state;
    world_open(&w, NULL);
    person_make(&p, 1);
    person_registration(&p, &update);
    memset(nobody, 'f', INBOX_ID_LEN);
    nobody[INBOX_ID_LEN] = 0;
    assert_string_equal(inbox_of(&w, p.address, 1), "");
    assert_int_equal(publish_update(&w, bytes_slice(&update)), GRPC_OK);
    assert_string_equal(inbox_of(&w, p.address, 1), p.inbox_id);
    assert_string_equal(inbox_of(&w, p.address, 0), p.inbox_id);
    assert_string_equal(inbox_of(&w, p.address, 2), "");

    reply = get_updates(&w, (const char *const[]){nobody, p.inbox_id, p.inbox_id}, cursors, 3);
    assert_string_equal(reply->responses[0]->inbox_id, nobody);
    assert_int_equal(reply->responses[0]->n_updates, 0);
    assert_string_equal(reply->responses[1]->inbox_id, p.inbox_id);
    assert_int_equal(reply->responses[1]->n_updates, 1);
    assert_int_equal(reply->responses[1]->updates[0]->sequence_id, 1);
    assert_true(reply->responses[1]->updates[0]->server_timestamp_ns > UINT64_C(1000000000000000000));
    proto_pack(&again, reply->responses[1]->updates[0]->update);
    assert_true(slice_eq(buf_slice(&again), bytes_slice(&update)));
    assert_int_equal(reply->responses[2]->n_updates, 0);
    reply = get_updates(&w, (const char *const[]){p.inbox_id}, (const uint64_t[]){UINT64_MAX}, 1);
    assert_int_equal(reply->responses[0]->n_updates, 0);
    buf_free(&again);
    bytes_free(&update);
    world_close(&w);
}

static void an_update_comes_back_byte_for_byte_unknown_fields_included(void **state)
{
    static const char unknown[] = "\xfa\x3e\x03xyz"; /* field 1007 */
    struct bytes update = {0}, reply = {0};
    struct buf request = BUF_INIT, longer = BUF_INIT;
    struct person p;
    struct world w;

    (void)state;
    world_open(&w, NULL);
    person_make(&p, 1);
    person_registration(&p, &update);
    buf_put(&longer, unknown, sizeof unknown - 1);
    buf_put_slice(&longer, bytes_slice(&update));
    assert_int_equal(publish_update(&w, buf_slice(&longer)), GRPC_OK);
    wire_put_head(&request, 1, wire_size_bytes(1, INBOX_ID_LEN));
    wire_put_bytes(&request, 1, slice_str(p.inbox_id));
    assert_int_equal(world_call_bytes(&w, proto_method_info(PROTO_IDENTITY_GET_IDENTITY_UPDATES)->path,
                                      buf_slice(&request), &reply),
                     GRPC_OK);
    assert_true(reply.len > longer.len);
    assert_memory_equal(reply.data + reply.len - longer.len, longer.data, longer.len);
    buf_free(&request);
    buf_free(&longer);
    bytes_free(&reply);
    bytes_free(&update);
    world_close(&w);
}

static void what_does_not_verify_is_refused_and_leaves_nothing(void **state)
{
    static const uint64_t from_the_start[] = {0};
    struct bytes update = {0};
    struct person p;
    struct world w;
    const char *inbox_id;
    size_t at;

    (void)state;
    world_open(&w, NULL);
    person_make(&p, 1);
    inbox_id = p.inbox_id;
    person_registration(&p, &update);
    assert_int_equal(world_call_bytes(&w, proto_method_info(PROTO_IDENTITY_PUBLISH_IDENTITY_UPDATE)->path,
                                      slice_of(NULL, 0), NULL),
                     GRPC_UNKNOWN);
    assert_string_equal(w.text, "IdentityUpdate is required");
    for (at = 0; at < update.len; at += 5) {
        update.data[at] ^= 0x10;
        assert_int_not_equal(publish_update(&w, bytes_slice(&update)), GRPC_OK);
        update.data[at] ^= 0x10;
    }
    assert_int_equal(publish_update(&w, slice_of(update.data, update.len - 1)), GRPC_INVALID_ARGUMENT);
    assert_int_equal(get_updates(&w, &inbox_id, from_the_start, 1)->responses[0]->n_updates, 0);
    assert_string_equal(inbox_of(&w, p.address, 1), "");
    /* And in order it is accepted, once: the second time its signatures have been seen. */
    assert_int_equal(publish_update(&w, bytes_slice(&update)), GRPC_OK);
    assert_int_equal(publish_update(&w, bytes_slice(&update)), GRPC_INVALID_ARGUMENT);
    assert_int_equal(get_updates(&w, &inbox_id, from_the_start, 1)->responses[0]->n_updates, 1);
    bytes_free(&update);
    world_close(&w);
}

/* Identifiers are not looked into where nobody signs with them, and all who read a log have to agree on it. */
static void a_nul_in_an_identifier_is_a_character(void **state)
{
    static const char odd[] = "0x1234567890abcdef1234567890abcdef1234567\0";
    struct bytes registration = {0}, update, reply = {0};
    struct forged_action action;
    struct buf request = BUF_INIT;
    struct person p;
    struct world w;

    (void)state;
    world_open(&w, NULL);
    person_make(&p, 1);
    person_registration(&p, &registration);
    assert_int_equal(publish_update(&w, bytes_slice(&registration)), GRPC_OK);
    wire_put_head(&request, 1, wire_size_bytes(1, INBOX_ID_LEN));
    wire_put_bytes(&request, 1, slice_str(p.inbox_id));
    for (int i = 0; i < 2; i++) {
        action = (struct forged_action){.kind = i ? ACTION_CHANGE_RECOVERY : ACTION_REVOKE,
                                        .subject = {IDENT_ETHEREUM, slice_of(odd, 42)},
                                        .by = BY_WALLET(&p.wallet)};
        update = forge(p.inbox_id, (uint64_t)(10 + i), &action, 1);
        assert_int_equal(publish_update(&w, bytes_slice(&update)), GRPC_OK);
        assert_int_equal(world_call_bytes(&w, proto_method_info(PROTO_IDENTITY_GET_IDENTITY_UPDATES)->path,
                                          buf_slice(&request), &reply),
                         GRPC_OK);
        assert_memory_equal(reply.data + reply.len - update.len, update.data, update.len);
        /* The inbox's own id is compared as it came as well. */
        update.data[update.len - 1] = 0;
        assert_int_equal(publish_update(&w, bytes_slice(&update)), GRPC_INVALID_ARGUMENT);
        bytes_free(&update);
        bytes_free(&reply);
    }
    bytes_free(&registration);
    buf_free(&request);
    world_close(&w);
}

/* Two wallets, two inboxes: an account belongs to the inbox it was last added to, and falls back to the
 * one before when it is removed. */
static void an_account_follows_its_newest_association(void **state)
{
    struct identity_state *inbox;
    struct identity_request *req;
    struct ident lost;
    struct bytes update = {0};
    struct person p, q;
    struct world w;

    (void)state;
    world_open(&w, NULL);
    person_make(&p, 1);
    person_make(&q, 2);
    person_registration(&p, &update);
    assert_int_equal(publish_update(&w, bytes_slice(&update)), GRPC_OK);
    bytes_free(&update);
    person_registration(&q, &update);
    assert_int_equal(publish_update(&w, bytes_slice(&update)), GRPC_OK);
    bytes_free(&update);
    assert_string_equal(inbox_of(&w, q.address, 1), q.inbox_id);

    inbox = state_of(&w, p.inbox_id);
    assert_int_equal(request_account(inbox, ident_ethereum(q.address), &p.installation, 2, &req, NULL), 0);
    request_sign_installation(req, &p.installation, NULL);
    assert_int_equal(request_sign_wallet(req, &q.wallet, NULL), 0);
    finish(req, &update);
    assert_int_equal(publish_update(&w, bytes_slice(&update)), GRPC_OK);
    bytes_free(&update);
    identity_state_free(inbox);
    assert_string_equal(inbox_of(&w, q.address, 1), p.inbox_id);

    inbox = state_of(&w, p.inbox_id);
    lost = ident_ethereum(q.address);
    assert_int_equal(request_revocation(inbox, &lost, 1, 3, &req, NULL), 0);
    assert_int_equal(request_sign_wallet(req, &p.wallet, NULL), 0);
    finish(req, &update);
    assert_int_equal(publish_update(&w, bytes_slice(&update)), GRPC_OK);
    bytes_free(&update);
    identity_state_free(inbox);
    assert_string_equal(inbox_of(&w, q.address, 1), q.inbox_id);
    assert_string_equal(inbox_of(&w, p.address, 1), p.inbox_id);
    world_close(&w);
}

static void a_full_log_takes_no_more(void **state)
{
    struct bytes update = {0};
    struct person p;
    struct world w;
    struct identity_request *req;
    int i, status = GRPC_OK;

    (void)state;
    world_open(&w, NULL);
    person_make(&p, 1);
    person_registration(&p, &update);
    assert_int_equal(publish_update(&w, bytes_slice(&update)), GRPC_OK);
    bytes_free(&update);
    /* Changing the recovery account to itself is an update like any other; its text names the second. */
    for (i = 1; i <= 256 && status == GRPC_OK; i++) {
        assert_int_equal(request_new(p.inbox_id, (uint64_t)i * NS_PER_S, &req, NULL), 0);
        assert_int_equal(request_change_recovery(req, ident_ethereum(p.address), ident_ethereum(p.address), NULL), 0);
        assert_int_equal(request_sign_wallet(req, &p.wallet, NULL), 0);
        finish(req, &update);
        status = publish_update(&w, bytes_slice(&update));
        bytes_free(&update);
    }
    assert_int_equal(i - 1, 256); /* 1 + 255 were taken */
    assert_int_equal(status, GRPC_UNKNOWN);
    assert_string_equal(w.text, "inbox log is full");
    world_close(&w);
}

/* Large by a field that nobody knows. */
static void put_large(struct buf *out, struct slice update, size_t len)
{
    uint8_t *unknown = xm_alloc(len);

    assert_non_null(unknown);
    wire_put_bytes(out, 1007, slice_of(unknown, len));
    buf_put_slice(out, update);
    xm_free(unknown);
}

static void a_log_that_no_answer_could_carry_takes_no_more(void **state)
{
    enum { LARGE = 255 * 1024 };
    struct buf large = BUF_INIT;
    struct bytes update = {0};
    struct person p;
    struct world w;
    struct identity_request *req;
    const uint64_t cursor = 0;
    size_t taken;

    (void)state;
    world_open(&w, NULL);
    person_make(&p, 1);
    person_registration(&p, &update);
    put_large(&large, bytes_slice(&update), LARGE);
    for (taken = 0; publish_update(&w, buf_slice(&large)) == GRPC_OK; taken++) {
        bytes_free(&update);
        assert_int_equal(request_new(p.inbox_id, (taken + 1) * NS_PER_S, &req, NULL), 0);
        assert_int_equal(request_change_recovery(req, ident_ethereum(p.address), ident_ethereum(p.address), NULL), 0);
        assert_int_equal(request_sign_wallet(req, &p.wallet, NULL), 0);
        finish(req, &update);
        buf_reset(&large);
        put_large(&large, bytes_slice(&update), LARGE);
    }
    assert_int_equal(w.status, GRPC_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(w.text, "too large to be read back"));
    assert_int_equal(taken, 25 * 1024 * 1024 / (256 * 1024 + 300));
    assert_int_equal(publish_update(&w, bytes_slice(&update)), GRPC_OK);
    assert_int_equal(get_updates(&w, (const char *const[]){p.inbox_id}, &cursor, 1)->responses[0]->n_updates,
                     taken + 1);
    bytes_free(&update);
    buf_free(&large);
    world_close(&w);
}

static void inbox_ids_are_hex(void **state)
{
    Xmtp__Identity__Api__V1__GetIdentityUpdatesRequest__Request one =
        XMTP__IDENTITY__API__V1__GET_IDENTITY_UPDATES_REQUEST__REQUEST__INIT, *all[] = {&one};
    Xmtp__Identity__Api__V1__GetIdentityUpdatesRequest request =
        XMTP__IDENTITY__API__V1__GET_IDENTITY_UPDATES_REQUEST__INIT;
    struct world w;

    (void)state;
    world_open(&w, NULL);
    one.inbox_id = (char *)(uintptr_t)"not hex";
    request.requests = all;
    request.n_requests = 1;
    assert_int_equal(world_call(&w, PROTO_IDENTITY_GET_IDENTITY_UPDATES, &request, NULL), GRPC_INVALID_ARGUMENT);
    world_close(&w);
}

static void an_update_signed_by_a_contract_wallet_is_refused_and_says_why(void **state)
{
    struct identity_request *req = NULL;
    struct bytes update = {0};
    struct person p;
    struct world w;

    (void)state;
    world_open(&w, NULL);
    person_make(&p, 1);
    assert_int_equal(request_registration(ident_ethereum(p.address), INBOX_NONCE_DEFAULT, &p.installation, 1, p.inbox_id,
                                          &req, NULL),
                     0);
    request_sign_installation(req, &p.installation, NULL);
    assert_int_equal(request_put_contract_signature(req, 1, p.address, 7, slice_str("by a contract"), NULL), 0);
    finish(req, &update);
    assert_int_equal(publish_update(&w, bytes_slice(&update)), GRPC_INVALID_ARGUMENT);
    assert_non_null(strstr(w.text, "a smart contract wallet signed, and no chain can be asked"));
    assert_string_equal(inbox_of(&w, p.address, 1), "");
    bytes_free(&update);
    world_close(&w);
}

static void contract_wallets_are_answered_one_by_one_with_unsupported(void **state)
{
    Xmtp__Identity__Api__V1__VerifySmartContractWalletSignatureRequestSignature one =
        XMTP__IDENTITY__API__V1__VERIFY_SMART_CONTRACT_WALLET_SIGNATURE_REQUEST_SIGNATURE__INIT, *all[] = {&one, &one};
    Xmtp__Identity__Api__V1__VerifySmartContractWalletSignaturesRequest request =
        XMTP__IDENTITY__API__V1__VERIFY_SMART_CONTRACT_WALLET_SIGNATURES_REQUEST__INIT;
    Xmtp__Identity__Api__V1__VerifySmartContractWalletSignaturesResponse *reply;
    struct world w;

    (void)state;
    world_open(&w, NULL);
    one.account_id = (char *)(uintptr_t)"eip155:1:0x0000000000000000000000000000000000000000";
    request.signatures = all;
    request.n_signatures = 2;
    assert_int_equal(world_call(&w, PROTO_IDENTITY_VERIFY_SMART_CONTRACT_WALLET_SIGNATURES, &request, &reply), GRPC_OK);
    assert_int_equal(reply->n_responses, 2);
    assert_false(reply->responses[1]->is_valid);
    assert_non_null(strstr(reply->responses[1]->error, "unsupported"));
    world_close(&w);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_inbox_is_found_by_id_and_by_account),
        cmocka_unit_test(an_update_comes_back_byte_for_byte_unknown_fields_included),
        cmocka_unit_test(what_does_not_verify_is_refused_and_leaves_nothing),
        cmocka_unit_test(a_nul_in_an_identifier_is_a_character),
        cmocka_unit_test(an_account_follows_its_newest_association),
        cmocka_unit_test(a_full_log_takes_no_more),
        cmocka_unit_test(a_log_that_no_answer_could_carry_takes_no_more),
        cmocka_unit_test(inbox_ids_are_hex),
        cmocka_unit_test(an_update_signed_by_a_contract_wallet_is_refused_and_says_why),
        cmocka_unit_test(contract_wallets_are_answered_one_by_one_with_unsupported),
    };

    if (argc > 1) /* one test by name, for debugging */
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
