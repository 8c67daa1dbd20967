/* The key schedule (RFC 9420 section 8), transcript hashes (8.2), exporter (8.5), pre-shared keys
 * (8.4).  All secrets are MLS_HASH_LEN bytes.  Thread: any. */
#pragma once
#include "base/bytes.h"
#include "mls/codec.h"
#include "mls/mls.h"

#include <stdint.h>

/* The secrets of one epoch (section 8, table 4).  Holds secrets: end with mls_secrets_wipe(). */
struct mls_secrets {
    uint8_t sender_data[MLS_HASH_LEN];
    uint8_t encryption[MLS_HASH_LEN]; /* the root of the secret tree; zeroed once that has it */
    uint8_t exporter[MLS_HASH_LEN];
    uint8_t external[MLS_HASH_LEN];
    uint8_t confirmation[MLS_HASH_LEN];
    uint8_t membership[MLS_HASH_LEN];
    uint8_t resumption[MLS_HASH_LEN];
    uint8_t authenticator[MLS_HASH_LEN];
    uint8_t init[MLS_HASH_LEN];
};
void mls_secrets_wipe(struct mls_secrets *secrets);

/* joiner_secret of the epoch that `context` (serialised) begins. */
void mls_schedule_joiner(const uint8_t init[MLS_HASH_LEN], const uint8_t commit_secret[MLS_HASH_LEN],
                         struct slice context, uint8_t joiner[MLS_HASH_LEN]);
/* welcome_secret; `psk_secret` is all zeros without PSKs. */
void mls_schedule_welcome(const uint8_t joiner[MLS_HASH_LEN], const uint8_t psk_secret[MLS_HASH_LEN],
                          uint8_t welcome[MLS_HASH_LEN]);
void mls_schedule_epoch(const uint8_t joiner[MLS_HASH_LEN], const uint8_t psk_secret[MLS_HASH_LEN],
                        struct slice context, struct mls_secrets *out);
/* From epoch_secret itself: the first epoch of a new group. */
void mls_schedule_from_epoch_secret(const uint8_t epoch_secret[MLS_HASH_LEN], struct mls_secrets *out);

void mls_confirmation_tag(const struct mls_secrets *secrets, struct slice confirmed_transcript_hash,
                          uint8_t tag[MLS_HASH_LEN]);
/* Over the content with its wire format and signature. */
int mls_confirmed_transcript_hash(struct slice interim_before, uint16_t wire_format,
                                  const struct mls_framed_content *content, struct slice signature,
                                  uint8_t out[MLS_HASH_LEN]);
void mls_interim_transcript_hash(struct slice confirmed, struct slice confirmation_tag, uint8_t out[MLS_HASH_LEN]);

/* ERR_TOOBIG over 8160 bytes. */
int mls_exporter(const uint8_t exporter_secret[MLS_HASH_LEN], struct slice label, struct slice context, uint8_t *out,
                 size_t len);

/* One step of psk_secret: begins with zeros, then number `index` of `count` in order. */
int mls_psk_mix(uint8_t psk_secret[MLS_HASH_LEN], struct slice id_raw, uint16_t index, uint16_t count,
                struct slice psk);
