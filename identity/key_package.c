/* Sources: libxmtp xmtp_id/src/key_package.rs and verified_key_package_v2.rs; RFC 9420 section 10.1. */
#include "identity/key_package.h"

#include "base/err.h"
#include "crypto/ed25519.h"
#include "crypto/xwing.h"
#include "identity/fields.h"
#include "proto/check.h"
#include "proto/wire.h"
#include "proto/xmtp_mls_message_contents.pb-c.h"

#include <string.h>

static const uint16_t versions[] = {0x0001};
static const uint16_t suites[] = {MLS_SUITE_CHACHA20};
static const uint16_t credentials[] = {MLS_CREDENTIAL_BASIC};
static const uint16_t proposals[] = {MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS};
/* In libxmtp's order.  Groups require most of these of every member; both welcome types are listed
 * though our packages may not carry them, so that others' may. */
static const uint16_t extensions[] = {
    MLS_EXT_LAST_RESORT,           MLS_EXT_APPLICATION_ID,      XMTP_EXT_MUTABLE_PERMISSIONS,
    XMTP_EXT_MUTABLE_METADATA,     XMTP_EXT_GROUP_MEMBERSHIP,   XMTP_EXT_WELCOME_WRAPPER,
    XMTP_EXT_WELCOME_POINTEE_AEAD, XMTP_EXT_IMMUTABLE_METADATA,
};

#define U16S(array) ((struct mls_u16s){array, sizeof(array) / sizeof(array)[0]})

/* application_id: its data is a vector inside the extension's own (RFC 9420 section 5.3.3). */
static void put_application_id(uint8_t out[70], const char inbox_id[INBOX_ID_LEN + 1])
{
    static const uint8_t head[] = {0x00, MLS_EXT_APPLICATION_ID, 0x40, INBOX_ID_LEN + 2, 0x40, INBOX_ID_LEN};

    memcpy(out, head, sizeof head);
    memcpy(out + sizeof head, inbox_id, INBOX_ID_LEN);
}

void own_leaf_init(struct own_leaf *leaf, const struct ed25519_key *installation,
                   const char inbox_id[INBOX_ID_LEN + 1], uint64_t now_s)
{
    credential_write(inbox_id, leaf->credential);
    put_application_id(leaf->extensions, inbox_id);
    leaf->params = (struct mls_leaf_params){
        .signer = {installation->seed, installation->public_key},
        .credential = slice_of(leaf->credential, sizeof leaf->credential),
        .versions = U16S(versions),
        .suites = U16S(suites),
        .extension_types = U16S(extensions),
        .proposal_types = U16S(proposals),
        .credential_types = U16S(credentials),
        .extensions = slice_of(leaf->extensions, sizeof leaf->extensions),
        .not_before = now_s - KEY_PACKAGE_BACKDATE_S,
        .not_after = now_s + KEY_PACKAGE_LIFETIME_S,
    };
}

/* Both welcome extensions, in libxmtp's order. */
static void put_welcome_extensions(struct buf *list, struct slice xwing_public)
{
    struct buf wrapper = BUF_INIT;

    mls_extension_put(list, XMTP_EXT_WELCOME_POINTEE_AEAD,
                      slice_str("\x0a\x01\x03")); /* [ChaCha20-Poly1305] */
    wire_put_bytes(&wrapper, 1, xwing_public);
    wire_put_u64(&wrapper, 2, WELCOME_WRAPPER_XWING);
    mls_extension_put(list, XMTP_EXT_WELCOME_WRAPPER, buf_slice(&wrapper));
    list->bad |= !buf_ok(&wrapper);
    buf_free(&wrapper);
}

static int create(const struct ed25519_key *installation, const char inbox_id[INBOX_ID_LEN + 1],
                  uint64_t now_s, struct slice xwing_public, const struct rand *rand,
                  struct mls_key_package_bundle *out, struct err *err)
{
    struct buf list = BUF_INIT;
    struct own_leaf leaf;
    int r;

    own_leaf_init(&leaf, installation, inbox_id, now_s);
    mls_extension_put(&list, MLS_EXT_LAST_RESORT, slice_of(NULL, 0));
    if (xwing_public.len > 0)
        put_welcome_extensions(&list, xwing_public);
    r = buf_ok(&list)
            ? mls_key_package_create(MLS_SUITE_CHACHA20, &leaf.params, buf_slice(&list), rand, out, err)
            : err_set(err, ERR_NOMEM, "out of memory");
    buf_free(&list);
    return r;
}

int key_package_create(const struct ed25519_key *installation, const char inbox_id[INBOX_ID_LEN + 1],
                       uint64_t now_s, const struct rand *rand, struct mls_key_package_bundle *out,
                       struct err *err)
{
    return create(installation, inbox_id, now_s, slice_of(NULL, 0), rand, out, err);
}

