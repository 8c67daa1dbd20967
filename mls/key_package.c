/* Key packages (RFC 9420 section 10): codec, creation, checks. */
#include "base/alloc.h"
#include "base/err.h"
#include "crypto/x25519.h"
#include "mls/codec.h"
#include "mls/rules.h"
#include "mls/suite.h"

#include <sodium.h>
#include <string.h>

bool mls_parse_key_package(struct reader *r, struct mls_key_package *out)
{
    const uint8_t *start = r->at;

    out->version = read_u16(r);
    out->suite = read_u16(r);
    out->init_key = read_vec(r, MLS_VEC_MAX);
    mls_parse_leaf(r, &out->leaf);
    mls_parse_extensions(r, &out->extensions);
    out->tbs_len = r->bad ? 0 : (size_t)(r->at - start);
    out->signature = read_vec(r, MLS_VEC_MAX);
    out->raw = mls_since(start, r);
    return !r->bad;
}

static void put_fields(struct buf *b, const struct mls_key_package *kp)
{
    buf_put_u16(b, kp->version);
    buf_put_u16(b, kp->suite);
    buf_put_vec(b, kp->init_key);
    mls_put_leaf(b, &kp->leaf);
    buf_put_vec(b, kp->extensions);
}

void mls_put_key_package(struct buf *b, const struct mls_key_package *kp)
{
    put_fields(b, kp);
    buf_put_vec(b, kp->signature);
}

int mls_key_package_parse(struct slice data, struct mls_key_package *out, struct err *err)
{
    struct reader r = reader_of(data);
    struct mls_key_package kp;
    int e;

    if (!mls_parse_key_package(&r, &kp) || !reader_done(&r))
        return err_set(err, ERR_MALFORMED, "key package does not parse (%zu bytes)", data.len);
    if ((e = mls_extensions_check(kp.extensions, err)) || (e = mls_extensions_check(kp.leaf.extensions, err)))
        return err_wrap(err, e, "key package");
    *out = kp;
    return 0;
}

void mls_key_package_ref(struct slice key_package, uint8_t ref[MLS_HASH_LEN])
{
    mls_ref_hash("MLS 1.0 KeyPackage Reference", key_package, ref);
}

static int key_package_fill(uint16_t suite, const struct mls_leaf_params *leaf, struct slice extensions,
                            struct mls_key_package_bundle *out)
{
    struct buf b = BUF_INIT, leaf_raw = BUF_INIT;
    uint8_t signature[MLS_SIGNATURE_LEN];
    struct reader r;
    struct mls_key_package kp = {
        .version = MLS_VERSION_10,
        .suite = suite,
        .init_key = slice_of(out->init_public, MLS_KEY_LEN),
        .extensions = extensions,
    };
    int e;

    if ((e = mls_leaf_make(leaf, out->leaf_public, &leaf_raw)) != 0)
        goto done;
    r = reader_of(buf_slice(&leaf_raw));
    if (!mls_parse_leaf(&r, &kp.leaf)) {
        e = ERR_MALFORMED; /* an extension list of the caller that is none */
        goto done;
    }
    put_fields(&b, &kp);
    if (!buf_ok(&b)) {
        e = ERR_NOMEM;
        goto done;
    }
    if ((e = mls_sign_with_label(&leaf->signer, "KeyPackageTBS", buf_slice(&b), signature)) != 0)
        goto done;
    buf_put_vec(&b, slice_of(signature, sizeof signature));
    e = buf_take(&b, &out->data);
done:
    buf_free(&leaf_raw);
    buf_free(&b);
    return e;
}

