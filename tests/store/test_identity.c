/* Ourselves and what we know of others: installation, key packages, identity log, names. */
#include "tests/store/help.h"

#include "store/identity_log.h"
#include "store/installation.h"
#include "store/key_packages.h"
#include "store/removals.h"
#include "store/settings.h"

#include <stdio.h>

static struct store *store_of(void **state)
{
    return ((struct home *)*state)->store;
}

static void the_installation_is_kept(void **state)
{
    struct store *store = store_of(state);
    struct store_mem mem = STORE_MEM_INIT;
    struct store_installation in = {"alix", "local", id32(1), STORE_REGISTRATION_PENDING, 5, 6}, out;

    FAILS(ERR_NOTFOUND, store_installation_get(store, &mem, &out, err));
    FAILS(ERR_NOTFOUND, store_installation_set_registration(store, STORE_REGISTRATION_DONE, err));
    OK(store_installation_put(store, &in, err));
    OK(store_installation_set_registration(store, STORE_REGISTRATION_DONE, err));
    OK(store_installation_set_next_rotation(store, 9, err));
    OK(store_installation_get(store, &mem, &out, err));
    assert_string_equal(out.inbox_id, "alix");
    assert_string_equal(out.env, "local");
    assert_true(slice_eq(out.installation_id, id32(1)));
    assert_int_equal(out.registration, STORE_REGISTRATION_DONE);
    assert_int_equal(out.created_at_ns, 5);
    assert_int_equal(out.next_rotation_ns, 9);
    store_mem_free(&mem);
}

static void a_secret_is_kept_replaced_and_deleted(void **state)
{
    struct store *store = store_of(state);
    struct store_mem mem = STORE_MEM_INIT;
    struct slice value;

    FAILS(ERR_NOTFOUND, store_secret_get(store, STORE_SECRET_SEED, &mem, &value, err));
    OK(store_secret_put(store, STORE_SECRET_SEED, slice_str("one"), err));
    OK(store_secret_put(store, STORE_SECRET_SEED, slice_str("two"), err));
    OK(store_secret_get(store, STORE_SECRET_SEED, &mem, &value, err));
    assert_true(slice_eq(value, slice_str("two")));
    OK(store_secret_delete(store, STORE_SECRET_SEED, err));
    FAILS(ERR_NOTFOUND, store_secret_get(store, STORE_SECRET_SEED, &mem, &value, err));
    OK(store_secret_delete(store, STORE_SECRET_SEED, err));
    store_mem_free(&mem);
}

static int64_t add_package(struct store *store, unsigned n, bool wrapper)
{
    const struct store_key_package in = {
        .ref = id32(n),
        .package = slice_str("package"),
        .private_part = slice_str("private"),
        .init_key = id32(100 + n),
        .wrapper_key = wrapper ? id32(200 + n) : (struct slice){0},
        .created_at_ns = n,
    };
    int64_t id;

    OK(store_key_package_put(store, &in, &id, err));
    return id;
}

static void a_key_package_is_found_by_what_a_welcome_names(void **state)
{
    struct store *store = store_of(state);
    struct store_mem mem = STORE_MEM_INIT;
    struct store_key_package out;
    int64_t first = add_package(store, 1, false), second = add_package(store, 2, true);

    assert_true(second > first);
    OK(store_key_package_get(store, id32(1), &mem, &out, err));
    assert_int_equal(out.id, first);
    assert_true(slice_eq(out.private_part, slice_str("private")) &&
                slice_eq(out.package, slice_str("package")));
    assert_true(slice_eq(out.init_key, id32(101)) && !out.wrapper_key.data);
    OK(store_key_package_find(store, id32(101), &mem, &out, err));
    assert_int_equal(out.id, first);
    OK(store_key_package_find(store, id32(202), &mem, &out, err));
    assert_int_equal(out.id, second);
    assert_true(slice_eq(out.wrapper_key, id32(202)));
    OK(store_key_package_newest(store, &mem, &out, err));
    assert_int_equal(out.id, second);
    FAILS(ERR_NOTFOUND, store_key_package_find(store, id32(9), &mem, &out, err));
    FAILS(ERR_NOTFOUND, store_key_package_get(store, id32(9), &mem, &out, err));
    store_mem_free(&mem);
}

