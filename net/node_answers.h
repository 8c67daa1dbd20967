/* The V3 API's other answers, for one batch each, checked against what was asked.
 *
 * `first` is where the batch begins in the caller's result; memory goes into the result's.
 * ERR_MALFORMED (does not parse, other number of entries, other order), ERR_TOOBIG, ERR_NOMEM: the
 * result is half filled then and its memory still the caller's.  Pure.  Thread: any. */
#pragma once
#include "base/bytes.h"
#include "net/node_api.h"

struct err;
struct node_memory;

int node_answer_newest(struct slice body, const struct slice *group_ids, size_t count, struct node_memory *memory,
                       struct node_newest_entry *first, struct err *err);
int node_answer_key_packages(struct slice body, size_t count, struct node_memory *memory, struct slice *first,
                             struct err *err);
int node_answer_identity_updates(struct slice body, const struct node_inbox_request *requests, size_t count,
                                 struct node_memory *memory, struct node_inbox_log *first, struct err *err);
int node_answer_inbox_ids(struct slice body, const struct node_identifier *identifiers, size_t count,
                          struct node_memory *memory, const char **first, struct err *err);
int node_answer_verdicts(struct slice body, size_t count, struct node_memory *memory,
                         struct node_wallet_verdict *first, struct err *err);
int node_answer_commit_logs(struct slice body, const struct node_commit_log_request *requests, size_t count,
                            struct node_memory *memory, struct node_commit_log *first, struct err *err);