int mls_key_package_create(uint16_t suite, const struct mls_leaf_params *leaf, struct slice extensions,
                           const struct rand *rand, struct mls_key_package_bundle *out, struct err *err)
{
    struct mls_key_package_bundle made = {0};
    struct x25519_key key;
    int e;

    if (!mls_suite_known(suite))
        return err_set(err, ERR_UNSUPPORTED, "ciphersuite 0x%04x", suite);
    if ((e = mls_extensions_check(extensions, err)) || (e = mls_extensions_check(leaf->extensions, err)))
        return e;
    x25519_generate(rand, &key);
    memcpy(made.init_private, key.secret, MLS_KEY_LEN);
    memcpy(made.init_public, key.public_key, MLS_KEY_LEN);
    x25519_generate(rand, &key);
    memcpy(made.leaf_private, key.secret, MLS_KEY_LEN);
    memcpy(made.leaf_public, key.public_key, MLS_KEY_LEN);
    x25519_wipe(&key);
    if ((e = key_package_fill(suite, leaf, extensions, &made)) != 0) {
        mls_key_package_bundle_wipe(&made);
        return err_set(err, e, "making a key package");
    }
    mls_key_package_ref(bytes_slice(&made.data), made.ref);
    *out = made;
    sodium_memzero(&made, sizeof made);
    return 0;
}

void mls_key_package_bundle_wipe(struct mls_key_package_bundle *bundle)
{
    bytes_free(&bundle->data);
    sodium_memzero(bundle, sizeof *bundle);
}

static unsigned fault_of(int e, unsigned fault)
{
    if (e == 0)
        return 0;
    return e == ERR_NOMEM ? MLS_KP_NOMEM : fault;
}

static unsigned signature_faults(const struct mls_key_package *kp, unsigned which)
{
    unsigned faults = 0;

    if (which & MLS_KP_LEAF_SIGNATURE)
        faults |= fault_of(mls_leaf_verify(&kp->leaf, (struct slice){0}, 0), MLS_KP_LEAF_SIGNATURE);
    if (which & MLS_KP_SIGNATURE)
        faults |= fault_of(mls_verify_with_label(kp->leaf.signature_key, "KeyPackageTBS",
                                                 slice_of(kp->raw.data, kp->tbs_len), kp->signature),
                           MLS_KP_SIGNATURE);
    return faults;
}

unsigned mls_key_package_faults(const struct mls_key_package *kp, unsigned which, uint64_t now_s)
{
    const struct mls_leaf *leaf = &kp->leaf;
    const struct mls_capabilities *caps = &leaf->capabilities;
    unsigned faults = 0;

    if (!mls_suite_known(kp->suite))
        faults |= MLS_KP_SUITE;
    if (kp->version != MLS_VERSION_10)
        faults |= MLS_KP_VERSION;
    if (leaf->source != MLS_LEAF_KEY_PACKAGE)
        faults |= MLS_KP_LEAF_SOURCE;
    if (slice_eq(kp->init_key, leaf->encryption_key) || kp->init_key.len != MLS_KEY_LEN ||
        leaf->encryption_key.len != MLS_KEY_LEN)
        faults |= MLS_KP_INIT_KEY;
    if (!mls_extensions_are_listed(kp->extensions, caps->extensions))
        faults |= MLS_KP_EXTENSIONS;
    if (!mls_extensions_are_listed(leaf->extensions, caps->extensions))
        faults |= MLS_KP_LEAF_EXTENSIONS;
    if (now_s <= leaf->not_before || now_s >= leaf->not_after)
        faults |= MLS_KP_LIFETIME;
    if (leaf->credential_type != MLS_CREDENTIAL_BASIC)
        faults |= MLS_KP_CREDENTIAL;
    if (!mls_u16_list_has(caps->versions, kp->version) || !mls_u16_list_has(caps->suites, kp->suite) ||
        !mls_u16_list_has(caps->credentials, leaf->credential_type))
        faults |= MLS_KP_CAPABILITIES;
    return (faults & which) | signature_faults(kp, which);
}

const char *mls_key_package_fault_name(unsigned faults)
{
    static const char *const names[] = {"suite",         "version",   "leaf-source", "leaf-signature",
                                        "init-key",      "signature", "extensions",  "leaf-extensions",
                                        "lifetime",      "credential", "capabilities", "out of memory"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (faults & 1u << i)
            return names[i];
    return "none";
}
