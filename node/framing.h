/* The framing of an MLSMessage (RFC 9420 section 6), as far as a node that cannot decrypt needs it:
 * which group, and whether it is a commit.  Pure.  Thread: any. */
#pragma once
#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

struct err;

#define NODE_GROUP_ID_LEN 16 /* the reference client refuses any other length from version 1.11 on */

struct framing {
    struct slice group_id; /* NODE_GROUP_ID_LEN bytes of the message */
    uint64_t epoch;
    bool is_commit;
};

/* Accepts PublicMessage and PrivateMessage only: a row that a client cannot parse would make its whole
 * query of that group fail for ever.  ERR_MALFORMED with the reason. */
int framing_parse(struct slice message, struct framing *out, struct err *err);
