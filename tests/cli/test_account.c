/* Who somebody is: the ways to make an installation, more accounts, the recovery identifier, the key itself; with
 * wallets whose key is here, and with wallets elsewhere that sign a text. */
#include "tests/cli/run.h"
#include "tests/cli/wallet.h"
#include "tests/programs.h"
#include "tests/test.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int begin(void **state)
{
    (void)state;
    return programs_begin();
}

static int finish(void **state)
{
    (void)state;
    return programs_finish();
}

static json_t *json_of(const char *format, const char *a)
{
    char command[600];

    snprintf(command, sizeof command, format, a);
    return run_json(command);
}

/* ---- a wallet elsewhere ---- */

/* What stands between the first empty line and the one before the prompt. */
static char *text_to_sign(char *said)
{
    char *text = strstr(said, "\n\n"), *end = strstr(said, "\n\nPaste the signature (0x...): ");

    assert_true(text && end && end > text);
    *end = 0;
    return text + 2;
}

/* The command prints a text on standard error, reads `by`'s signature of it, and ends so. */
static void with_signature(const char *command, unsigned char by, struct outcome *o)
{
    struct running r;
    char *said, line[200];

    run_start(command, &r);
    said = run_said(&r, "Paste the signature (0x...): ");
    snprintf(line, sizeof line, "%s\n", wallet_sign(by, text_to_sign(said)));
    free(said);
    run_write(&r, line);
    run_rest(&r, o);
}

static json_t *signed_json(const char *command, unsigned char by)
{
    struct outcome o;
    json_t *json;

    with_signature(command, by, &o);
    if (o.status != 0)
        fail_msg("%s: status %d: %s", command, o.status, o.err);
    json = json_loads(o.out, 0, NULL);
    assert_non_null(json);
    outcome_free(&o);
    return json;
}

static void an_external_wallet_signs_a_text_and_its_key_is_never_here(void **state)
{
    char command[200];
    struct outcome o;
    json_t *info;

    (void)state;
    snprintf(command, sizeof command, "@outside init --external %s --json", wallet_address(0x31));
    /* A signature from another wallet is refused with its address; the text can be asked for again. */
    with_signature(command, 0x32, &o);
    assert_int_equal(o.status, 7);
    assert_string_equal(o.out, "");
    assert_non_null(strstr(o.err, wallet_address(0x32)));
    outcome_free(&o);
    info = signed_json(command, 0x31);
    assert_string_equal(member(info, "address"), wallet_address(0x31));
    assert_true(json_is_true(json_object_get(info, "registered")));
    json_decref(info);
    snprintf(command, sizeof command, "@outside client export-key %s/no-key", programs_folder());
    run_fails(command, 3, "no wallet key is kept here: the wallet is elsewhere\n");
    run_fails(command, 3, ""); /* and no file was left to be in the way */
}

static void another_installation_of_an_external_wallets_person_asks_that_wallet(void **state)
{
    json_t *first = run_json("@outside client info --json"), *second;
    char command[200];

    (void)state;
    snprintf(command, sizeof command, "@outside2 init --same-as %s/outside --json", programs_folder());
    second = signed_json(command, 0x31);
    assert_string_equal(member(second, "inboxId"), member(first, "inboxId"));
    assert_string_not_equal(member(second, "installationId"), member(first, "installationId"));
    json_decref(first);
    json_decref(second);
}

static void no_signature_is_no_success(void **state)
{
    char command[200];
    struct outcome o;

    (void)state;
    snprintf(command, sizeof command, "@never init --external %s --json", wallet_address(0x33));
    run(command, &o); /* with an empty standard input */
    assert_int_not_equal(o.status, 0);
    assert_string_equal(o.out, "");
    outcome_free(&o);
    snprintf(command, sizeof command, "@never init --external %s", "0x12");
    run_fails(command, 2, "not an Ethereum address");
}

/* ---- keys from files and the environment ---- */

static void write_file(const char *name, const char *content, unsigned mode)
{
    char path[200];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", programs_folder(), name);
    assert_non_null(f = fopen(path, "w"));
    fputs(content, f);
    fclose(f);
    assert_int_equal(chmod(path, mode), 0);
}

