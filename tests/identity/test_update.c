/* Updates as the real libxmtp published them (tests/vectors/identity.json): parsed, their text, the
 * states they lead to, and what happens to them when they are damaged. */
#include "tests/identity/vectors.h"
#include "tests/test.h"

#include "base/err.h"
#include "crypto/crypto.h"
#include "identity/request.h"
#include "identity/state.h"
#include "identity/update.h"
#include "proto/wire.h"

#include <time.h>

static struct vectors vectors;

static void every_update_parses_and_has_the_recorded_text(void **state)
{
    (void)state;
    assert_int_equal(vectors.n, 8);
    for (size_t i = 0; i < vectors.n; i++) {
        struct identity_update u;
        struct buf text = BUF_INIT;

        assert_int_equal(identity_update_parse(vectors.update[i].data, &u, NULL), 0);
        assert_true(slice_eq(u.inbox_id, slice_str(vectors.update[i].inbox_id)));
        identity_text_put(&text, u.inbox_id, u.client_timestamp_ns, u.actions, u.actions_n);
        assert_true(slice_eq(buf_slice(&text), slice_str(vectors.update[i].text)));
        buf_free(&text);
        identity_update_free(&u);
    }
}

static void assert_identifiers(const struct identity_state *s, const json_t *expected)
{
    assert_int_equal(identity_state_count(s, IDENT_ETHEREUM), json_array_size(expected));
    for (size_t i = 0; i < json_array_size(expected); i++) {
        const char *address = json_string_value(json_object_get(json_array_get(expected, i), "identifier"));

        assert_true(ident_eq(identity_state_nth(s, IDENT_ETHEREUM, i)->id, ident_ethereum(address)));
    }
}

static void assert_installations(const struct identity_state *s, const json_t *expected)
{
    assert_int_equal(identity_state_count(s, IDENT_INSTALLATION), json_array_size(expected));
    for (size_t i = 0; i < json_array_size(expected); i++) {
        const json_t *e = json_array_get(expected, i);
        const struct identity_member *m = identity_state_nth(s, IDENT_INSTALLATION, i);
        struct buf id = BUF_INIT;

        ident_put_text(&id, m->id);
        assert_true(slice_eq(buf_slice(&id), slice_str(json_string_value(json_object_get(e, "id")))));
        assert_int_equal(m->client_timestamp_ns,
                         strtoull(json_string_value(json_object_get(e, "clientTimestampNs")), NULL, 10));
        buf_free(&id);
    }
}

static void the_logs_lead_to_the_recorded_states(void **state)
{
    const json_t *expected;
    const char *name;

    (void)state;
    assert_int_equal(json_object_size(vectors.states), 3);
    json_object_foreach(vectors.states, name, expected)
    {
        struct identity_log_entry log[8];
        const char *inbox_id = json_string_value(json_object_get(expected, "inboxId"));
        const json_t *recovery = json_object_get(expected, "recoveryIdentifier");
        size_t n = vectors_log(&vectors, inbox_id, log);
        struct identity_state *s = NULL;

        assert_int_equal(identity_state_at(NULL, log, n, 0, NULL, &s, NULL, NULL), 0);
        assert_string_equal(s->inbox_id, inbox_id);
        assert_true(ident_eq(s->recovery,
                             ident_ethereum(json_string_value(json_object_get(recovery, "identifier")))));
        assert_identifiers(s, json_object_get(expected, "identifiers"));
        assert_installations(s, json_object_get(expected, "installations"));
        identity_state_free(s);
    }
}

/* The state that each vector is applied to: NULL for the first of an inbox. */
static struct identity_state *state_before(size_t i)
{
    struct identity_log_entry log[8];
    struct identity_state *s = NULL;
    size_t n = vectors_log(&vectors, vectors.update[i].inbox_id, log), earlier = 0;

    while (earlier < n && log[earlier].sequence_id < vectors.update[i].sequence_id)
        earlier++;
    if (earlier > 0)
        assert_int_equal(identity_state_at(NULL, log, earlier, 0, NULL, &s, NULL, NULL), 0);
    return s;
}

static void an_update_cut_at_any_length_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < vectors.n; i++) {
        struct identity_state *before = state_before(i), *after = NULL;

        for (size_t len = 0; len < vectors.update[i].data.len; len++) {
            struct slice cut = slice_of(vectors.update[i].data.data, len);

            assert_int_not_equal(identity_state_advance(before, cut, 99, NULL, &after, NULL, NULL), 0);
            assert_null(after);
        }
        identity_state_free(before);
    }
}

