/* Who may do what in a group (groups.md section 5).  Pure; thread: any. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One meaning for all three kinds of policy; the numbers on the wire differ by kind (metadata.c). */
enum policy_base {
    POLICY_ALLOW,
    POLICY_DENY,
    POLICY_ADMIN,       /* admin or super admin */
    POLICY_SUPER_ADMIN,
    POLICY_ALL_OF,      /* every one of `parts` */
    POLICY_ANY_OF       /* at least one of `parts` */
};

struct policy {
    enum policy_base base;
    struct policy *parts; /* ALL_OF, ANY_OF: not empty */
    size_t n_parts;
};

struct field_policy {
    char *field;
    struct policy policy;
};

struct policy_set {
    struct policy add_member, remove_member, add_admin, remove_admin, update_permissions;
    struct field_policy *fields; /* as received, order kept */
    size_t n_fields;
};

enum policy_preset { PRESET_ALL_MEMBERS, PRESET_ADMIN_ONLY, PRESET_DM, PRESET_CUSTOM };

/* One of the three well-known sets; freed with policy_set_free().  ERR_NOMEM. */
int policy_set_preset(enum policy_preset preset, struct policy_set *out);
int policy_dup(const struct policy *from, struct policy *out);
void policy_free(struct policy *policy);
void policy_set_free(struct policy_set *set);

/* What somebody is. */
struct actor_rank {
    bool is_admin, is_super_admin;
};

bool policy_allows(const struct policy *policy, struct actor_rank rank);
/* The rule for a metadata field: its entry, else super admins for a leading "_", else admins. */
bool policy_allows_field(const struct policy_set *set, const char *field, struct actor_rank rank);

bool policy_eq(const struct policy *a, const struct policy *b);
/* Structural: the order of fields does not count. */
bool policy_set_eq(const struct policy_set *a, const struct policy_set *b);
/* The name of a set; only the fields present are compared. */
enum policy_preset policy_set_name(const struct policy_set *set);
const char *policy_base_name(enum policy_base base); /* "allow", "deny", "admin", "superAdmin", … */