static void a_key_file_that_others_may_read_is_refused(void **state)
{
    char command[200];

    (void)state;
    write_file("open.key", wallet_key(0x41), 0644);
    snprintf(command, sizeof command, "@filed init --wallet-key-file %s/open.key", programs_folder());
    run_fails(command, 2, "open.key can be read by others: chmod 600 it first\n");
    snprintf(command, sizeof command, "@filed init --wallet-key-file %s/no.key", programs_folder());
    run_fails(command, 2, "no.key: No such file or directory\n");
    write_file("bad.key", "12345\n", 0600);
    snprintf(command, sizeof command, "@filed init --wallet-key-file %s/bad.key", programs_folder());
    run_fails(command, 2, "a wallet key is 64 hexadecimal digits\n");
}

static void address_after(const char *const *env, const char *command, unsigned char want)
{
    struct outcome o;
    json_t *info;

    run_in(env, NULL, command, &o);
    if (o.status != 0 || *o.err)
        fail_msg("%s: %s", command, o.err);
    info = json_loads(o.out, 0, NULL);
    assert_string_equal(member(info, "address"), wallet_address(want));
    json_decref(info);
    outcome_free(&o);
}

static void a_key_file_wins_over_the_environment_which_is_only_a_default(void **state)
{
    char node[100], key[100], command[200];
    const char *env[] = {node, key, NULL};
    struct outcome o;
    json_t *info;

    (void)state;
    snprintf(node, sizeof node, "XMTUI_NODE=%s", programs_node_url());
    snprintf(key, sizeof key, "XMTP_WALLET_KEY=0x%s", wallet_key(0x42));
    snprintf(command, sizeof command, "0x%s\n", wallet_key(0x41));
    write_file("closed.key", command, 0600);
    address_after(env, "@by-env init --json", 0x42);
    snprintf(command, sizeof command, "@by-file init --json --wallet-key-file %s/closed.key", programs_folder());
    address_after(env, command, 0x41);
    run_in(env, NULL, "@by-new init --json --new", &o);
    info = json_loads(o.out, 0, NULL);
    assert_string_not_equal(member(info, "address"), wallet_address(0x42));
    json_decref(info);
    outcome_free(&o);
}

/* ---- another installation ---- */

static void another_installation_is_made_while_the_first_is_in_use(void **state)
{
    struct running rpc;
    char command[200], nobody[120];
    json_t *second;
    char *line;

    (void)state;
    json_decref(run_json("@one init --new --json"));
    run_start("@one rpc", &rpc);
    run_write(&rpc, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"client.info\"}\n");
    free(line = run_line(&rpc));
    run_fails("@one list", 5, "in use by process ");
    snprintf(command, sizeof command, "@two init --same-as %s/one --label phone --json", programs_folder());
    second = run_json(command);
    run_write(&rpc, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"client.inboxState\"}\n");
    line = run_line(&rpc);
    assert_non_null(strstr(line, member(second, "installationId")));
    free(line);
    assert_int_equal(run_end(&rpc), 0);
    json_decref(second);
    snprintf(command, sizeof command, "@three init --same-as %s/nobody", programs_folder());
    snprintf(nobody, sizeof nobody, "there is no installation in %s/nobody\n", programs_folder());
    run_fails(command, 3, nobody);
    run_fails("@two init --new", 7, "this home has an identity already\n");
}

