#include "mls/schedule.h"

#include "base/err.h"
#include "crypto/hash.h"
#include "mls/suite.h"

#include <sodium.h>

static struct slice secret_slice(const uint8_t secret[MLS_HASH_LEN])
{
    return slice_of(secret, MLS_HASH_LEN);
}

void mls_secrets_wipe(struct mls_secrets *secrets)
{
    sodium_memzero(secrets, sizeof *secrets);
}

void mls_schedule_joiner(const uint8_t init[MLS_HASH_LEN], const uint8_t commit_secret[MLS_HASH_LEN],
                         struct slice context, uint8_t joiner[MLS_HASH_LEN])
{
    uint8_t prk[MLS_HASH_LEN];

    hkdf_sha256_extract(secret_slice(init), secret_slice(commit_secret), prk);
    mls_expand_with_label(prk, slice_str("joiner"), context, joiner, MLS_HASH_LEN);
    sodium_memzero(prk, sizeof prk);
}

/* The salt is the joiner secret, the input the PSK secret. */
static void member_secret(const uint8_t joiner[MLS_HASH_LEN], const uint8_t psk_secret[MLS_HASH_LEN],
                          uint8_t out[MLS_HASH_LEN])
{
    hkdf_sha256_extract(secret_slice(joiner), secret_slice(psk_secret), out);
}

void mls_schedule_welcome(const uint8_t joiner[MLS_HASH_LEN], const uint8_t psk_secret[MLS_HASH_LEN],
                          uint8_t welcome[MLS_HASH_LEN])
{
    uint8_t member[MLS_HASH_LEN];

    member_secret(joiner, psk_secret, member);
    mls_derive_secret(member, "welcome", welcome);
    sodium_memzero(member, sizeof member);
}

void mls_schedule_epoch(const uint8_t joiner[MLS_HASH_LEN], const uint8_t psk_secret[MLS_HASH_LEN],
                        struct slice context, struct mls_secrets *out)
{
    uint8_t member[MLS_HASH_LEN], epoch[MLS_HASH_LEN];

    member_secret(joiner, psk_secret, member);
    mls_expand_with_label(member, slice_str("epoch"), context, epoch, sizeof epoch);
    mls_schedule_from_epoch_secret(epoch, out);
    sodium_memzero(member, sizeof member);
    sodium_memzero(epoch, sizeof epoch);
}

void mls_schedule_from_epoch_secret(const uint8_t epoch_secret[MLS_HASH_LEN], struct mls_secrets *out)
{
    mls_derive_secret(epoch_secret, "sender data", out->sender_data);
    mls_derive_secret(epoch_secret, "encryption", out->encryption);
    mls_derive_secret(epoch_secret, "exporter", out->exporter);
    mls_derive_secret(epoch_secret, "external", out->external);
    mls_derive_secret(epoch_secret, "confirm", out->confirmation);
    mls_derive_secret(epoch_secret, "membership", out->membership);
    mls_derive_secret(epoch_secret, "resumption", out->resumption);
    mls_derive_secret(epoch_secret, "authentication", out->authenticator);
    mls_derive_secret(epoch_secret, "init", out->init);
}

void mls_confirmation_tag(const struct mls_secrets *secrets, struct slice confirmed_transcript_hash,
                          uint8_t tag[MLS_HASH_LEN])
{
    hmac_sha256(secret_slice(secrets->confirmation), confirmed_transcript_hash, tag);
}

int mls_confirmed_transcript_hash(struct slice interim_before, uint16_t wire_format,
                                  const struct mls_framed_content *content, struct slice signature,
                                  uint8_t out[MLS_HASH_LEN])
{
    struct buf b = BUF_INIT;
    struct slice parts[2];
    int e;

    buf_put_u16(&b, wire_format);
    mls_put_framed_content(&b, content);
    buf_put_vec(&b, signature);
    parts[0] = interim_before;
    parts[1] = buf_slice(&b);
    e = buf_ok(&b) ? 0 : ERR_NOMEM;
    if (e == 0)
        hash_sha256_parts(parts, 2, out);
    buf_free(&b);
    return e;
}

void mls_interim_transcript_hash(struct slice confirmed, struct slice confirmation_tag, uint8_t out[MLS_HASH_LEN])
{
    uint8_t head[4];
    struct slice parts[3] = {confirmed, slice_of(head, mls_vec_prefix(confirmation_tag.len, head)), confirmation_tag};

    hash_sha256_parts(parts, 3, out);
}

int mls_exporter(const uint8_t exporter_secret[MLS_HASH_LEN], struct slice label, struct slice context, uint8_t *out,
                 size_t len)
{
    uint8_t derived[MLS_HASH_LEN], hash[MLS_HASH_LEN];

    if (len > HKDF_SHA256_MAX)
        return ERR_TOOBIG;
    mls_expand_with_label(exporter_secret, label, (struct slice){0}, derived, sizeof derived);
    hash_sha256(context, hash);
    mls_expand_with_label(derived, slice_str("exported"), slice_of(hash, sizeof hash), out, len);
    sodium_memzero(derived, sizeof derived);
    return 0;
}

int mls_psk_mix(uint8_t psk_secret[MLS_HASH_LEN], struct slice id_raw, uint16_t index, uint16_t count,
                struct slice psk)
{
    static const uint8_t zeros[MLS_HASH_LEN];
    uint8_t extracted[MLS_HASH_LEN], input[MLS_HASH_LEN], mixed[MLS_HASH_LEN];
    struct buf label = BUF_INIT;
    bool ok;

    buf_put_slice(&label, id_raw);
    buf_put_u16(&label, index);
    buf_put_u16(&label, count);
    ok = buf_ok(&label);
    if (ok) {
        hkdf_sha256_extract(secret_slice(zeros), psk, extracted);
        mls_expand_with_label(extracted, slice_str("derived psk"), buf_slice(&label), input, sizeof input);
        hkdf_sha256_extract(secret_slice(input), secret_slice(psk_secret), mixed);
        for (size_t i = 0; i < sizeof mixed; i++)
            psk_secret[i] = mixed[i];
    }
    sodium_memzero(extracted, sizeof extracted);
    sodium_memzero(input, sizeof input);
    sodium_memzero(mixed, sizeof mixed);
    buf_free(&label);
    return ok ? 0 : ERR_NOMEM;
}
