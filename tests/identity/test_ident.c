/* Identifiers, inbox ids, credentials, and when to rotate a key package. */
#include "tests/identity/vectors.h"
#include "tests/test.h"

#include "base/err.h"
#include "crypto/crypto.h"
#include "identity/credential.h"
#include "identity/ident.h"
#include "identity/rotation.h"

static void assert_inbox_id(struct ident owner, uint64_t nonce, const char *expected)
{
    char id[INBOX_ID_LEN + 1];

    assert_int_equal(inbox_id_derive(owner, nonce, id, NULL), 0);
    assert_string_equal(id, expected);
}

static void inbox_ids_are_those_of_the_notes(void **state)
{
    uint8_t passkey[65];
    struct ident owner = ident_ethereum("0x1234567890abcdef1234567890abcdef12345678");

    (void)state;
    assert_inbox_id(owner, 0, "fcd18d86276d7a99fe522dba9660c420f03c8648785ada7c5daae232a3df77a9");
    assert_inbox_id(owner, 1, "a38db5b39c536ce8cda4a67ce2a2d2fee6360dd0935875f26138e7899d6c15f7");
    assert_inbox_id(owner, UINT64_MAX, "2a45d2c21c6b4bee3cbcf08361e3d4dfbfd80424898d9d3b12237a96b95db66b");
    memset(passkey, 0xab, sizeof passkey);
    passkey[0] = 4;
    assert_inbox_id(ident_passkey(slice_of(passkey, sizeof passkey)), 0,
                    "1f8aca655fe113196f582f82a68aa862015e30393d211eab62912d8853be1942");
}

/* As libxmtp's bindings take them: lower-cased first, nonce 1 when left out. */
static void inbox_ids_are_those_of_libxmtp(void **state)
{
    json_t *cases = vectors_file("inbox-id-derivation.json");
    size_t derived = 0, refused = 0;

    (void)state;
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i);
        const char *typed = json_string_value(json_object_get(c, "identifier"));
        const char *nonce = json_string_value(json_object_get(c, "nonce"));
        const char *expected = json_string_value(json_object_get(c, "inboxId"));
        char address[ETH_ADDRESS_LEN + 1], id[INBOX_ID_LEN + 1];

        if (expected == NULL) { /* one of them has no 0x, which a person may leave out here */
            refused++;
            assert_int_equal(inbox_id_derive(ident_ethereum(typed), 1, id, NULL), ERR_INVALID);
            continue;
        }
        derived++;
        if (strcmp(json_string_value(json_object_get(c, "kind")), "ethereum") == 0) {
            assert_int_equal(ident_parse_address(typed, address, NULL), 0);
            assert_inbox_id(ident_ethereum(address),
                            nonce != NULL ? strtoull(nonce, NULL, 10) : INBOX_NONCE_DEFAULT, expected);
        } else {
            struct bytes key = vectors_hex(c, "identifier");

            assert_inbox_id(ident_passkey(bytes_slice(&key)),
                            nonce != NULL ? strtoull(nonce, NULL, 10) : INBOX_NONCE_DEFAULT, expected);
            bytes_free(&key);
        }
    }
    assert_in_range(derived, 20, 100);
    assert_int_equal(refused, 3);
    json_decref(cases);
}

static void an_address_keeps_its_case_when_an_inbox_id_is_derived(void **state)
{
    char lower[INBOX_ID_LEN + 1], mixed[INBOX_ID_LEN + 1];

    (void)state;
    assert_int_equal(
        inbox_id_derive(ident_ethereum("0x1234567890abcdef1234567890abcdef12345678"), 0, lower, NULL), 0);
    assert_int_equal(
        inbox_id_derive(ident_ethereum("0x1234567890ABCDEF1234567890abcdef12345678"), 0, mixed, NULL), 0);
    assert_string_not_equal(lower, mixed);
}

static void only_an_account_of_the_right_form_owns_an_inbox(void **state)
{
    static const char *const bad[] = {"",
                                      "0x",
                                      "0x1234",
                                      "0X1234567890abcdef1234567890abcdef12345678",
                                      "0x1234567890abcdef1234567890abcdef1234567g",
                                      "0x1234567890abcdef1234567890abcdef123456789"};
    uint8_t key[INSTALLATION_ID_LEN] = {1};
    char id[INBOX_ID_LEN + 1];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(inbox_id_derive(ident_ethereum(bad[i]), 0, id, NULL), ERR_INVALID);
    assert_int_equal(inbox_id_derive(ident_installation(key), 0, id, NULL), ERR_INVALID);
}

static void a_typed_address_is_lower_cased(void **state)
{
    static const char *const good[] = {"0x2C7536E3605D9C16a7a3D7b1898e529396a65c23",
                                       "0X2c7536e3605d9c16a7a3d7b1898e529396a65c23",
                                       "2c7536e3605d9c16a7a3d7b1898e529396a65c23"};
    char out[ETH_ADDRESS_LEN + 1] = "untouched";

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(ident_parse_address(good[i], out, NULL), 0);
        assert_string_equal(out, "0x2c7536e3605d9c16a7a3d7b1898e529396a65c23");
    }
    assert_int_equal(ident_parse_address("alice.eth", out, NULL), ERR_INVALID);
    assert_int_equal(ident_parse_address("0x2c7536e3605d9c16a7a3d7b1898e529396a65c2", out, NULL),
                     ERR_INVALID);
    assert_int_equal(ident_parse_address("0x2c7536e3605d9c16a7a3d7b1898e529396a65c233", out, NULL),
                     ERR_INVALID);
    assert_string_equal(out, "0x2c7536e3605d9c16a7a3d7b1898e529396a65c23");
}

