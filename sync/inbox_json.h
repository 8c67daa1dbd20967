/* An inbox as JSON: its accounts and installations.  New references. */
#pragma once
#include "base/bytes.h"

#include <jansson.h>

struct identity_state;

json_t *inbox_identifiers_json(const struct identity_state *state); /* [{identifier, kind}] */
/* [{id, createdAtNs, self}]; `own`: the id of this installation */
json_t *inbox_installations_json(const struct identity_state *state, struct slice own);
json_t *inbox_recovery_json(const struct identity_state *state); /* the recovery identifier */
