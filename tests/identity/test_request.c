/* Updates of our own making. */
#include "tests/identity/forge.h"
#include "tests/test.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/hex.h"
#include "crypto/crypto.h"
#include "crypto/hash.h"
#include "identity/request.h"

#include <stdio.h>

#define NOW UINT64_C(1700000000123456789)

static struct eth_key wallet, second;
static struct ed25519_key phone, laptop;
static char address[ETH_ADDRESS_LEN + 1], second_address[ETH_ADDRESS_LEN + 1];

static void make_keys(void)
{
    uint8_t secret[32];

    assert_true(hex_decode("4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318", 64, secret,
                           sizeof secret));
    assert_int_equal(eth_from_secret(secret, &wallet), 0);
    eth_address(&wallet, address);
    secret[0] ^= 1;
    assert_int_equal(eth_from_secret(secret, &second), 0);
    eth_address(&second, second_address);
    for (int i = 0; i < 32; i++)
        secret[i] = (uint8_t)i;
    ed25519_from_seed(secret, &phone);
    secret[0] = 77;
    ed25519_from_seed(secret, &laptop);
}

static struct identity_state *advance(const struct identity_state *old, struct identity_request *req)
{
    struct identity_state *next = NULL;
    struct bytes update;

    assert_int_equal(request_finish(req, &update, NULL), 0);
    assert_int_equal(identity_state_advance(old, bytes_slice(&update), 7, NULL, &next, NULL, NULL), 0);
    bytes_free(&update);
    request_free(req);
    return next;
}

static struct identity_state *registered(void)
{
    char inbox_id[INBOX_ID_LEN + 1];
    struct identity_request *req = NULL;

    assert_int_equal(request_registration(ident_ethereum(address), 1, &phone, NOW, inbox_id, &req, NULL), 0);
    assert_int_equal(request_sign_wallet(req, &wallet, NULL), 0);
    return advance(NULL, req);
}

/* The bytes that the real client accepted. */
static void a_registration_has_the_bytes_of_the_worked_example(void **state)
{
    char inbox_id[INBOX_ID_LEN + 1], digest[65];
    struct identity_request *req = NULL;
    struct bytes update;
    struct ident who;
    uint8_t hash[32];

    (void)state;
    assert_int_equal(request_registration(ident_ethereum(address), 1, &phone, NOW, inbox_id, &req, NULL), 0);
    assert_string_equal(inbox_id, "c24caeaf198cef106e3ab9251bed63aafdb2eed4efe93f1f9acebee4cd705c35");
    assert_int_equal(strlen(request_text(req)), 358);
    hash_sha256(slice_str(request_text(req)), hash);
    hex_encode(hash, sizeof hash, digest);
    assert_string_equal(digest, "dd59d2fd6820a1ae08aa462e831d4eb9616d5874c4cfd7daeffa83074bb1a417");
    assert_true(request_missing(req, 0, &who)); /* the wallet alone: the installation has signed */
    assert_true(ident_eq(who, ident_ethereum(address)));
    assert_false(request_missing(req, 1, &who));
    assert_int_equal(request_finish(req, &update, NULL), ERR_STATE);
    assert_int_equal(request_sign_wallet(req, &wallet, NULL), 0);
    assert_false(request_missing(req, 0, &who));
    assert_int_equal(request_finish(req, &update, NULL), 0);
    assert_int_equal(update.len, 416);
    hash_sha256(bytes_slice(&update), hash);
    hex_encode(hash, sizeof hash, digest);
    assert_string_equal(digest, "589c9ab70c4c938270d27eb4347fa2e43a4cf2221671cf9b3daa02977a601926");
    bytes_free(&update);
    request_free(req);
}

static void an_external_wallet_signs_by_copy_and_paste(void **state)
{
    char inbox_id[INBOX_ID_LEN + 1], digits[131], pasted[160];
    uint8_t signature[65], typed[65];

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct identity_request *req = NULL;
        struct identity_state *s;

        assert_int_equal(request_registration(ident_ethereum(address), 1, &phone, NOW, inbox_id, &req, NULL),
                         0);
        eth_sign_personal(&wallet, slice_str(request_text(req)), signature);
        if (i == 1)
            signature[64] -= 27; /* some wallets say 0 and 1 */
        hex_encode(signature, sizeof signature, digits);
        snprintf(pasted, sizeof pasted, "%s%s%s",
                 i == 0   ? ""
                 : i == 1 ? "0x"
                          : "  0X",
                 digits, i == 2 ? "\n" : "");
        assert_int_equal(request_parse_signature(pasted, typed, NULL), 0);
        assert_int_equal(request_put_wallet_signature(req, slice_of(typed, sizeof typed), NULL), 0);
        s = advance(NULL, req);
        assert_int_equal(s->members_n, 2);
        identity_state_free(s);
    }
    assert_int_equal(request_parse_signature("", typed, NULL), ERR_INVALID);
    digits[129] = '\0';
    assert_int_equal(request_parse_signature(digits, typed, NULL), ERR_INVALID);
}