/* Members, parents, recovery and whole seconds: all that signatures cover. */
static bool same_but_for_nanoseconds(const struct identity_state *a, const struct identity_state *b)
{
    if (a == NULL || b == NULL)
        return false;
    if (strcmp(a->inbox_id, b->inbox_id) != 0 || !ident_eq(a->recovery, b->recovery) ||
        a->members_n != b->members_n)
        return false;
    for (size_t i = 0; i < a->members_n; i++) {
        const struct identity_member *m = &a->members[i], *other = identity_state_member(b, m->id);

        if (other == NULL || m->has_added_by != other->has_added_by ||
            m->has_timestamp != other->has_timestamp ||
            (m->has_added_by && !ident_eq(m->added_by, other->added_by)) ||
            m->client_timestamp_ns / 1000000000 != other->client_timestamp_ns / 1000000000)
            return false;
    }
    return true;
}

/* Not under the signatures are: nanoseconds, a v of the same parity, the name of the default kind, and
 * fields that nobody knows; an action under an unknown number is none.  Whatever else is changed is
 * refused. */
static void an_update_with_a_flipped_bit_is_refused_or_says_no_more(void **state)
{
    size_t accepted = 0, tried = 0;

    (void)state;
    for (size_t i = 0; i < vectors.n; i++) {
        struct identity_state *before = state_before(i), *good = NULL;
        struct bytes bent;

        assert_int_equal(bytes_dup(vectors.update[i].data, &bent), 0);
        assert_int_equal(identity_state_advance(before, bytes_slice(&bent), 99, NULL, &good, NULL, NULL), 0);
        for (size_t bit = 0; bit < 8 * bent.len; bit++) {
            struct identity_state *after = NULL;

            bent.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            tried++;
            if (identity_state_advance(before, bytes_slice(&bent), 99, NULL, &after, NULL, NULL) == 0) {
                accepted++;
                assert_true(same_but_for_nanoseconds(good, after) || same_but_for_nanoseconds(before, after));
            }
            identity_state_free(after);
            bent.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        bytes_free(&bent);
        identity_state_free(good);
        identity_state_free(before);
    }
    assert_in_range(accepted, 1, tried / 50);
}

/* ---- What does not parse ---- */

static int parse(const struct buf *update)
{
    struct identity_update u;
    int r = identity_update_parse(buf_slice(update), &u, NULL);

    if (r == 0)
        identity_update_free(&u);
    return r;
}

/* An update with one action of `kind` whose body is given. */
static int parse_action(uint32_t kind, const struct buf *body)
{
    struct buf action = BUF_INIT, update = BUF_INIT;
    int r;

    if (kind != 0)
        wire_put_message(&action, kind, buf_slice(body));
    wire_put_message(&update, 1, buf_slice(&action));
    r = parse(&update);
    buf_free(&action);
    buf_free(&update);
    return r;
}

/* A revocation of an address, whose signature message is given. */
static int parse_signature(struct slice signature)
{
    struct buf body = BUF_INIT, member = BUF_INIT;
    int r;

    wire_put_bytes(&member, 1, slice_str("0x00"));
    wire_put_message(&body, 1, buf_slice(&member));
    wire_put_message(&body, 2, signature);
    r = parse_action(ACTION_REVOKE, &body);
    buf_free(&member);
    buf_free(&body);
    return r;
}

static void what_is_absent_or_empty_makes_an_update_malformed(void **state)
{
    struct buf body = BUF_INIT;

    (void)state;
    assert_int_equal(parse(&body), 0);                       /* no actions: an update */
    assert_int_equal(parse_action(0, &body), ERR_MALFORMED); /* no kind */
    assert_int_equal(parse_action(5, &body), ERR_MALFORMED); /* an unknown one */
    for (uint32_t kind = ACTION_CREATE; kind <= ACTION_CHANGE_RECOVERY; kind++)
        assert_int_equal(parse_action(kind, &body), ERR_MALFORMED); /* no signature */
    wire_put_message(&body, 1, slice_str(""));
    assert_int_equal(parse_action(ACTION_REVOKE, &body), ERR_MALFORMED); /* a member of no kind */
    assert_int_equal(parse_signature(slice_str("")), ERR_MALFORMED);     /* a signature of no kind */
    assert_int_equal(parse_signature(slice_str("\x32\x00")), 0 + ERR_MALFORMED);
    assert_int_equal(parse_signature(slice_of("\x0a\x00", 2)), 0);
    buf_free(&body);
}

static int parse_installation_signature(struct slice key)
{
    struct buf body = BUF_INIT, signature = BUF_INIT;
    int r;

    wire_put_bytes(&body, 2, key);
    wire_put_message(&signature, SIGNATURE_INSTALLATION, buf_slice(&body));
    r = parse_signature(buf_slice(&signature));
    buf_free(&body);
    buf_free(&signature);
    return r;
}

static void an_installation_key_must_be_a_point(void **state)
{
    uint8_t point[32] = {1}, other[32] = {2};

    (void)state;
    assert_int_equal(parse_installation_signature(slice_of(point, 32)), 0);
    assert_int_equal(parse_installation_signature(slice_of(other, 32)), ERR_MALFORMED);
    assert_int_equal(parse_installation_signature(slice_of(point, 31)), ERR_MALFORMED);
    assert_int_equal(parse_installation_signature(slice_of(NULL, 0)), ERR_MALFORMED);
}

static int parse_account_id(const char *id)
{
    struct buf body = BUF_INIT, signature = BUF_INIT;
    int r;

    wire_put_bytes(&body, 1, slice_str(id));
    wire_put_message(&signature, SIGNATURE_ERC_6492, buf_slice(&body));
    r = parse_signature(buf_slice(&signature));
    buf_free(&body);
    buf_free(&signature);
    return r;
}

static void an_account_id_has_three_well_formed_parts(void **state)
{
    static const char *const good[] = {"eip155:1:0xabc", "abc:1:2", "a-b-c-d1:_-Z9:.%-Az0"};
    static const char *const bad[] = {"",
                                      "eip155",
                                      "eip155:1",
                                      "eip155:1:",
                                      "eip155::0xabc",
                                      ":1:0xabc",
                                      "ab:1:x",
                                      "eip155:1:0xabc:",
                                      "EIP155:1:0xabc",
                                      "ninechars:1:x",
                                      "eip155:1 :x",
                                      "eip155:1:x/y",
                                      "eip_55:1:x",
                                      "e.p155:1:x",
                                      "eip155:1:"
                                      "12345678901234567890123456789012345678901234567890123456789012345678901234567890"
                                      "1234567890123456789012345678901234567890123456789",
                                      "eip155:123456789012345678901234567890123:x"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(parse_account_id(good[i]), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(parse_account_id(bad[i]), ERR_MALFORMED);
}

static void a_passkey_identifier_must_be_hex(void **state)
{
    static const char *const texts[] = {"04ab", "04AB", "", "04a", "0xab", "zz"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct buf body = BUF_INIT;

        wire_put_bytes(&body, 1, slice_str(texts[i]));
        wire_put_message(&body, 2, slice_of("\x0a\x00", 2));
        wire_put_u64(&body, 3, 2);
        assert_int_equal(parse_action(ACTION_CHANGE_RECOVERY, &body), i < 3 ? 0 : ERR_MALFORMED);
        buf_free(&body);
    }
}

static void a_huge_update_is_refused_unread(void **state)
{
    static uint8_t zeros[IDENTITY_UPDATE_MAX + 1];
    struct identity_update u;

    (void)state;
    assert_int_equal(identity_update_parse(slice_of(zeros, sizeof zeros), &u, NULL), ERR_TOOBIG);
}

/* ---- The text ---- */

static void assert_time(uint64_t timestamp_ns, const char *expected)
{
    struct buf text = BUF_INIT;
    char line[64];

    identity_text_put(&text, slice_str(""), timestamp_ns, NULL, 0);
    buf_put_u8(&text, 0);
    snprintf(line, sizeof line, "\nCurrent time: %s\n", expected);
    assert_non_null(strstr((const char *)text.data, line));
    buf_free(&text);
}

static void times_are_printed_in_utc_without_the_fraction(void **state)
{
    (void)state;
    assert_time(0, "1970-01-01T00:00:00Z");
    assert_time(1700000000999999999, "2023-11-14T22:13:20Z");
    assert_time(951782400000000000, "2000-02-29T00:00:00Z");
    assert_time(951868799000000000, "2000-02-29T23:59:59Z");
    assert_time(4107542399000000000, "2100-02-28T23:59:59Z");
    assert_time(4107542400000000000, "2100-03-01T00:00:00Z"); /* not a leap year */
    assert_time(INT64_MAX, "2262-04-11T23:47:16Z");
    assert_time((uint64_t)INT64_MIN, "1677-09-21T00:12:43Z"); /* read as signed, and rounded down */
    assert_time(UINT64_MAX, "1969-12-31T23:59:59Z");
    assert_time((uint64_t)-86400000000000, "1969-12-31T00:00:00Z"); /* nothing to round */
}

/* All that 64 bits of nanoseconds can say, against the C library. */
static void every_day_has_the_date_of_the_calendar(void **state)
{
    char expected[32];
    struct tm tm;

    (void)state;
    for (int64_t day = -106751; day <= 106751; day++) {
        time_t at = day * 86400 + (day & 1 ? 86399 : 0);

        if (at > INT64_MAX / 1000000000)
            break;
        assert_non_null(gmtime_r(&at, &tm));
        strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%SZ", &tm);
        assert_time((uint64_t)(at * INT64_C(1000000000)), expected);
    }
}

static void each_action_has_its_words(void **state)
{
    const struct identity_action actions[] = {
        {.kind = ACTION_CREATE, .subject = ident_ethereum("0x1234567890abcdef1234567890abcdef12345678")},
        {.kind = ACTION_ADD, .subject = ident_ethereum("0x4567890abcdef1234567890abcdef12345678123")},
        {.kind = ACTION_ADD, .subject = {IDENT_INSTALLATION, slice_of("\1\2\3", 3)}},
        {.kind = ACTION_ADD, .subject = ident_passkey(slice_of("\xab\xcd", 2))},
        {.kind = ACTION_REVOKE, .subject = ident_ethereum("0x4567890abcdef1234567890abcdef12345678123")},
        {.kind = ACTION_REVOKE, .subject = {IDENT_INSTALLATION, slice_of("\1\2\3", 3)}},
        {.kind = ACTION_REVOKE, .subject = ident_passkey(slice_of("\xab\xcd", 2))},
        {.kind = ACTION_CHANGE_RECOVERY, .subject = ident_passkey(slice_of("\xab\xcd", 2))},
    };
    struct buf text = BUF_INIT;

    (void)state;
    identity_text_put(&text, slice_str("fcd18d86276d7a99fe522dba9660c420f03c8648785ada7c5daae232a3df77a9"),
                      12, actions, sizeof actions / sizeof actions[0]);
    buf_put_u8(&text, 0);
    assert_string_equal((const char *)text.data,
                        "XMTP : Authenticate to inbox\n"
                        "\n"
                        "Inbox ID: fcd18d86276d7a99fe522dba9660c420f03c8648785ada7c5daae232a3df77a9\n"
                        "Current time: 1970-01-01T00:00:00Z\n"
                        "\n"
                        "- Create inbox\n"
                        "  (Owner: 0x1234567890abcdef1234567890abcdef12345678)\n"
                        "- Link address to inbox\n"
                        "  (Address: 0x4567890abcdef1234567890abcdef12345678123)\n"
                        "- Grant messaging access to app\n"
                        "  (ID: 010203)\n"
                        "- Link passkey to inbox\n"
                        "  (Passkey: abcd)\n"
                        "- Unlink address from inbox\n"
                        "  (Address: 0x4567890abcdef1234567890abcdef12345678123)\n"
                        "- Revoke messaging access from app\n"
                        "  (ID: 010203)\n"
                        "- Unlink passkey from inbox\n"
                        "  (Passkey: abcd)\n"
                        "- Change inbox recovery address\n"
                        "  (Address: abcd)\n"
                        "\n"
                        "For more info: https://xmtp.org/signatures");
    buf_free(&text);
}

static void with_no_action_four_line_feeds_come_before_the_footer(void **state)
{
    struct buf text = BUF_INIT;

    (void)state;
    identity_text_put(&text, slice_str("id"), 0, NULL, 0);
    buf_put_u8(&text, 0);
    assert_non_null(strstr((const char *)text.data, "00Z\n\n\n\nFor more"));
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_update_parses_and_has_the_recorded_text),
        cmocka_unit_test(the_logs_lead_to_the_recorded_states),
        cmocka_unit_test(an_update_cut_at_any_length_is_refused),
        cmocka_unit_test(an_update_with_a_flipped_bit_is_refused_or_says_no_more),
        cmocka_unit_test(what_is_absent_or_empty_makes_an_update_malformed),
        cmocka_unit_test(an_installation_key_must_be_a_point),
        cmocka_unit_test(an_account_id_has_three_well_formed_parts),
        cmocka_unit_test(a_passkey_identifier_must_be_hex),
        cmocka_unit_test(a_huge_update_is_refused_unread),
        cmocka_unit_test(every_day_has_the_date_of_the_calendar),
        cmocka_unit_test(times_are_printed_in_utc_without_the_fraction),
        cmocka_unit_test(each_action_has_its_words),
        cmocka_unit_test(with_no_action_four_line_feeds_come_before_the_footer),
    };
    int failed;

    if (crypto_init(NULL) != 0)
        return 99;
    vectors_load(&vectors);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    vectors_free(&vectors);
    return failed;
}