/* The first home has a key of its own that is not in a file there. */
static void another_installation_of_a_sealed_home_needs_its_key(void **state)
{
    static const char key[] = "3434343434343434343434343434343434343434343434343434343434343434";
    char node[100], right[120], wrong[120], command[200];
    const char *with[] = {node, right, NULL}, *without[] = {node, NULL}, *with_wrong[] = {node, wrong, NULL};
    struct outcome o;

    (void)state;
    snprintf(node, sizeof node, "XMTUI_NODE=%s", programs_node_url());
    snprintf(right, sizeof right, "XMTP_DB_ENCRYPTION_KEY=%s", key);
    snprintf(wrong, sizeof wrong, "XMTP_DB_ENCRYPTION_KEY=35%s", key + 2);
    run_in(with, NULL, "@locked init --new --json", &o);
    assert_int_equal(o.status, 0);
    outcome_free(&o);
    snprintf(command, sizeof command, "@unlocked init --same-as %s/locked --json", programs_folder());
    run_in(without, NULL, command, &o);
    assert_int_equal(o.status, 6);
    assert_non_null(strstr(o.err, "locked: its database key is needed\n"));
    outcome_free(&o);
    run_in(with, NULL, command, &o);
    assert_int_equal(o.status, 6); /* the first try made this home with a key of its own in db.key */
    outcome_free(&o);
    snprintf(command, sizeof command, "@unlocked2 init --same-as %s/locked --json", programs_folder());
    run_in(with_wrong, NULL, command, &o);
    assert_int_equal(o.status, 6);
    assert_non_null(strstr(o.err, "locked: wrong database key\n"));
    outcome_free(&o);
    snprintf(command, sizeof command, "@unlocked3 init --same-as %s/locked --json", programs_folder());
    run_in(with, NULL, command, &o);
    if (o.status != 0)
        fail_msg("%s", o.err);
    outcome_free(&o);
}

/* ---- accounts ---- */

static bool has_account(const char *home, const char *address)
{
    json_t *inbox = json_of("%s client inbox-state --json", home), *item;
    bool found = false;
    size_t i;

    json_array_foreach(json_object_get(inbox, "identifiers"), i, item)
        found |= strcmp(member(item, "identifier"), address) == 0;
    json_decref(inbox);
    return found;
}

static void an_account_is_added_by_its_key_or_its_signature_and_removed(void **state)
{
    json_t *info = run_json("@acc init --new --json"), *result;
    char command[300], own[50];

    (void)state;
    snprintf(own, sizeof own, "%s", member(info, "address"));
    write_file("second.key", wallet_key(0x51), 0600);
    snprintf(command, sizeof command, "@acc client add-account --wallet-key-file %s/second.key --json", programs_folder());
    result = run_json(command);
    assert_string_equal(member(result, "address"), wallet_address(0x51));
    json_decref(result);
    assert_true(has_account("@acc", wallet_address(0x51)));
    run_fails(command, 7, "this account belongs to the inbox already\n");

    snprintf(command, sizeof command, "@acc client add-account %s --json", wallet_address(0x52));
    result = signed_json(command, 0x52);
    assert_string_equal(member(result, "address"), wallet_address(0x52));
    json_decref(result);
    assert_true(has_account("@acc", wallet_address(0x52)));

    snprintf(command, sizeof command, "@acc client remove-account %s --json", wallet_address(0x52));
    json_decref(run_json(command));
    assert_false(has_account("@acc", wallet_address(0x52)));
    run_fails(command, 3, "is no account of this inbox\n");
    snprintf(command, sizeof command, "@acc client remove-account %s", own);
    run_fails(command, 7, "this installation was registered with 0x");
    assert_true(has_account("@acc", own));
    json_decref(info);
}

static void an_account_that_leads_elsewhere_is_not_added(void **state)
{
    json_t *other = run_json("@other init --new --json");
    char command[200];

    (void)state;
    snprintf(command, sizeof command, "@acc client add-account %s", member(other, "address"));
    run_fails(command, 7, "has an inbox of its own already\n");
    write_file("third.key", wallet_key(0x53), 0600);
    snprintf(command, sizeof command, "@acc client add-account %s --wallet-key-file %s/third.key", wallet_address(0x54),
             programs_folder());
    run_fails(command, 2, "the key is that of 0x");
    json_decref(other);
}

/* ---- the recovery identifier, over rpc ---- */

static json_t *ask(struct running *rpc, const char *method, json_t *params)
{
    json_t *request = json_pack("{s:s,s:i,s:s,s:o}", "jsonrpc", "2.0", "id", 1, "method", method, "params", params);
    char *text = json_dumps(request, JSON_COMPACT), *line;
    json_t *answer;

    run_write(rpc, text);
    run_write(rpc, "\n");
    line = run_line(rpc);
    answer = json_loads(line, 0, NULL);
    free(line);
    free(text);
    json_decref(request);
    return answer;
}

