/* What libxmtp's installations sent each other, opened as the member it was for: welcomes (X-Wing's KEM secret is
 * given, the rest is ours), pointers and what they point to, and what was recorded of each epoch and message.
 *
 * recorded-welcomes.json: the recorded welcomes with the private parts of the key package that each is
 * for, and `kemSecret`, the KEM shared secret of its X-Wing ciphertext.  group-messages.json: every message and
 * the epoch authenticators.  A failed expectation fails the test. */
#pragma once
#include "base/bytes.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct mls_group;
struct mls_message_info;

/* Members of JSON objects: text as it is, hex as bytes (ended with bytes_free()), numbers or decimal strings. */
const char *recorded_text(const json_t *o, const char *key);
struct bytes recorded_hex(const json_t *o, const char *key);
uint64_t recorded_number(const json_t *o, const char *key);
bool recorded_is_hex(struct slice got, const char *want);

/* The plaintext of a recorded welcome, whichever way it was sealed, and the commit it follows.  `all`: the whole
 * file.  Ended with bytes_free(). */
struct bytes recorded_open_welcome(const json_t *all, const json_t *w, uint64_t *cursor);
/* Joins by `welcome`, its plaintext: as mls_group_join(). */
int recorded_join(const json_t *w, struct slice welcome, struct mls_group **out);

/* The recorded group of this id. */
const json_t *recorded_group(const json_t *groups, struct slice id);
/* The group is in an epoch that was recorded, with this authenticator, and its extensions can be read. */
void recorded_check_epoch(const struct mls_group *g, const json_t *group);
/* An application message: its id, content and sender are the recorded ones. */
void recorded_check_message(const json_t *message, struct slice group_id, const struct mls_message_info *info);

enum recorded_step {
    RECORDED_PASSED,  /* its own, which nobody reads, or a commit that lost its epoch */
    RECORDED_MESSAGE, /* checked as above */
    RECORDED_COMMIT,  /* checked as above */
    RECORDED_END      /* this member cannot go on: its own commit, whose path keys were never stored, or its removal */
};
/* The group takes the next message of its ledger as the installation named `who`. */
enum recorded_step recorded_follow(struct mls_group *g, const json_t *group, const json_t *message, const char *who);