static void a_pasted_signature_of_somebody_else_says_whose_it_is(void **state)
{
    char inbox_id[INBOX_ID_LEN + 1];
    struct identity_request *req = NULL;
    uint8_t signature[65];
    struct err err;

    (void)state;
    assert_int_equal(request_registration(ident_ethereum(address), 1, &phone, NOW, inbox_id, &req, NULL), 0);
    eth_sign_personal(&second, slice_str(request_text(req)), signature);
    assert_int_equal(request_put_wallet_signature(req, slice_of(signature, sizeof signature), &err),
                     ERR_AUTH);
    assert_non_null(strstr(err.text, second_address));
    assert_int_equal(request_put_wallet_signature(req, slice_of(signature, 64), &err), ERR_AUTH);
    assert_int_equal(request_sign_wallet(req, &second, &err), ERR_NOTFOUND);
    assert_int_equal(request_sign_installation(req, &laptop, &err), ERR_NOTFOUND);
    request_free(req);
}

static void a_second_installation_is_vouched_for_by_the_wallet(void **state)
{
    struct identity_state *s = registered(), *next;
    struct identity_request *req = NULL;

    (void)state;
    assert_int_equal(request_installation(s, ident_ethereum(address), &laptop, NOW + 1, &req, NULL), 0);
    assert_int_equal(request_sign_wallet(req, &wallet, NULL), 0);
    next = advance(s, req);
    assert_true(identity_state_has_installation(next, slice_of(laptop.public_key, 32)));
    req = NULL;
    assert_int_equal(request_installation(next, ident_ethereum(address), &laptop, NOW + 2, &req, NULL),
                     ERR_EXISTS);
    assert_int_equal(request_installation(s, ident_ethereum(second_address), &laptop, NOW, &req, NULL),
                     ERR_DENIED);
    assert_null(req);
    identity_state_free(next);
    identity_state_free(s);
}

static void an_eleventh_installation_is_refused_before_anybody_signs(void **state)
{
    struct identity_state *s = registered();
    struct identity_request *req = NULL;

    (void)state;
    for (int i = 1; i < IDENTITY_MAX_INSTALLATIONS; i++) {
        struct ed25519_key key;
        uint8_t seed[32] = {(uint8_t)i, 5};
        struct identity_state *next;

        ed25519_from_seed(seed, &key);
        assert_int_equal(
            request_installation(s, ident_ethereum(address), &key, NOW + (uint64_t)i, &req, NULL), 0);
        assert_int_equal(request_sign_wallet(req, &wallet, NULL), 0);
        next = advance(s, req);
        identity_state_free(s);
        s = next;
    }
    req = NULL;
    assert_int_equal(request_installation(s, ident_ethereum(address), &laptop, NOW, &req, NULL), ERR_DENIED);
    assert_null(req);
    identity_state_free(s);
}

static void revocations_need_one_signature_of_the_recovery_identifier(void **state)
{
    struct identity_state *s = registered(), *next;
    struct identity_request *req = NULL;
    struct ident both[] = {ident_installation(phone.public_key), ident_ethereum(address)}, who;

    (void)state;
    assert_int_equal(request_revocation(s, both, 2, NOW + 1, &req, NULL), 0);
    assert_true(request_missing(req, 0, &who));
    assert_true(ident_eq(who, s->recovery));
    assert_false(request_missing(req, 1, &who));
    assert_int_equal(request_sign_wallet(req, &wallet, NULL), 0);
    next = advance(s, req);
    assert_int_equal(next->members_n, 0);
    req = NULL;
    both[0] = ident_installation(laptop.public_key);
    assert_int_equal(request_revocation(s, both, 2, NOW, &req, NULL), ERR_NOTFOUND);
    assert_int_equal(request_revocation(s, both, 0, NOW, &req, NULL), ERR_INVALID);
    assert_null(req);
    identity_state_free(next);
    identity_state_free(s);
}