int key_package_create_xwing(const struct ed25519_key *installation, const char inbox_id[INBOX_ID_LEN + 1],
                             uint64_t now_s, struct slice xwing_public, const struct rand *rand,
                             struct mls_key_package_bundle *out, struct err *err)
{
    if (xwing_public.len != XWING_PUBLIC_LEN)
        return err_set(err, ERR_INVALID, "an X-Wing key of %zu bytes", xwing_public.len);
    return create(installation, inbox_id, now_s, xwing_public, rand, out, err);
}

const char *key_package_fault_name(enum key_package_fault fault)
{
    static const char *const names[] = {
        [KEY_PACKAGE_OK] = "fine",
        [KEY_PACKAGE_EMPTY] = "none published",
        [KEY_PACKAGE_MALFORMED] = "malformed",
        [KEY_PACKAGE_INVALID] = "invalid",
        [KEY_PACKAGE_CREDENTIAL] = "no inbox in its credential",
        [KEY_PACKAGE_INSTALLATION] = "of another installation",
        [KEY_PACKAGE_INBOX] = "of another inbox",
        [KEY_PACKAGE_APPLICATION] = "its application id is not its inbox",
        [KEY_PACKAGE_WRAPPER] = "its welcome extensions do not parse",
    };

    return (size_t)fault < sizeof names / sizeof names[0] ? names[fault] : "?";
}

/* ---- ff03 and ff04 ---- */

static int read_wrapper(const struct mls_key_package *kp, struct key_package_view *out, struct err *err)
{
    struct slice data;
    int r;

    out->wrapper = WELCOME_WRAPPER_X25519;
    out->wrapper_key = kp->init_key;
    if (!mls_extension_find(kp->extensions, XMTP_EXT_WELCOME_WRAPPER, &data))
        return 0;
    r = proto_check(&xmtp__mls__message_contents__welcome_wrapper_encryption__descriptor, data,
                    &proto_limits_default, NULL, err);
    if (r != 0)
        return err_wrap(err, r, "welcome wrapper extension");
    switch (field_number(data, 2)) {
    case XMTP__MLS__MESSAGE_CONTENTS__WELCOME_WRAPPER_ALGORITHM__WELCOME_WRAPPER_ALGORITHM_XWING_MLKEM_768_DRAFT_6:
        out->wrapper = WELCOME_WRAPPER_XWING;
        break;
    case XMTP__MLS__MESSAGE_CONTENTS__WELCOME_WRAPPER_ALGORITHM__WELCOME_WRAPPER_ALGORITHM_SYMMETRIC_KEY:
        return err_set(err, ERR_MALFORMED, "a key package asks for welcomes under a shared key");
    default:
        break; /* unknown ones are read as X25519 */
    }
    out->wrapper_key = field_bytes(data, 1);
    if (out->wrapper_key.len != (out->wrapper == WELCOME_WRAPPER_XWING ? XWING_PUBLIC_LEN : MLS_KEY_LEN))
        return err_set(err, ERR_MALFORMED, "a welcome key of %zu bytes", out->wrapper_key.len);
    return 0;
}

/* The only AEAD there is; another one, the unspecified one too, spoils the extension for libxmtp. */
#define POINTEE_CHACHA20                                                                                     \
    XMTP__MLS__MESSAGE_CONTENTS__WELCOME_POINTEE_ENCRYPTION_AEAD_TYPE__WELCOME_POINTEE_ENCRYPTION_AEAD_TYPE_CHACHA20_POLY1305

/* A repeated enum comes packed or one by one, or both. */
static bool only_chacha20(struct slice data, bool *some)
{
    struct reader r = reader_of(data);
    struct wire_field field;

    *some = false;
    while (wire_next(&r, &field)) {
        struct reader packed = reader_of(field.bytes);

        if (field.number != 1)
            continue;
        *some |= field.type == WIRE_VARINT || field.bytes.len > 0;
        if (field.type == WIRE_VARINT && field.value != POINTEE_CHACHA20)
            return false;
        while (reader_left(&packed) > 0)
            if (wire_read_varint(&packed) != POINTEE_CHACHA20)
                return false;
    }
    return true;
}

static int read_pointee(const struct mls_key_package *kp, struct key_package_view *out, struct err *err)
{
    struct slice data;
    int r;

    out->has_pointee_aead = false;
    if (!mls_extension_find(kp->extensions, XMTP_EXT_WELCOME_POINTEE_AEAD, &data))
        return 0;
    r = proto_check(&xmtp__mls__message_contents__welcome_pointee_encryption_aead_types_extension__descriptor,
                    data, &proto_limits_default, NULL, err);
    if (r != 0)
        return err_wrap(err, r, "welcome pointer extension");
    if (!only_chacha20(data, &out->has_pointee_aead))
        return err_set(err, ERR_MALFORMED, "an unknown AEAD for welcome pointers");
    return 0;
}

