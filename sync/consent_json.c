#include "sync/consent_json.h"

#include "store/consent.h"
#include "sync/consent.h"
#include "sync/rpc.h"

/* "local", or the installation that it came from. */
static json_t *origin_json(struct slice origin)
{
    return origin.data ? rpc_hex_json(origin.data, origin.len) : json_string("local");
}

json_t *consent_record_json(const struct store_consent *record)
{
    return json_pack("{s:s,s:s,s:s,s:o,s:o}", "entityType",
                     consent_entity_name((enum consent_entity)record->type), "entity", record->entity, "state",
                     consent_state_name((enum consent_state)record->state), "consentedAtNs",
                     rpc_ns(record->consented_at_ns), "origin", origin_json(record->origin));
}

static const char *effect_name(enum store_consent_effect effect)
{
    switch (effect) {
    case STORE_EFFECT_CHANGED:
        return "changed";
    case STORE_EFFECT_SAME:
        return "same";
    case STORE_EFFECT_STALE:
        return "stale";
    default:
        return "refused";
    }
}

static const char *delivery_name(const struct store_consent_log *row)
{
    if (row->record.origin.data)
        return "received";
    switch (row->delivery) {
    case STORE_DELIVERY_QUEUED:
        return "queued";
    case STORE_DELIVERY_SENT:
        return "published";
    case STORE_DELIVERY_FAILED:
        return "failed";
    default:
        return "local";
    }
}

json_t *consent_log_json(const struct store_consent_log *row)
{
    return json_pack("{s:I,s:o,s:o,s:o,s:s,s:s,s:s,s:s,s:s,s:I,s:s,s:o}", "id", (json_int_t)row->id, "timeNs",
                     rpc_ns(row->time_ns), "decidedAtNs", rpc_ns(row->record.consented_at_ns), "origin",
                     origin_json(row->record.origin), "entityType",
                     consent_entity_name((enum consent_entity)row->record.type), "entity", row->record.entity,
                     "oldState", consent_state_name((enum consent_state)row->old_state), "newState",
                     consent_state_name((enum consent_state)row->record.state), "effect", effect_name(row->effect),
                     "batch", (json_int_t)row->batch, "delivery", delivery_name(row), "messageId",
                     row->message_id.data ? rpc_hex_json(row->message_id.data, row->message_id.len) : json_null());
}