static void superseded_key_packages_go_after_their_day(void **state)
{
    struct store *store = store_of(state);
    struct store_mem mem = STORE_MEM_INIT;
    struct store_key_package out;
    int64_t first = add_package(store, 1, false), second = add_package(store, 2, false), third, next, deleted;

    OK(store_key_packages_next_delete(store, &next, err));
    assert_int_equal(next, 0);
    OK(store_key_packages_supersede(store, second, 50, err));
    third = add_package(store, 3, false);
    OK(store_key_packages_supersede(store, third, 80, err));
    OK(store_key_package_get(store, id32(1), &mem, &out, err));
    assert_int_equal(out.id, first);
    assert_int_equal(out.delete_at_ns, 50);
    OK(store_key_packages_next_delete(store, &next, err));
    assert_int_equal(next, 50);
    OK(store_key_packages_delete_due(store, 79, &deleted, err));
    assert_int_equal(deleted, 1);
    FAILS(ERR_NOTFOUND, store_key_package_get(store, id32(1), &mem, &out, err));
    OK(store_key_package_get(store, id32(2), &mem, &out, err));
    OK(store_key_packages_delete_due(store, 80, &deleted, err));
    OK(store_key_package_newest(store, &mem, &out, err));
    assert_int_equal(out.id, third);
    store_mem_free(&mem);
}

static int note_update(void *ctx, const struct store_identity_update *row)
{
    char *text = ctx;

    assert_int_equal(row->originator, 1);
    snprintf(text + strlen(text), 100 - strlen(text), "%d:%.*s ", (int)row->sequence_id,
             (int)row->payload.len, (const char *)row->payload.data);
    return 0;
}

static void identity_updates_come_in_order_within_their_bounds(void **state)
{
    struct store *store = store_of(state);
    char text[100] = "";
    int64_t newest;
    bool added, exists;

    OK(store_identity_update_put(store, &(struct store_identity_update){"alix", 9, 1, 5, slice_str("c")},
                                 NULL, err));
    OK(store_identity_update_put(store, &(struct store_identity_update){"alix", 2, 1, 5, slice_str("a")},
                                 NULL, err));
    OK(store_identity_update_put(store, &(struct store_identity_update){"alix", 5, 1, 5, slice_str("b")},
                                 &added, err));
    assert_true(added);
    OK(store_identity_update_put(store, &(struct store_identity_update){"alix", 5, 1, 5, slice_str("other")},
                                 &added, err));
    assert_false(added);
    OK(store_identity_update_put(store, &(struct store_identity_update){"bo", 7, 1, 5, slice_str("x")}, NULL,
                                 err));
    OK(store_identity_updates_each(store, "alix", 0, 0, note_update, text, err));
    assert_string_equal(text, "2:a 5:b 9:c ");
    text[0] = 0;
    OK(store_identity_updates_each(store, "alix", 2, 5, note_update, text, err));
    assert_string_equal(text, "5:b ");
    OK(store_identity_updates_newest(store, "alix", &newest, err));
    assert_int_equal(newest, 9);
    OK(store_identity_updates_newest(store, "nobody", &newest, err));
    assert_int_equal(newest, 0);
    OK(store_identity_update_exists(store, "alix", 5, &exists, err));
    assert_true(exists);
    OK(store_identity_update_exists(store, "alix", 6, &exists, err));
    assert_false(exists);
}

static void association_states_are_a_cache(void **state)
{
    struct store *store = store_of(state);
    struct store_mem mem = STORE_MEM_INIT;
    struct slice got;

    FAILS(ERR_NOTFOUND, store_association_get(store, "alix", 5, &mem, &got, err));
    OK(store_association_put(store, "alix", 5, slice_str("state"), err));
    OK(store_association_get(store, "alix", 5, &mem, &got, err));
    assert_true(slice_eq(got, slice_str("state")));
    FAILS(ERR_NOTFOUND, store_association_get(store, "alix", 6, &mem, &got, err));
    OK(store_associations_clear(store, err));
    FAILS(ERR_NOTFOUND, store_association_get(store, "alix", 5, &mem, &got, err));
    store_mem_free(&mem);
}

static int note_identifier(void *ctx, int kind, struct slice identifier)
{
    char *text = ctx;

    snprintf(text + strlen(text), 100 - strlen(text), "%d:%.*s ", kind, (int)identifier.len,
             (const char *)identifier.data);
    return 0;
}

static void an_address_finds_its_inbox_and_back(void **state)
{
    struct store *store = store_of(state);
    struct store_mem mem = STORE_MEM_INIT;
    const struct slice address = slice_str("0x1234");
    const char *inbox_id;
    char text[100] = "";
    int64_t at;

    FAILS(ERR_NOTFOUND, store_inbox_of_get(store, 1, address, &mem, &inbox_id, &at, err));
    OK(store_inbox_of_put(store, 1, address, "bo", 5, err));
    OK(store_inbox_of_put(store, 1, address, "caro", 6, err));
    OK(store_inbox_of_get(store, 1, address, &mem, &inbox_id, &at, err));
    assert_string_equal(inbox_id, "caro");
    assert_int_equal(at, 6);
    FAILS(ERR_NOTFOUND, store_inbox_of_get(store, 2, address, &mem, &inbox_id, NULL, err));
    OK(store_identifiers_of_each(store, "caro", note_identifier, text, err));
    assert_string_equal(text, "1:0x1234 ");
    text[0] = 0;
    OK(store_identifiers_of_each(store, "bo", note_identifier, text, err));
    assert_string_equal(text, "");
    store_mem_free(&mem);
}

