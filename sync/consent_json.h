/* Consent as JSON: the Record and the log row of the interface.  Thread: any. */
#pragma once
#include <jansson.h>

struct store_consent;
struct store_consent_log;

/* {entityType, entity, state, consentedAtNs, origin}; a new reference, NULL when out of memory. */
json_t *consent_record_json(const struct store_consent *record);
/* {id, timeNs, origin, entityType, entity, oldState, newState, effect, batch, delivery, messageId}. */
json_t *consent_log_json(const struct store_consent_log *row);