static void the_recovery_identifier_is_changed_and_then_signs(void **state)
{
    json_t *answer, *error, *data, *again;
    struct running rpc;
    char command[200];

    (void)state;
    json_decref(run_json("@rec init --new --json"));
    snprintf(command, sizeof command, "@rec2 init --same-as %s/rec --json", programs_folder());
    json_decref(run_json(command));
    run_start("@rec rpc", &rpc);
    answer = ask(&rpc, "client.changeRecoveryIdentifier", json_pack("{s:s}", "address", wallet_address(0x61)));
    assert_string_equal(member(json_object_get(answer, "result"), "recoveryIdentifier"), wallet_address(0x61));
    json_decref(answer);

    /* The key that is kept here may revoke no more: the wallet is asked. */
    answer = ask(&rpc, "client.revokeInstallations", json_pack("{s:b}", "allOthers", 1));
    error = json_object_get(answer, "error");
    data = json_object_get(error, "data");
    assert_int_equal(json_integer_value(json_object_get(error, "code")), -32009);
    assert_string_equal(member(data, "code"), "signature_needed");
    assert_true(json_is_false(json_object_get(data, "retryable")));
    assert_int_equal(strlen(member(data, "requestId")), 32);
    assert_int_equal(json_object_size(data), 4);

    again = ask(&rpc, "client.revokeInstallations",
                json_pack("{s:b,s:s,s:s}", "allOthers", 1, "requestId", member(data, "requestId"), "signature",
                          wallet_sign(0x62, member(data, "text"))));
    assert_string_equal(member(json_object_get(json_object_get(again, "error"), "data"), "code"), "denied");
    json_decref(again);
    again = ask(&rpc, "client.revokeInstallations",
                json_pack("{s:b,s:s,s:s}", "allOthers", 1, "requestId", member(data, "requestId"), "signature",
                          wallet_sign(0x61, member(data, "text"))));
    assert_int_equal(json_array_size(json_object_get(json_object_get(again, "result"), "revoked")), 1);
    json_decref(again);
    json_decref(answer);
    answer = ask(&rpc, "client.inboxState", json_object());
    assert_int_equal(json_array_size(json_object_get(json_object_get(answer, "result"), "installations")), 1);
    json_decref(answer);
    assert_int_equal(run_end(&rpc), 0);
}

/* ---- the key ---- */

static void an_exported_key_makes_the_same_person(void **state)
{
    json_t *info = run_json("@exp init --new --json"), *result, *second;
    char path[200], command[300];
    struct stat st;

    (void)state;
    snprintf(path, sizeof path, "%s/exported.key", programs_folder());
    snprintf(command, sizeof command, "@exp client export-key %s --json", path);
    umask(0);
    result = run_json(command);
    umask(022);
    assert_string_equal(member(result, "address"), member(info, "address"));
    assert_string_equal(member(result, "file"), path);
    assert_int_equal(json_object_size(result), 2); /* the key itself goes to the file alone */
    json_decref(result);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    run_fails(command, 7, "is there already: name a new file\n");
    snprintf(command, sizeof command, "@exp2 init --wallet-key-file %s --json", path);
    second = run_json(command);
    assert_string_equal(member(second, "inboxId"), member(info, "inboxId"));
    json_decref(second);
    json_decref(info);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_external_wallet_signs_a_text_and_its_key_is_never_here),
        cmocka_unit_test(another_installation_of_an_external_wallets_person_asks_that_wallet),
        cmocka_unit_test(no_signature_is_no_success),
        cmocka_unit_test(a_key_file_that_others_may_read_is_refused),
        cmocka_unit_test(a_key_file_wins_over_the_environment_which_is_only_a_default),
        cmocka_unit_test(another_installation_is_made_while_the_first_is_in_use),
        cmocka_unit_test(another_installation_of_a_sealed_home_needs_its_key),
        cmocka_unit_test(an_account_is_added_by_its_key_or_its_signature_and_removed),
        cmocka_unit_test(an_account_that_leads_elsewhere_is_not_added),
        cmocka_unit_test(the_recovery_identifier_is_changed_and_then_signs),
        cmocka_unit_test(an_exported_key_makes_the_same_person),
    };

    return cmocka_run_group_tests(tests, begin, finish);
}
