/* Identifiers of an inbox's members, and inbox ids.
 *
 * A member is an account (an Ethereum address or a passkey) or an installation.  Two are equal when
 * kind and value are: addresses as text (so always lower-case ours), keys as bytes.
 * Thread: any. */
#pragma once
#include "base/bytes.h"
#include "crypto/eth.h"

#include <stdbool.h>
#include <stdint.h>

struct err;

#define INBOX_ID_LEN        64 /* lower-case hex */
#define INSTALLATION_ID_LEN 32

enum ident_kind { IDENT_ETHEREUM = 1, IDENT_PASSKEY = 2, IDENT_INSTALLATION = 3 };

/* A view.  `value`: the address as text, or the bytes of the key. */
struct ident {
    enum ident_kind kind;
    struct slice value;
};

struct ident ident_ethereum(const char *address);
struct ident ident_installation(const uint8_t id[INSTALLATION_ID_LEN]);
struct ident ident_passkey(struct slice key);

bool ident_eq(struct ident a, struct ident b);
int ident_cmp(struct ident a, struct ident b); /* some total order */
/* As signature texts print it: the address, or the key in hex. */
void ident_put_text(struct buf *out, struct ident id);

/* Address typed by a person → lower case with 0x.  With or without 0x, any case.  ERR_INVALID. */
int ident_parse_address(const char *text, char out[ETH_ADDRESS_LEN + 1], struct err *err);

/* SHA-256 of the identifier's text and the decimal nonce, as hex.  The address is taken as it stands.
 * ERR_INVALID: not "0x" and 40 hex digits; an installation cannot own an inbox. */
int inbox_id_derive(struct ident owner, uint64_t nonce, char out[INBOX_ID_LEN + 1], struct err *err);
/* What a new inbox takes unless told otherwise. */
#define INBOX_NONCE_DEFAULT 1

/* 64 lower-case hex digits? */
bool inbox_id_is_valid(struct slice text);
