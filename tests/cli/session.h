/* A running `xmtui rpc`, asked and listened to.  Ids get names, by which params ask for them and answers are compared;
 * in a comparison, what has no name and differs from run to run stands as what it is: $id (64 digits), $short (32),
 * $address, $key (84), $signature (128), $ns, $number. */
#pragma once
#include "tests/cli/run.h"

/* `value` is `name` from now on. */
void session_name(const char *name, const char *value);

/* The whole answer {jsonrpc, id, result or error}; notifications before it are kept.  `params` is JSON with names in it.
 * A new reference. */
json_t *session_ask(struct running *rpc, const char *method, const char *params);
/* Its result; the test fails for an error. */
json_t *session_result(struct running *rpc, const char *method, const char *params);
/* The next notification of that kind, kept or coming: its params.  A new reference. */
json_t *session_event(struct running *rpc, const char *kind);
/* Whether none is kept; what the other side was told before its last answer has come. */
bool session_no_event(struct running *rpc, const char *kind);
void session_forget_events(void);

/* The next notification of that kind, kept or coming, is `want`: subscription and data, as session_masked() writes. */
void session_expect_event(struct running *rpc, const char *kind, const char *want);

/* JSON in one line with names, keys sorted; the caller frees it. */
char *session_masked(const json_t *json);