static int note_name(void *ctx, enum store_nickname_of of, const char *entity, const char *name)
{
    char *text = ctx;

    snprintf(text + strlen(text), 100 - strlen(text), "%d:%s=%s ", (int)of, entity, name);
    return 0;
}

static void names_of_our_own_are_kept(void **state)
{
    struct store *store = store_of(state);
    struct store_mem mem = STORE_MEM_INIT;
    const char *name;
    char text[100] = "";

    FAILS(ERR_NOTFOUND, store_nickname_get(store, STORE_NICKNAME_INBOX, "bo", &mem, &name, err));
    OK(store_nickname_put(store, STORE_NICKNAME_INBOX, "bo", "Bo from work", err));
    OK(store_nickname_put(store, STORE_NICKNAME_INSTALLATION, "bo", "laptop", err));
    OK(store_nickname_get(store, STORE_NICKNAME_INBOX, "bo", &mem, &name, err));
    assert_string_equal(name, "Bo from work");
    OK(store_nicknames_each(store, note_name, text, err));
    assert_string_equal(text, "1:bo=Bo from work 2:bo=laptop ");
    OK(store_nickname_put(store, STORE_NICKNAME_INBOX, "bo", "", err));
    FAILS(ERR_NOTFOUND, store_nickname_get(store, STORE_NICKNAME_INBOX, "bo", &mem, &name, err));
    store_mem_free(&mem);
}

static void settings_are_kept(void **state)
{
    struct store *store = store_of(state);
    struct store_mem mem = STORE_MEM_INIT;
    struct slice value;
    int64_t n;

    OK(store_setting_get_i64(store, "n", -7, &n, err));
    assert_int_equal(n, -7);
    OK(store_setting_put_i64(store, "n", INT64_MIN, err));
    OK(store_setting_get_i64(store, "n", 0, &n, err));
    assert_true(n == INT64_MIN);
    OK(store_setting_put(store, "empty", slice_of(NULL, 0), err));
    OK(store_setting_get(store, "empty", &mem, &value, err));
    assert_int_equal(value.len, 0);
    OK(store_setting_delete(store, "n", err));
    FAILS(ERR_NOTFOUND, store_setting_get(store, "n", &mem, &value, err));
    store_mem_free(&mem);
}

static int note_deletion(void *ctx, const struct store_deletion *row)
{
    char *text = ctx;

    snprintf(text + strlen(text), 100 - strlen(text), "%s%s ", row->by_inbox_id,
             row->by_super_admin ? "!" : "");
    return 0;
}

static int note_leave(void *ctx, struct slice group_id, const char *inbox_id)
{
    char *text = ctx;

    snprintf(text + strlen(text), 100 - strlen(text), "%u:%s ", group_id.data[3], inbox_id);
    return 0;
}

static void removals_wait_to_be_applied(void **state)
{
    struct store *store = store_of(state);
    char text[100] = "";

    OK(store_deletion_put(store, &(struct store_deletion){id32(1), id16(1), id32(9), "bo", false, 5}, err));
    OK(store_deletion_put(store, &(struct store_deletion){id32(1), id16(1), id32(9), "caro", false, 5}, err));
    OK(store_deletion_put(store, &(struct store_deletion){id32(2), id16(1), id32(9), "alix", true, 6}, err));
    OK(store_deletions_of(store, id32(9), note_deletion, text, err));
    assert_string_equal(text, "bo alix! ");
    text[0] = 0;
    OK(store_leave_put(store, id16(1), "bo", id32(1), 5, err));
    OK(store_leave_put(store, id16(1), "bo", id32(2), 6, err));
    OK(store_leave_put(store, id16(2), "caro", id32(3), 7, err));
    OK(store_leaves_each(store, (struct slice){0}, note_leave, text, err));
    assert_string_equal(text, "1:bo 2:caro ");
    OK(store_leave_delete(store, id16(1), "bo", err));
    text[0] = 0;
    OK(store_leaves_each(store, id16(1), note_leave, text, err));
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, home_setup, home_teardown)
        TEST(the_installation_is_kept),
        TEST(a_secret_is_kept_replaced_and_deleted),
        TEST(a_key_package_is_found_by_what_a_welcome_names),
        TEST(superseded_key_packages_go_after_their_day),
        TEST(identity_updates_come_in_order_within_their_bounds),
        TEST(association_states_are_a_cache),
        TEST(an_address_finds_its_inbox_and_back),
        TEST(names_of_our_own_are_kept),
        TEST(settings_are_kept),
        TEST(removals_wait_to_be_applied),
    };

    return cmocka_run_group_tests(tests, crypto_setup, NULL);
}
