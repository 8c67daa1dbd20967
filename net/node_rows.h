/* Rows of the V3 API's answers and streams, checked one by one.
 *
 * A node is not trusted: a row that does not parse, belongs to another topic, or has values no server
 * gives is refused alone, and its id told where it has one, so that one bad row does not hide the
 * others.  Pure.  Thread: any. */
#pragma once
#include "base/bytes.h"
#include "net/node_api.h"

struct err;
struct proto_arena;

/* `row`: a serialised GroupMessage.  Slices of *out live in `arena`.  `with_data`: a row without data is
 * bad.  ERR_MALFORMED, ERR_TOOBIG, with *cursor set to what could be read (sequence id 0: nothing);
 * ERR_NOMEM. */
int node_row_group(struct slice row, bool with_data, struct proto_arena *arena, struct node_group_message *out,
                   struct node_cursor *cursor, struct err *err);
/* `row`: a serialised WelcomeMessage. */
int node_row_welcome(struct slice row, struct proto_arena *arena, struct node_welcome_message *out,
                     struct node_cursor *cursor, struct err *err);

/* Whether a TLS-serialised MLSMessage (RFC 9420 section 6) says that it is a commit: its framing is open
 * in both PublicMessage and PrivateMessage.  -1 if it does not parse that far. */
int node_mls_is_commit(struct slice mls_message);

/* Whole answers of the two queries, and of GetNewestGroupMessage, for one topic each. */
int node_page_group(struct slice body, struct slice group_id, uint64_t after, struct node_group_page *out,
                    struct err *err);
int node_page_welcome(struct slice body, struct slice installation_key, uint64_t after,
                      struct node_welcome_page *out, struct err *err);
