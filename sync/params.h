/* Parameters that several methods share.  Thread: as the method's. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rpc;

/* `consentStates`: a list of names -> bits 1 << state; 0 when absent or empty. */
int params_consent_states(struct rpc *rpc, unsigned *out);
/* `type`: "dm" or "group" -> bits of enum store_group_type; 0 when absent. */
int params_types(struct rpc *rpc, unsigned *out);
/* `id` (or the first of `name`): a conversation by id, prefix or name. */
int params_conversation(struct rpc *rpc, uint8_t id[16]);
/* `peers` -> inbox ids, `*n` of them, freed with xm_free().  Waits for addresses. */
int params_peers(struct rpc *rpc, const char *name, char (**out)[65], const char ***pointers, size_t *n);

/* Fails as `signature_needed` with what a wallet elsewhere must sign; takes `text`. */
int params_signature_needed(struct rpc *rpc, const char *request_id, char *text);
/* The answer to that: "signature", and in *request_id, borrowed, which request it is for. */
int params_signature(struct rpc *rpc, uint8_t out[65], const char **request_id);
/* `walletKey`: 32 bytes of hex, which the caller wipes; *given: whether it is there. */
int params_wallet_key(struct rpc *rpc, bool required, uint8_t out[32], bool *given);
