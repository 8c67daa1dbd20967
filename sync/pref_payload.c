#include "sync/pref_payload.h"

#include "base/err.h"
#include "base/hex.h"
#include "proto/check.h"
#include "proto/wire.h"
#include "proto/xmtp_device_sync.pb-c.h"
#include "sync/hmac.h"

#include <sodium.h>
#include <string.h>

/* Field numbers of sync.md 2.2 that are written by hand, so that updates can be appended one by one. */
#define FIELD_PREFERENCE_UPDATES 4 /* of DeviceSyncContent */
#define FIELD_UPDATES 1            /* of PreferenceUpdates */

static void add_update(struct buf *updates, Xmtp__DeviceSync__Content__PreferenceUpdate *update)
{
    struct buf one = BUF_SECRET;

    proto_pack(&one, update);
    wire_put_message(updates, FIELD_UPDATES, buf_slice(&one));
    updates->bad |= one.bad;
    buf_free(&one);
}

/* States are one higher on the wire than in the store; entity types are the same (sync.md 2.2). */
void pref_payload_add_consent(struct buf *updates, const struct consent_choice *choice, int64_t at_ns)
{
    Xmtp__DeviceSync__ConsentBackup__ConsentSave consent = XMTP__DEVICE_SYNC__CONSENT_BACKUP__CONSENT_SAVE__INIT;
    Xmtp__DeviceSync__Content__PreferenceUpdate update = XMTP__DEVICE_SYNC__CONTENT__PREFERENCE_UPDATE__INIT;

    consent.entity_type = (int)choice->type;
    consent.state = (int)choice->state + 1;
    consent.entity = (char *)choice->entity;
    consent.consented_at_ns = at_ns;
    update.update_case = XMTP__DEVICE_SYNC__CONTENT__PREFERENCE_UPDATE__UPDATE_CONSENT;
    update.consent = &consent;
    add_update(updates, &update);
}

void pref_payload_add_hmac(struct buf *updates, struct slice key, int64_t cycled_at_ns)
{
    Xmtp__DeviceSync__Content__HmacKeyUpdate hmac = XMTP__DEVICE_SYNC__CONTENT__HMAC_KEY_UPDATE__INIT;
    Xmtp__DeviceSync__Content__PreferenceUpdate update = XMTP__DEVICE_SYNC__CONTENT__PREFERENCE_UPDATE__INIT;

    hmac.key = proto_bytes(key);
    hmac.cycled_at_ns = cycled_at_ns;
    update.update_case = XMTP__DEVICE_SYNC__CONTENT__PREFERENCE_UPDATE__UPDATE_HMAC;
    update.hmac = &hmac;
    add_update(updates, &update);
}

void pref_payload_finish(const struct buf *updates, struct buf *out)
{
    wire_put_message(out, FIELD_PREFERENCE_UPDATES, buf_slice(updates));
    out->bad |= updates->bad;
}

/* An inbox id is 64 lower-case hex digits, a conversation id 32. */
static bool entity_fits(enum consent_entity type, const char *entity)
{
    size_t len = strlen(entity);

    return len == (type == CONSENT_INBOX ? 64u : 32u) && strspn(entity, "0123456789abcdef") == len;
}

static bool read_consent(const Xmtp__DeviceSync__ConsentBackup__ConsentSave *from, struct pref_update *out)
{
    int type = (int)from->entity_type, state = (int)from->state - 1;

    if ((type != CONSENT_CONVERSATION && type != CONSENT_INBOX) || state < CONSENT_UNKNOWN || state > CONSENT_DENIED ||
        !entity_fits((enum consent_entity)type, from->entity))
        return false;
    out->kind = PREF_CONSENT;
    out->choice.type = (enum consent_entity)type;
    out->choice.state = (enum consent_state)state;
    memcpy(out->choice.entity, from->entity, strlen(from->entity) + 1);
    out->at_ns = from->consented_at_ns;
    return true;
}

static bool read_update(const Xmtp__DeviceSync__Content__PreferenceUpdate *from, struct pref_update *out)
{
    memset(out, 0, sizeof *out);
    if (from->update_case == XMTP__DEVICE_SYNC__CONTENT__PREFERENCE_UPDATE__UPDATE_CONSENT)
        return read_consent(from->consent, out);
    if (from->update_case != XMTP__DEVICE_SYNC__CONTENT__PREFERENCE_UPDATE__UPDATE_HMAC ||
        from->hmac->key.len != HMAC_ROOT_LEN)
        return false;
    out->kind = PREF_HMAC;
    memcpy(out->hmac_key, from->hmac->key.data, HMAC_ROOT_LEN);
    out->at_ns = from->hmac->cycled_at_ns;
    return true;
}

int pref_payload_each(struct slice payload, int (*each)(void *ctx, const struct pref_update *update), void *ctx,
                      size_t *refused, struct err *err)
{
    struct proto_limits limits = proto_limits_default;
    struct proto_arena arena = PROTO_ARENA_SECRET;
    Xmtp__DeviceSync__Content__DeviceSyncContent *content;
    Xmtp__DeviceSync__Content__PreferenceUpdates *updates;
    struct pref_update update;
    size_t bad = 0;
    int r;

    limits.allow_nul = true; /* an entity cut short there makes no sense, alone */
    r = proto_unpack_within(&xmtp__device_sync__content__device_sync_content__descriptor, payload, &limits, &arena,
                            &content, err);
    if (r != 0)
        goto done;
    updates = content->content_case == XMTP__DEVICE_SYNC__CONTENT__DEVICE_SYNC_CONTENT__CONTENT_PREFERENCE_UPDATES
                  ? content->preference_updates
                  : NULL;
    for (size_t i = 0; r == 0 && updates && i < updates->n_updates; i++) {
        if (read_update(updates->updates[i], &update))
            r = each(ctx, &update);
        else
            bad++;
    }
    if (refused)
        *refused = bad;
done:
    sodium_memzero(&update, sizeof update);
    proto_arena_free(&arena);
    return r;
}
