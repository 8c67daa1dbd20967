#include "tests/test.h"

#include "base/err.h"
#include "sync/content.h"
#include "sync/pref_payload.h"
#include "tests/vectors.h"

struct seen {
    struct pref_update updates[16];
    size_t n;
};

static int remember(void *ctx, const struct pref_update *update)
{
    struct seen *seen = ctx;

    assert_true(seen->n < 16);
    seen->updates[seen->n++] = *update;
    return 0;
}

static const char inbox[] = "c24caeaf198cef106e3ab9251bed63aafdb2eed4efe93f1f9acebee4cd705c35";

static void what_is_written_is_read_back_in_order(void **state)
{
    struct consent_choice denied = {CONSENT_INBOX, "", CONSENT_DENIED};
    struct consent_choice unknown = {CONSENT_CONVERSATION, "00112233445566778899aabbccddeeff", CONSENT_UNKNOWN};
    struct buf updates = BUF_INIT, payload = BUF_INIT;
    struct seen seen = {0};
    uint8_t key[42];
    size_t refused = 9;

    (void)state;
    memcpy(denied.entity, inbox, sizeof inbox);
    memset(key, 5, sizeof key);
    pref_payload_add_consent(&updates, &denied, 1700000000000000001);
    pref_payload_add_hmac(&updates, slice_of(key, sizeof key), 1700000000000000002);
    pref_payload_add_consent(&updates, &unknown, 1700000000000000003);
    pref_payload_finish(&updates, &payload);
    assert_true(buf_ok(&payload));
    assert_int_equal(pref_payload_each(buf_slice(&payload), remember, &seen, &refused, NULL), 0);
    assert_int_equal(refused, 0);
    assert_int_equal(seen.n, 3);
    assert_int_equal(seen.updates[0].kind, PREF_CONSENT);
    assert_int_equal(seen.updates[0].choice.type, CONSENT_INBOX);
    assert_int_equal(seen.updates[0].choice.state, CONSENT_DENIED);
    assert_string_equal(seen.updates[0].choice.entity, inbox);
    assert_true(seen.updates[0].at_ns == 1700000000000000001);
    assert_int_equal(seen.updates[1].kind, PREF_HMAC);
    assert_memory_equal(seen.updates[1].hmac_key, key, 42);
    assert_true(seen.updates[1].at_ns == 1700000000000000002);
    assert_int_equal(seen.updates[2].choice.state, CONSENT_UNKNOWN);
    assert_string_equal(seen.updates[2].choice.entity, unknown.entity);
    buf_free(&updates);
    buf_free(&payload);
}

/* Numbers on the wire, not names: entity type 2 (inbox), state 3 (denied, one above the store's). */
static void the_bytes_are_those_of_the_notes(void **state)
{
    struct consent_choice choice = {CONSENT_INBOX, "", CONSENT_DENIED};
    struct buf updates = BUF_INIT, payload = BUF_INIT, want = BUF_INIT;

    (void)state;
    memcpy(choice.entity, inbox, sizeof inbox);
    pref_payload_add_consent(&updates, &choice, 7);
    pref_payload_finish(&updates, &payload);
    buf_put(&want, "\x22\x4c\x0a\x4a\x0a\x48\x08\x02\x10\x03\x1a\x40", 12);
    buf_put_str(&want, inbox);
    buf_put(&want, "\x20\x07", 2);
    assert_int_equal(payload.len, want.len);
    assert_memory_equal(payload.data, want.data, want.len);
    buf_free(&updates);
    buf_free(&payload);
    buf_free(&want);
}

/* An update of a kind that does not exist yet, an entity with a NUL, a state 9, a key of 10 bytes, then a good one. */
static void an_update_that_makes_no_sense_does_not_spoil_the_others(void **state)
{
    struct consent_choice good = {CONSENT_CONVERSATION, "00112233445566778899aabbccddeeff", CONSENT_ALLOWED};
    struct consent_choice bad_state = {CONSENT_CONVERSATION, "00112233445566778899aabbccddeeff", (enum consent_state)8};
    struct consent_choice bad_entity = {CONSENT_INBOX, "abc", CONSENT_ALLOWED};
    struct buf updates = BUF_INIT, payload = BUF_INIT;
    struct seen seen = {0};
    size_t refused = 0;

    (void)state;
    buf_put(&updates, "\x0a\x03\x4a\x01\x78", 5); /* PreferenceUpdate with field 9 only */
    buf_put(&updates, "\x0a\x0d\x0a\x0b\x08\x02\x10\x02\x1a\x03" "a\0b" "\x20\x01", 15); /* a NUL in its entity */
    pref_payload_add_consent(&updates, &bad_state, 1);
    pref_payload_add_consent(&updates, &bad_entity, 1);
    pref_payload_add_hmac(&updates, slice_str("ten bytes!"), 1);
    pref_payload_add_consent(&updates, &good, 2);
    pref_payload_finish(&updates, &payload);
    assert_int_equal(pref_payload_each(buf_slice(&payload), remember, &seen, &refused, NULL), 0);
    assert_int_equal(refused, 5);
    assert_int_equal(seen.n, 1);
    assert_int_equal(seen.updates[0].choice.state, CONSENT_ALLOWED);
    buf_free(&updates);
    buf_free(&payload);
}

static void garbage_is_refused_and_other_contents_are_passed_over(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_int_equal(pref_payload_each(slice_str("\xff\xff garbage"), remember, &seen, NULL, NULL), ERR_MALFORMED);
    /* An acknowledge: nothing to do, no error. */
    assert_int_equal(pref_payload_each(slice_of("\x12\x03\x0a\x01\x78", 5), remember, &seen, NULL, NULL), 0);
    assert_int_equal(pref_payload_each(slice_of("", 0), remember, &seen, NULL, NULL), 0);
    assert_int_equal(seen.n, 0);
}

/* Every preference message that libxmtp sent in the recording. */
static void reads_what_libxmtp_wrote(void **state)
{
    json_t *groups = vectors_load("group-messages.json"), *group, *message, *plain;
    size_t i, k, p, consents = 0, keys = 0;

    (void)state;
    json_array_foreach(groups, i, group) {
        if (strcmp(json_string_value(json_object_get(group, "type")), "sync") != 0)
            continue;
        json_array_foreach(json_object_get(group, "messages"), k, message) {
            json_array_foreach(json_object_get(message, "plaintexts"), p, plain) {
                json_t *encoded = json_object_get(plain, "encodedContent");
                struct bytes content, payload = {0};
                struct seen seen = {0};

                if (!json_is_string(encoded))
                    continue;
                content = vectors_hex(encoded);
                if (content_device_sync_payload(bytes_slice(&content), &payload, NULL) == 0 &&
                    pref_payload_each(bytes_slice(&payload), remember, &seen, NULL, NULL) == 0)
                    for (size_t u = 0; u < seen.n; u++)
                        seen.updates[u].kind == PREF_HMAC ? keys++ : consents++;
                bytes_free(&content);
                bytes_free(&payload);
            }
        }
    }
    assert_true(keys >= 3);
    assert_true(consents >= 4);
    json_decref(groups);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back_in_order),
        cmocka_unit_test(the_bytes_are_those_of_the_notes),
        cmocka_unit_test(an_update_that_makes_no_sense_does_not_spoil_the_others),
        cmocka_unit_test(garbage_is_refused_and_other_contents_are_passed_over),
        cmocka_unit_test(reads_what_libxmtp_wrote),
    };

    return cmocka_run_group_tests_name("pref_payload", tests, NULL, NULL);
}
