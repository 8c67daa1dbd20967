/* Fields of identity messages whose bytes have passed proto_check(), without unpacking them.
 *
 * As proto3 has it, the last occurrence counts, and an absent field is empty or zero.  Slices point
 * into the message.  Thread: any. */
#pragma once
#include "base/bytes.h"
#include "identity/ident.h"
#include "identity/pool.h"

#include <stdint.h>

struct err;

struct slice field_bytes(struct slice message, uint32_t number);
uint64_t field_number(struct slice message, uint32_t number);
/* Which of the numbers 1 .. n, which are one oneof of messages or bytes, is set; 0 when none is. */
uint32_t field_oneof(struct slice message, uint32_t n, struct slice *body);

/* A field of type MemberIdentifier.  ERR_MALFORMED when absent or of no known kind. */
int field_member(struct slice message, uint32_t number, struct ident *out, struct err *err);
/* An account as text with its kind (IdentifierKind) beside it; unknown kinds are read as Ethereum.  A
 * passkey's bytes are put in `pool`.  ERR_MALFORMED, ERR_NOMEM. */
int field_account(struct slice text, uint64_t kind, struct pool *pool, struct ident *out, struct err *err);