static void identifiers_are_ordered_by_kind_and_bytes(void **state)
{
    struct ident a = ident_ethereum("0xaa"), b = ident_ethereum("0xab"),
                 key = ident_passkey(slice_str("0xaa"));

    (void)state;
    assert_true(ident_eq(a, ident_ethereum("0xaa")));
    assert_false(ident_eq(a, b));
    assert_false(ident_eq(a, key)); /* the same bytes of another kind */
    assert_true(ident_cmp(a, b) < 0 && ident_cmp(b, a) > 0 && ident_cmp(a, a) == 0);
    assert_true(ident_cmp(b, key) < 0);
}

static void a_credential_names_its_inbox(void **state)
{
    static const char id[] = "c24caeaf198cef106e3ab9251bed63aafdb2eed4efe93f1f9acebee4cd705c35";
    uint8_t credential[CREDENTIAL_LEN], bent[CREDENTIAL_LEN];
    char back[INBOX_ID_LEN + 1];

    (void)state;
    credential_write(id, credential);
    assert_int_equal(credential[0], 0x0a);
    assert_int_equal(credential[1], 0x40);
    assert_memory_equal(credential + 2, id, INBOX_ID_LEN);
    assert_int_equal(credential_read(slice_of(credential, sizeof credential), back, NULL), 0);
    assert_string_equal(back, id);
    for (size_t len = 0; len < sizeof credential; len++)
        assert_int_equal(credential_read(slice_of(credential, len), back, NULL), ERR_MALFORMED);
    memcpy(bent, credential, sizeof bent);
    bent[10] = 'G';
    assert_int_equal(credential_read(slice_of(bent, sizeof bent), back, NULL), ERR_MALFORMED);
    bent[10] = 'A';
    assert_int_equal(credential_read(slice_of(bent, sizeof bent), back, NULL), ERR_MALFORMED);
}

#define NOW INT64_C(1700000000000000000)
#define S   INT64_C(1000000000)

static void a_package_lasts_thirty_days_unless_it_is_used(void **state)
{
    int64_t next = rotation_after_upload(0, NOW);

    (void)state;
    assert_int_equal(next, NOW + 30 * 86400 * S);
    assert_false(rotation_is_due(next, next - 1));
    assert_true(rotation_is_due(next, next));
    assert_true(rotation_is_due(0, NOW)); /* no time stored */
    next = rotation_after_welcome(next, NOW + 100 * S);
    assert_int_equal(next, NOW + 105 * S);
    assert_int_equal(rotation_after_welcome(next, NOW + 103 * S), next); /* more welcomes do not put it off */
    assert_int_equal(rotation_after_welcome(0, NOW), 0);
    assert_int_equal(rotation_after_welcome(NOW - 1, NOW), NOW - 1);
}

/* Made while the clock was ahead, a package is not valid yet: nobody could invite us until then. */
static void a_package_that_the_clock_made_too_early_is_replaced(void **state)
{
    int64_t next = rotation_after_upload(0, NOW + 400 * 86400 * S);

    (void)state;
    assert_true(rotation_is_due(next, NOW));
    /* An hour is what packages are dated back. */
    next = rotation_after_upload(0, NOW);
    assert_false(rotation_is_due(next, NOW - 3600 * S));
    assert_true(rotation_is_due(next, NOW - 3601 * S));
}

static void an_upload_does_not_cancel_a_rotation_that_a_welcome_asked_for_meanwhile(void **state)
{
    (void)state;
    assert_int_equal(rotation_after_upload(NOW + 2 * S, NOW), NOW + 2 * S);
    assert_int_equal(rotation_after_upload(NOW, NOW), NOW + 30 * 86400 * S);
}

static void superseded_packages_stay_for_a_day(void **state)
{
    int64_t at = rotation_delete_at(NOW);

    (void)state;
    assert_int_equal(at, NOW + 86400 * S);
    assert_false(rotation_may_delete(at, at - 1));
    assert_true(rotation_may_delete(at, at));
    assert_false(rotation_may_delete(0, NOW)); /* the current one */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inbox_ids_are_those_of_the_notes),
        cmocka_unit_test(inbox_ids_are_those_of_libxmtp),
        cmocka_unit_test(an_address_keeps_its_case_when_an_inbox_id_is_derived),
        cmocka_unit_test(only_an_account_of_the_right_form_owns_an_inbox),
        cmocka_unit_test(a_typed_address_is_lower_cased),
        cmocka_unit_test(identifiers_are_ordered_by_kind_and_bytes),
        cmocka_unit_test(a_credential_names_its_inbox),
        cmocka_unit_test(a_package_lasts_thirty_days_unless_it_is_used),
        cmocka_unit_test(a_package_that_the_clock_made_too_early_is_replaced),
        cmocka_unit_test(an_upload_does_not_cancel_a_rotation_that_a_welcome_asked_for_meanwhile),
        cmocka_unit_test(superseded_packages_stay_for_a_day),
    };

    if (crypto_init(NULL) != 0)
        return 99;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
