#include "tests/test.h"

#include "sync/policy.h"

static const struct actor_rank nobody = {false, false}, admin = {true, false}, super = {false, true};

static void allows(enum policy_base base, bool plain, bool as_admin, bool as_super)
{
    struct policy p = {.base = base};

    assert_int_equal(policy_allows(&p, nobody), plain);
    assert_int_equal(policy_allows(&p, admin), as_admin);
    assert_int_equal(policy_allows(&p, super), as_super);
}

static void a_super_admin_counts_as_admin_and_not_the_other_way_round(void **state)
{
    (void)state;
    allows(POLICY_ALLOW, true, true, true);
    allows(POLICY_DENY, false, false, false);
    allows(POLICY_ADMIN, false, true, true);
    allows(POLICY_SUPER_ADMIN, false, false, true);
}

static void conditions_are_all_or_any_of_their_parts(void **state)
{
    struct policy parts[] = {{.base = POLICY_ADMIN}, {.base = POLICY_SUPER_ADMIN}};
    struct policy all = {POLICY_ALL_OF, parts, 2}, any = {POLICY_ANY_OF, parts, 2};

    (void)state;
    assert_false(policy_allows(&all, admin));
    assert_true(policy_allows(&all, super));
    assert_true(policy_allows(&any, admin));
    assert_false(policy_allows(&any, nobody));
}

static void a_field_without_an_entry_is_for_admins_and_with_an_underscore_for_super_admins(void **state)
{
    struct policy_set set;

    (void)state;
    assert_int_equal(policy_set_preset(PRESET_ALL_MEMBERS, &set), 0);
    assert_true(policy_allows_field(&set, "group_name", nobody));
    assert_false(policy_allows_field(&set, "message_disappear_in_ns", nobody));
    assert_false(policy_allows_field(&set, "something_new", nobody));
    assert_true(policy_allows_field(&set, "something_new", admin));
    assert_false(policy_allows_field(&set, "_commit_log_signer", admin));
    assert_true(policy_allows_field(&set, "_commit_log_signer", super));
    policy_set_free(&set);
}

static void presets_are_recognised_and_changes_show(void **state)
{
    struct policy_set a, b;

    (void)state;
    for (enum policy_preset p = PRESET_ALL_MEMBERS; p < PRESET_CUSTOM; p++) {
        assert_int_equal(policy_set_preset(p, &a), 0);
        assert_int_equal(policy_set_preset(p, &b), 0);
        assert_int_equal(policy_set_name(&a), p);
        assert_true(policy_set_eq(&a, &b));
        /* The order of a map says nothing. */
        struct field_policy swap = b.fields[0];
        b.fields[0] = b.fields[3];
        b.fields[3] = swap;
        assert_true(policy_set_eq(&a, &b));
        b.fields[0].policy.base = POLICY_DENY;
        assert_false(policy_set_eq(&a, &b));
        assert_int_equal(policy_set_name(&b), PRESET_CUSTOM);
        policy_set_free(&a);
        policy_set_free(&b);
    }
}

/* Each counts: what is overlooked here, a member changes unseen. */
static void a_change_of_any_single_policy_shows(void **state)
{
    struct policy_set a, b;

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(policy_set_preset(PRESET_ALL_MEMBERS, &a), 0);
        assert_int_equal(policy_set_preset(PRESET_ALL_MEMBERS, &b), 0);
        struct policy *all[] = {&b.add_member, &b.remove_member, &b.add_admin, &b.remove_admin, &b.update_permissions,
                                &b.fields[6].policy};
        all[i]->base = POLICY_DENY;
        assert_false(policy_set_eq(&a, &b));
        assert_false(policy_set_eq(&b, &a));
        assert_int_equal(policy_set_name(&b), PRESET_CUSTOM);
        policy_set_free(&a);
        policy_set_free(&b);
    }
    /* A field less, and another one in its place. */
    assert_int_equal(policy_set_preset(PRESET_ALL_MEMBERS, &a), 0);
    assert_int_equal(policy_set_preset(PRESET_ALL_MEMBERS, &b), 0);
    b.fields[2].field[0] = 'x';
    assert_false(policy_set_eq(&a, &b));
    assert_false(policy_set_eq(&b, &a));
    assert_int_equal(policy_set_name(&b), PRESET_ALL_MEMBERS); /* the keys that are there decide */
    b.fields[2].field[0] = 'g';
    assert_true(policy_set_eq(&a, &b));
    struct field_policy last = b.fields[--b.n_fields];
    assert_false(policy_set_eq(&a, &b));
    assert_false(policy_set_eq(&b, &a));
    b.fields[b.n_fields++] = last;
    policy_set_free(&a);
    policy_set_free(&b);
}

static void conditions_are_copied_and_compared_part_by_part(void **state)
{
    struct policy inner[] = {{.base = POLICY_ADMIN}, {.base = POLICY_ALLOW}};
    struct policy parts[] = {{.base = POLICY_DENY}, {POLICY_ANY_OF, inner, 2}};
    struct policy whole = {POLICY_ALL_OF, parts, 2}, copy = {0};

    (void)state;
    assert_int_equal(policy_dup(&whole, &copy), 0);
    assert_true(policy_eq(&whole, &copy));
    copy.parts[1].parts[1].base = POLICY_DENY; /* its own, all the way down */
    assert_int_equal(inner[1].base, POLICY_ALLOW);
    assert_false(policy_eq(&whole, &copy));
    copy.parts[1].parts[1].base = POLICY_ALLOW;
    copy.parts[1].n_parts--;
    assert_false(policy_eq(&whole, &copy));
    assert_false(policy_eq(&copy, &whole));
    copy.parts[1].n_parts++;
    copy.base = POLICY_ANY_OF;
    assert_false(policy_eq(&whole, &copy));
    policy_free(&copy);
}

static void a_super_admin_may_change_what_has_no_entry(void **state)
{
    struct policy_set set;

    (void)state;
    assert_int_equal(policy_set_preset(PRESET_DM, &set), 0);
    assert_true(policy_allows_field(&set, "something_new", super));
    assert_false(policy_allows_field(&set, "_x", nobody));
    policy_set_free(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_super_admin_counts_as_admin_and_not_the_other_way_round),
        cmocka_unit_test(conditions_are_all_or_any_of_their_parts),
        cmocka_unit_test(a_field_without_an_entry_is_for_admins_and_with_an_underscore_for_super_admins),
        cmocka_unit_test(presets_are_recognised_and_changes_show),
        cmocka_unit_test(a_change_of_any_single_policy_shows),
        cmocka_unit_test(conditions_are_copied_and_compared_part_by_part),
        cmocka_unit_test(a_super_admin_may_change_what_has_no_entry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
