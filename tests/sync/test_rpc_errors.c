/* Our error codes as programs outside meet them: a number, a code in words, whether to try again. */
#include "tests/test.h"

#include "sync/rpc.h"

#include <stdio.h>
#include <stdlib.h>

static void expect(int err, const char *want)
{
    struct rpc rpc = {0};
    json_t *error;
    char *got;

    err_set(&rpc.err, (enum err_code)err, "so it is");
    error = rpc_error(&rpc, err);
    got = json_dumps(error, JSON_COMPACT | JSON_SORT_KEYS);
    if (strcmp(got, want) != 0)
        fail_msg("%s: %s, not %s", err_name(err), got, want);
    free(got);
    json_decref(error);
}

#define ERROR(number, code, again) \
    "{\"code\":" number ",\"data\":{\"code\":\"" code "\",\"retryable\":" again "},\"message\":\"so it is\"}"

static void each_error_has_its_number_and_a_code_of_the_contract(void **state)
{
    static const struct {
        int err;
        const char *want;
    } errors[] = {
        {ERR_NOTFOUND, ERROR("-32001", "not_found", "false")},   {ERR_INVALID, ERROR("-32602", "invalid", "false")},
        {ERR_MALFORMED, ERROR("-32602", "invalid", "false")},    {ERR_TOOBIG, ERROR("-32602", "invalid", "false")},
        {ERR_UNSUPPORTED, ERROR("-32011", "invalid", "false")},  {ERR_OFFLINE, ERROR("-32003", "offline", "true")},
        {ERR_DENIED, ERROR("-32004", "denied", "false")},        {ERR_REMOTE, ERROR("-32004", "denied", "false")},
        {ERR_AUTH, ERROR("-32004", "denied", "false")},          {ERR_KEY, ERROR("-32012", "denied", "false")},
        {ERR_CONFLICT, ERROR("-32005", "conflict", "true")},     {ERR_EXISTS, ERROR("-32005", "conflict", "false")},
        {ERR_PAUSED, ERROR("-32006", "paused", "false")},        {ERR_FORKED, ERROR("-32007", "forked", "false")},
        {ERR_CORRUPT, ERROR("-32008", "corrupt", "false")},      {ERR_CANCELED, ERROR("-32010", "internal", "true")},
        {ERR_NOMEM, ERROR("-32603", "internal", "false")},       {ERR_STATE, ERROR("-32603", "internal", "false")},
        {ERR_IO, ERROR("-32603", "internal", "false")},          {ERR_LOCKED, ERROR("-32603", "internal", "false")},
    };
    size_t n = sizeof errors / sizeof errors[0];

    (void)state;
    for (size_t i = 0; i < n; i++)
        expect(errors[i].err, errors[i].want);
    assert_int_equal(n, -ERR_UNSUPPORTED); /* all that there are */
}

static void a_needed_signature_comes_with_its_text(void **state)
{
    struct rpc rpc = {.error_data = json_pack("{s:s,s:s,s:s}", "code", "signature_needed", "requestId", "00", "text", "t")};
    json_t *error;
    char *got;

    (void)state;
    err_set(&rpc.err, ERR_AUTH, "sign");
    error = rpc_error(&rpc, ERR_AUTH);
    got = json_dumps(error, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(got, "{\"code\":-32009,\"data\":{\"code\":\"signature_needed\",\"requestId\":\"00\","
                             "\"retryable\":false,\"text\":\"t\"},\"message\":\"sign\"}");
    free(got);
    json_decref(error);
    json_decref(rpc.error_data);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_error_has_its_number_and_a_code_of_the_contract),
        cmocka_unit_test(a_needed_signature_comes_with_its_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
