/* What a membership change means for the tree: which leaves come and go (groups.md 3.2 and 3.3).
 * Thread: background; the group's lock is held. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "net/node_api.h"
#include "sync/metadata.h"

struct core;
struct err;
struct group;
struct membership_intent;

/* Somebody who is invited by the commit. */
struct invitee {
    uint8_t installation_id[32];
    uint8_t wrapper_algorithm; /* 1: X25519 under the init key */
    struct slice wrapper_key;
};

struct membership_plan {
    bool nothing;
    struct group_membership membership; /* the new extension */
    struct slice *adds;                 /* key packages, into `packages` */
    struct invitee *invitees;           /* one for each add */
    size_t n_adds;
    uint32_t *removes;                  /* leaf indices */
    size_t n_removes;
    struct node_key_packages packages;
};

/* Waits for key packages.  Installations whose key package is missing or bad go into the failed list.
 * ERR_NOTFOUND: somebody was to be added and none of their installations can be. */
int membership_plan_make(struct core *core, struct group *g, const struct membership_intent *intent,
                         struct membership_plan *out, struct err *err);
/* What welcome_send() needs once the commit is accepted. */
int membership_plan_welcomes(const struct membership_plan *plan, struct slice welcome, struct bytes *out,
                             struct err *err);
void membership_plan_free(struct membership_plan *plan);
