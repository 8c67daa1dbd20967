/* Invitations: sealed for each new installation and handed to the node once the commit that adds them
 * is in the group's ledger (groups.md 7.1, 7.2, 7.4).  Always X25519 under the key package's init key,
 * which every client accepts, and never pointers.
 * Thread: background. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

struct core;
struct err;
struct invitee;

/* What has to be kept with the intent: the Welcome and whom it is for. */
void welcome_batch_write(struct slice welcome, const struct invitee *invitees, size_t n, struct buf *out);

/* Waits.  Seals and sends; `commit_sequence_id` tells the invited where to read on from. */
int welcome_batch_send(struct core *core, struct slice batch, uint64_t commit_sequence_id, struct err *err);

/* "info" of the outer sealing: EncryptContext{"MLS 1.0 MLS_WELCOME", ""}. */
extern const uint8_t welcome_hpke_info[21];