static void an_account_is_linked_by_installation_and_account(void **state)
{
    struct identity_state *s = registered(), *next;
    struct identity_request *req = NULL;

    (void)state;
    assert_int_equal(request_account(s, ident_ethereum(second_address), &phone, NOW + 1, &req, NULL), 0);
    assert_int_equal(request_sign_wallet(req, &second, NULL), 0);
    next = advance(s, req);
    assert_non_null(identity_state_member(next, ident_ethereum(second_address)));
    req = NULL;
    assert_int_equal(request_account(next, ident_ethereum(second_address), &phone, NOW, &req, NULL),
                     ERR_EXISTS);
    assert_int_equal(request_account(s, ident_ethereum(second_address), &laptop, NOW, &req, NULL),
                     ERR_DENIED);
    assert_null(req);
    identity_state_free(next);
    identity_state_free(s);
}

static void the_recovery_identifier_is_changed_by_itself(void **state)
{
    struct identity_state *s = registered(), *next;
    struct identity_request *req = NULL;

    (void)state;
    assert_int_equal(request_recovery(s, ident_ethereum(second_address), NOW + 1, &req, NULL), 0);
    assert_int_equal(request_sign_wallet(req, &wallet, NULL), 0);
    next = advance(s, req);
    assert_true(ident_eq(next->recovery, ident_ethereum(second_address)));
    identity_state_free(next);
    identity_state_free(s);
}

static void what_others_would_refuse_is_not_even_asked_for(void **state)
{
    static const char inbox_id[] = "c24caeaf198cef106e3ab9251bed63aafdb2eed4efe93f1f9acebee4cd705c35";
    struct ident mixed = ident_ethereum("0x2C7536e3605d9c16a7a3d7b1898e529396a65c23");
    struct ident a = ident_ethereum(address), device = ident_installation(phone.public_key);
    struct identity_request *req = NULL;

    (void)state;
    assert_int_equal(request_new("not an inbox", NOW, &req, NULL), ERR_INVALID);
    assert_int_equal(request_new(inbox_id, NOW, &req, NULL), 0);
    assert_int_equal(request_create_inbox(req, mixed, 0, NULL), ERR_INVALID);
    assert_int_equal(request_create_inbox(req, device, 0, NULL), ERR_INVALID);
    assert_int_equal(request_add(req, mixed, a, NULL), ERR_INVALID);
    assert_int_equal(request_add(req, device, ident_installation(laptop.public_key), NULL), ERR_INVALID);
    assert_int_equal(request_revoke(req, mixed, a, NULL), ERR_INVALID);
    assert_int_equal(request_change_recovery(req, a, mixed, NULL), ERR_INVALID);
    assert_int_equal(request_change_recovery(req, a, device, NULL), ERR_INVALID);
    assert_int_equal(request_add(req, device, a, NULL), 0);
    assert_int_equal(request_sign_installation(req, &phone, NULL), 0);
    assert_int_equal(request_revoke(req, device, a, NULL), ERR_STATE); /* the text is signed */
    request_free(req);
}

static void any_allocation_may_fail(void **state)
{
    char inbox_id[INBOX_ID_LEN + 1];
    unsigned long n = 0;
    int r;

    (void)state;
    do {
        struct identity_request *req = NULL;
        struct bytes update = {0};

        alloc_fail_after(++n);
        r = request_registration(ident_ethereum(address), 1, &phone, NOW, inbox_id, &req, NULL);
        if (r == 0)
            r = request_sign_wallet(req, &wallet, NULL);
        if (r == 0)
            r = request_finish(req, &update, NULL);
        alloc_fail_after(0);
        if (r != 0)
            assert_int_equal(r, ERR_NOMEM);
        bytes_free(&update);
        request_free(req);
    } while (r != 0);
    assert_true(n > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_registration_has_the_bytes_of_the_worked_example),
        cmocka_unit_test(an_external_wallet_signs_by_copy_and_paste),
        cmocka_unit_test(a_pasted_signature_of_somebody_else_says_whose_it_is),
        cmocka_unit_test(a_second_installation_is_vouched_for_by_the_wallet),
        cmocka_unit_test(an_eleventh_installation_is_refused_before_anybody_signs),
        cmocka_unit_test(revocations_need_one_signature_of_the_recovery_identifier),
        cmocka_unit_test(an_account_is_linked_by_installation_and_account),
        cmocka_unit_test(the_recovery_identifier_is_changed_by_itself),
        cmocka_unit_test(what_others_would_refuse_is_not_even_asked_for),
        cmocka_unit_test(any_allocation_may_fail),
    };

    if (crypto_init(NULL) != 0)
        return 99;
    make_keys();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
