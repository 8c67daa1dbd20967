#include "sync/consent.h"

#include "base/err.h"
#include "base/hex.h"
#include "store/consent.h"
#include "store/preferences.h"
#include "sync/core.h"
#include "sync/pref_payload.h"

#include <stdio.h>
#include <string.h>

static const char *const state_names[] = {"unknown", "allowed", "denied"};

const char *consent_state_name(enum consent_state state)
{
    return state_names[state];
}

bool consent_state_parse(const char *name, enum consent_state *out)
{
    for (int i = 0; i < 3; i++) {
        if (strcmp(name, state_names[i]) == 0) {
            *out = (enum consent_state)i;
            return true;
        }
    }
    return false;
}

const char *consent_entity_name(enum consent_entity type)
{
    return type == CONSENT_INBOX ? "inboxId" : "conversationId";
}

bool consent_entity_parse(const char *name, enum consent_entity *out)
{
    /* The SDKs write inbox_id and conversation_id or GroupId; the contract's names come first. */
    if (strcmp(name, "inboxId") == 0)
        *out = CONSENT_INBOX;
    else if (strcmp(name, "conversationId") == 0)
        *out = CONSENT_CONVERSATION;
    else
        return false;
    return true;
}

int consent_get(struct core *core, enum consent_entity type, const char *entity, enum consent_state *out,
                struct err *err)
{
    enum store_consent_state state;
    int r = store_consent_state(core->store, (enum store_consent_type)type, entity, &state, err);

    if (r == 0)
        *out = (enum consent_state)state;
    return r;
}

int consent_of_group(struct core *core, const uint8_t group_id[16], enum consent_state *out, struct err *err)
{
    char entity[2 * GROUP_ID_LEN + 1];

    hex_encode(group_id, GROUP_ID_LEN, entity);
    return consent_get(core, CONSENT_CONVERSATION, entity, out, err);
}

static int note_change(struct core *core, int64_t log_id, struct err *err)
{
    return core_note(core, &(struct core_event){.kind = CORE_CONSENT, .log_id = log_id}, err);
}

/* What is stored for the entity: its state, and the earliest time that a new decision may carry, so
 * that it is newer for every reader. */
static int stored(struct core *core, const struct consent_choice *choice, enum consent_state *state,
                  int64_t *earliest, struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_consent record;
    int r = store_consent_get(core->store, (enum store_consent_type)choice->type, choice->entity, &mem, &record, err);

    if (r == 0) {
        *state = (enum consent_state)record.state;
        *earliest = record.consented_at_ns + 1;
    } else if (r == ERR_NOTFOUND) {
        *state = CONSENT_UNKNOWN;
        *earliest = 0;
        r = 0;
    }
    store_mem_free(&mem);
    return r;
}

/* Applies one choice; *written tells whether it differed from what was stored. */
static int decide(struct core *core, const struct consent_choice *choice, struct store_consent_context *context,
                  struct buf *updates, bool *written, struct err *err)
{
    struct store_consent_change change;
    enum consent_state old;
    int64_t earliest;
    struct store_consent record = {.type = (enum store_consent_type)choice->type,
                                   .entity = choice->entity,
                                   .state = (enum store_consent_state)choice->state};
    int r;

    *written = false;
    if ((r = stored(core, choice, &old, &earliest, err)) != 0 || old == choice->state)
        return r;
    if (!context->batch && (r = store_consent_batch(core->store, &context->batch, err)) != 0)
        return r;
    record.consented_at_ns = context->now_ns > earliest ? context->now_ns : earliest;
    if ((r = store_consent_apply(core->store, &record, context, &change, err)) != 0)
        return r;
    pref_payload_add_consent(updates, choice, record.consented_at_ns);
    *written = true;
    return note_change(core, change.log_id, err);
}