/* ---- Checks ---- */

static bool application_id_is(const struct mls_leaf *leaf, const char inbox_id[INBOX_ID_LEN + 1])
{
    struct slice data;
    struct reader r;
    struct slice id;

    if (!mls_extension_find(leaf->extensions, MLS_EXT_APPLICATION_ID, &data))
        return true; /* peers do not ask for one */
    r = reader_of(data);
    id = read_vec(&r, INBOX_ID_LEN);
    return reader_done(&r) && slice_eq(id, slice_str(inbox_id));
}

static enum key_package_fault check_owner(const struct key_package_view *v, struct slice installation,
                                          struct slice inbox_id)
{
    if (installation.len > 0 && !slice_eq(installation, v->mls.leaf.signature_key))
        return KEY_PACKAGE_INSTALLATION;
    if (inbox_id.len > 0 && !slice_eq(inbox_id, slice_str(v->inbox_id)))
        return KEY_PACKAGE_INBOX;
    return application_id_is(&v->mls.leaf, v->inbox_id) ? KEY_PACKAGE_OK : KEY_PACKAGE_APPLICATION;
}

/* Newer libxmtp refuses these in a key package's own list, GREASE too, and with it every commit that adds such a
 * package. */
static bool extensions_are_in_place(struct slice list)
{
    struct slice data;
    uint16_t type;

    while (mls_extension_next(&list, &type, &data)) {
        bool is_grease = (type & 0x0f0f) == 0x0a0a && type >> 8 == (type & 0xff) && type != 0xfafa;

        if ((type >= MLS_EXT_APPLICATION_ID && type <= MLS_EXT_EXTERNAL_SENDERS) ||
            type == XMTP_EXT_IMMUTABLE_METADATA || is_grease)
            return false;
    }
    return true;
}

/* What libxmtp refuses of one package alone; the rest is compared when a group is about to add it. */
#define FAULTS_OF_ONE                                                                                        \
    (MLS_KP_SUITE | MLS_KP_VERSION | MLS_KP_LEAF_SOURCE | MLS_KP_LEAF_SIGNATURE | MLS_KP_INIT_KEY |          \
     MLS_KP_SIGNATURE | MLS_KP_EXTENSIONS | MLS_KP_LIFETIME | MLS_KP_CREDENTIAL)

static int check(struct slice data, struct slice installation, struct slice inbox_id, uint64_t now_s,
                 struct key_package_view *v, enum key_package_fault *fault, struct err *err)
{
    unsigned faults;
    int r;

    *fault = KEY_PACKAGE_EMPTY;
    if (data.len == 0)
        return err_set(err, ERR_NOTFOUND, "no key package");
    *fault = KEY_PACKAGE_MALFORMED;
    if (data.len > KEY_PACKAGE_MAX)
        return err_set(err, ERR_TOOBIG, "a key package of %zu bytes", data.len);
    if ((r = mls_key_package_parse(data, &v->mls, err)) != 0)
        return r;
    *fault = KEY_PACKAGE_INVALID;
    if ((faults = mls_key_package_faults(&v->mls, FAULTS_OF_ONE, now_s)) & MLS_KP_NOMEM)
        return err_set(err, ERR_NOMEM, "out of memory");
    if (faults != 0)
        return err_set(err, ERR_DENIED, "key package: %s", mls_key_package_fault_name(faults));
    if (!extensions_are_in_place(v->mls.extensions))
        return err_set(err, ERR_DENIED, "key package: an extension that is not for key packages");
    *fault = KEY_PACKAGE_CREDENTIAL;
    if ((r = credential_read(v->mls.leaf.credential, v->inbox_id, err)) != 0)
        return r;
    if ((*fault = check_owner(v, installation, inbox_id)) != KEY_PACKAGE_OK)
        return err_set(err, ERR_DENIED, "key package: %s", key_package_fault_name(*fault));
    *fault = KEY_PACKAGE_WRAPPER;
    if ((r = read_wrapper(&v->mls, v, err)) != 0 || (r = read_pointee(&v->mls, v, err)) != 0)
        return r;
    *fault = KEY_PACKAGE_OK;
    return 0;
}

int key_package_check(struct slice data, struct slice installation, struct slice inbox_id, uint64_t now_s,
                      struct key_package_view *out, enum key_package_fault *fault, struct err *err)
{
    enum key_package_fault why;
    struct key_package_view v;
    int r = check(data, installation, inbox_id, now_s, &v, &why, err);

    if (fault != NULL)
        *fault = why;
    if (r == 0 && out != NULL)
        *out = v;
    return r;
}
