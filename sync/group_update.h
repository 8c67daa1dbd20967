/* Changing a group: metadata, roles, permissions, leaving (groups.md 5.4, 6, 4.8).
 * Each change is one commit, sent and read back.  ERR_DENIED: the permissions forbid it; ERR_INVALID:
 * over a limit, or not for 1:1 chats.  Thread: background; all calls wait. */
#pragma once
#include <stdint.h>

#include "sync/policy.h"

struct core;
struct err;

/* Names of attributes. */
#define ATTR_NAME "group_name"
#define ATTR_DESCRIPTION "description"
#define ATTR_IMAGE_URL "group_image_url_square"
#define ATTR_APP_DATA "app_data"
#define ATTR_DISAPPEAR_FROM "message_disappear_from_ns"
#define ATTR_DISAPPEAR_IN "message_disappear_in_ns"
#define ATTR_MIN_VERSION "minimum_supported_protocol_version"
#define ATTR_COMMIT_LOG_SIGNER "_commit_log_signer"

int group_update_attribute(struct core *core, const uint8_t id[16], const char *field, const char *value,
                           struct err *err);
/* Two commits, from then in; both 0 turns it off. */
int group_update_disappearing(struct core *core, const uint8_t id[16], int64_t from_ns, int64_t in_ns,
                              struct err *err);

enum admin_action { ADMIN_ADD = 1, ADMIN_REMOVE = 2, SUPER_ADMIN_ADD = 3, SUPER_ADMIN_REMOVE = 4 };
int group_update_admin(struct core *core, const uint8_t id[16], enum admin_action action, const char *inbox_id,
                       struct err *err);

enum permission_target {
    PERMIT_ADD_MEMBER = 1,
    PERMIT_REMOVE_MEMBER = 2,
    PERMIT_ADD_ADMIN = 3,
    PERMIT_REMOVE_ADMIN = 4,
    PERMIT_METADATA = 5
};
/* `field` only for PERMIT_METADATA.  POLICY_ALLOW for an admin policy means super admins. */
int group_update_permission(struct core *core, const uint8_t id[16], enum permission_target target,
                            const char *field, enum policy_base option, struct err *err);

/* Asks to be taken out, once.  ERR_INVALID: 1:1 chat, alone, or super admin. */
int group_leave(struct core *core, const uint8_t id[16], struct err *err);
/* What a super admin's installation does about the requests of others in this group. */
int group_remove_leavers(struct core *core, const uint8_t id[16], struct err *err);
/* The same in every group, for what could not be done at once.  ERR_OFFLINE, ERR_CANCELED: not finished. */
int groups_remove_leavers(struct core *core, struct err *err);

/* A commit that only renews our leaf key. */
int group_update_key(struct core *core, const uint8_t id[16], struct err *err);
