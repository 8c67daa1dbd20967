#include "mls/rules.h"

#include "base/err.h"
#include "mls/codec.h"
#include "mls/suite.h"

bool mls_extensions_are_listed(struct slice extensions, struct slice listed)
{
    struct slice data;
    uint16_t type;

    while (mls_extension_next(&extensions, &type, &data))
        if ((type == 0 || type > MLS_DEFAULT_EXTENSIONS) && !mls_u16_list_has(listed, type))
            return false;
    return true;
}

int mls_required_parse(struct slice context_extensions, struct mls_required *out, struct err *err)
{
    struct slice body;
    struct reader r;

    *out = (struct mls_required){0};
    if (!mls_extension_find(context_extensions, MLS_EXT_REQUIRED_CAPABILITIES, &body))
        return 0;
    r = reader_of(body);
    out->extensions = read_vec(&r, MLS_VEC_MAX);
    out->proposals = read_vec(&r, MLS_VEC_MAX);
    out->credentials = read_vec(&r, MLS_VEC_MAX);
    if (!reader_done(&r) || out->extensions.len % 2 || out->proposals.len % 2 || out->credentials.len % 2)
        return err_set(err, ERR_MALFORMED, "required capabilities do not parse");
    return 0;
}

static uint16_t u16_at(struct slice list, size_t i)
{
    return (uint16_t)(list.data[i] << 8 | list.data[i + 1]);
}

static int has_all(struct slice wanted, struct slice listed, uint16_t everybodys, const char *what, struct err *err)
{
    for (size_t i = 0; i + 1 < wanted.len; i += 2) {
        uint16_t type = u16_at(wanted, i);

        if ((type == 0 || type > everybodys) && !mls_u16_list_has(listed, type))
            return err_set(err, ERR_DENIED, "a member lacks the required %s 0x%04x", what, type);
    }
    return 0;
}

/* Of the types that this library knows, only application_id is for leaves. */
static bool extensions_are_in_place(const struct mls_config *config, struct slice extensions)
{
    struct slice data;
    uint16_t type;

    while (mls_extension_next(&extensions, &type, &data)) {
        if ((type >= MLS_EXT_RATCHET_TREE && type <= MLS_EXT_EXTERNAL_SENDERS) || type == MLS_EXT_LAST_RESORT)
            return false;
        for (size_t i = 0; i < config->not_in_leaves.n; i++)
            if (type == config->not_in_leaves.v[i])
                return false;
    }
    return true;
}

int mls_leaf_fits(const struct mls_config *config, const struct mls_leaf *leaf, uint16_t suite,
                  struct slice context_extensions, struct err *err)
{
    const struct mls_capabilities *caps = &leaf->capabilities;
    struct mls_required required;
    int e;

    if (!mls_u16_list_has(caps->versions, MLS_VERSION_10) || !mls_u16_list_has(caps->suites, suite))
        return err_set(err, ERR_DENIED, "a leaf does not list MLS 1.0 or suite 0x%04x", suite);
    if (!mls_u16_list_has(caps->credentials, leaf->credential_type))
        return err_set(err, ERR_DENIED, "a leaf does not list its own credential type %u", leaf->credential_type);
    if (!mls_extensions_are_listed(leaf->extensions, caps->extensions))
        return err_set(err, ERR_DENIED, "a leaf carries an extension that it does not list");
    if (!extensions_are_in_place(config, leaf->extensions))
        return err_set(err, ERR_DENIED, "a leaf carries an extension that is not for leaves");
    if (!mls_extensions_are_listed(context_extensions, caps->extensions))
        return err_set(err, ERR_DENIED, "a leaf does not list an extension that the group has");
    if ((e = mls_required_parse(context_extensions, &required, err)) != 0)
        return e;
    if ((e = has_all(required.extensions, caps->extensions, MLS_DEFAULT_EXTENSIONS, "extension", err)) != 0 ||
        (e = has_all(required.proposals, caps->proposals, MLS_DEFAULT_PROPOSALS, "proposal", err)) != 0)
        return e;
    return has_all(required.credentials, caps->credentials, 0, "credential", err);
}

int mls_context_extensions_check(struct slice extensions, struct err *err)
{
    struct mls_required required;
    int e;

    if ((e = mls_extensions_check(extensions, err)) != 0 || (e = mls_required_parse(extensions, &required, err)) != 0)
        return e;
    if (!mls_extensions_are_listed(extensions, required.extensions))
        return err_set(err, ERR_DENIED, "a group extension is not in required_capabilities");
    return 0;
}

int mls_leaf_make(const struct mls_leaf_params *params, const uint8_t encryption_key[MLS_KEY_LEN], struct buf *out)
{
    uint8_t signature[MLS_SIGNATURE_LEN];
    struct buf b = BUF_INIT;
    int e;

    buf_put_vec(&b, slice_of(encryption_key, MLS_KEY_LEN));
    buf_put_vec(&b, slice_of(params->signer.public_key, MLS_KEY_LEN));
    buf_put_u16(&b, MLS_CREDENTIAL_BASIC);
    buf_put_vec(&b, params->credential);
    mls_put_u16s(&b, params->versions);
    mls_put_u16s(&b, params->suites);
    mls_put_u16s(&b, params->extension_types);
    mls_put_u16s(&b, params->proposal_types);
    mls_put_u16s(&b, params->credential_types);
    buf_put_u8(&b, MLS_LEAF_KEY_PACKAGE);
    buf_put_u64(&b, params->not_before);
    buf_put_u64(&b, params->not_after);
    buf_put_vec(&b, params->extensions);
    if (!buf_ok(&b)) {
        e = ERR_NOMEM;
        goto done;
    }
    if ((e = mls_sign_with_label(&params->signer, "LeafNodeTBS", buf_slice(&b), signature)) != 0)
        goto done;
    buf_put_slice(out, buf_slice(&b));
    buf_put_vec(out, slice_of(signature, sizeof signature));
    e = buf_ok(out) ? 0 : ERR_NOMEM;
done:
    buf_free(&b);
    return e;
}
