/* Changing a state while an update is applied to a copy of it: for rules.c and request.c alone.
 * Everything that returns bool is false when out of memory. */
#pragma once
#include "identity/state.h"

struct buf;

struct identity_state *state_new(const char inbox_id[INBOX_ID_LEN + 1], struct ident recovery);
struct identity_state *state_clone(const struct identity_state *from);
bool state_set_recovery(struct identity_state *state, struct ident recovery);
/* Copies; a member that is there is overwritten. */
bool state_put_member(struct identity_state *state, const struct identity_member *member);
void state_remove_member(struct identity_state *state, struct ident id);
bool state_has_seen(const struct identity_state *state, struct slice replay);
bool state_put_seen(struct identity_state *state, const struct slice *replays, size_t n);

/* A field of type MemberIdentifier. */
void ident_put_message(struct buf *out, uint32_t number, struct ident id);