int consent_set(struct core *core, const struct consent_choice *choices, size_t n, enum consent_share share,
                size_t *changed, struct err *err)
{
    struct store_consent_context context = {
        .now_ns = core_now_ns(core),
        .delivery = share == CONSENT_SHARE ? STORE_DELIVERY_QUEUED : STORE_DELIVERY_NONE,
    };
    struct buf updates = BUF_INIT, payload = BUF_INIT;
    size_t count = 0;
    bool written;
    int64_t id;
    int r = 0;

    for (size_t i = 0; i < n; i++) {
        if ((r = decide(core, &choices[i], &context, &updates, &written, err)) != 0)
            goto done;
        count += written;
    }
    if (count && share == CONSENT_SHARE) {
        pref_payload_finish(&updates, &payload);
        if (!buf_ok(&payload)) {
            r = err_set(err, ERR_NOMEM, "out of memory");
            goto done;
        }
        if ((r = store_preference_put(core->store, context.batch, buf_slice(&payload), context.now_ns, &id, err)) != 0 ||
            (r = core_note(core, &(struct core_event){.kind = CORE_OUTBOX}, err)) != 0)
            goto done;
    }
    if (changed)
        *changed = count;
done:
    buf_free(&updates);
    buf_free(&payload);
    return r < 0 ? err_wrap(err, r, "setting consent") : 0;
}

/* Later than any clock, and far enough from the end that decisions can still follow it. */
#define LATEST_NS (INT64_MAX - NS_PER_S)

static int64_t sensible(int64_t at_ns)
{
    return at_ns < 1 ? 1 : at_ns > LATEST_NS ? LATEST_NS : at_ns;
}

int consent_receive(struct core *core, const struct consent_choice *choice, int64_t at_ns, const uint8_t origin[32],
                    const uint8_t message_id[32], int64_t batch, struct err *err)
{
    struct store_consent record = {.type = (enum store_consent_type)choice->type,
                                   .entity = choice->entity,
                                   .state = (enum store_consent_state)choice->state,
                                   .consented_at_ns = sensible(at_ns),
                                   .origin = slice_of(origin, INSTALLATION_ID_LEN)};
    struct store_consent_context context = {.now_ns = core_now_ns(core),
                                            .batch = batch,
                                            .message_id = slice_of(message_id, MESSAGE_ID_LEN)};
    struct store_consent_change change;
    int r = store_consent_apply(core->store, &record, &context, &change, err);

    if (r == 0 && change.effect == STORE_EFFECT_CHANGED)
        r = note_change(core, change.log_id, err);
    return r;
}

int consent_allow_group(struct core *core, const uint8_t group_id[16], enum consent_share share, struct err *err)
{
    struct consent_choice choice = {.type = CONSENT_CONVERSATION, .state = CONSENT_ALLOWED};

    hex_encode(group_id, GROUP_ID_LEN, choice.entity);
    return consent_set(core, &choice, 1, share, NULL, err);
}

int consent_allow_written(struct core *core, const uint8_t group_id[16], int64_t written_at_ns, struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_consent record;
    char entity[2 * GROUP_ID_LEN + 1];
    bool later;
    int r;

    hex_encode(group_id, GROUP_ID_LEN, entity);
    r = store_consent_get(core->store, STORE_CONSENT_CONVERSATION, entity, &mem, &record, err);
    later = r == 0 && record.consented_at_ns > written_at_ns;
    store_mem_free(&mem);
    if (r != 0 && r != ERR_NOTFOUND)
        return r;
    return later ? 0 : consent_allow_group(core, group_id, CONSENT_SHARE, err);
}

int consent_allow_sent(struct core *core, const uint8_t group_id[16], int64_t written_at_ns, struct err *err)
{
    int r;

    if ((r = core_begin(core, true, err)) != 0)
        return r;
    if ((r = consent_allow_written(core, group_id, written_at_ns, err)) == 0)
        return core_commit(core, err);
    core_rollback(core);
    return r;
}
