/* Permissions of groups, evaluated as libxmtp does: no hierarchy of roles, "admin" always means
 * admin or super admin. */
#include "sync/policy.h"

#include "base/alloc.h"
#include "base/err.h"

#include <string.h>

/* The seven attributes that every preset names (groups.md 5.2), in three columns. */
static const struct {
    const char *field;
    enum policy_base all_members, admin_only, dm;
} preset_fields[] = {
    {"group_name", POLICY_ALLOW, POLICY_ADMIN, POLICY_ALLOW},
    {"description", POLICY_ALLOW, POLICY_ADMIN, POLICY_ALLOW},
    {"group_image_url_square", POLICY_ALLOW, POLICY_ADMIN, POLICY_ALLOW},
    {"app_data", POLICY_ALLOW, POLICY_ADMIN, POLICY_ALLOW},
    {"message_disappear_from_ns", POLICY_ADMIN, POLICY_ADMIN, POLICY_ALLOW},
    {"message_disappear_in_ns", POLICY_ADMIN, POLICY_ADMIN, POLICY_ALLOW},
    {"minimum_supported_protocol_version", POLICY_SUPER_ADMIN, POLICY_SUPER_ADMIN, POLICY_ALLOW},
};
#define N_PRESET_FIELDS (sizeof preset_fields / sizeof preset_fields[0])

static enum policy_base preset_field(size_t i, enum policy_preset preset)
{
    switch (preset) {
    case PRESET_ADMIN_ONLY:
        return preset_fields[i].admin_only;
    case PRESET_DM:
        return preset_fields[i].dm;
    default:
        return preset_fields[i].all_members;
    }
}

/* The two membership policies and the policy for admins and permissions. */
static void preset_bases(enum policy_preset preset, enum policy_base *add, enum policy_base *remove,
                         enum policy_base *roles)
{
    *add = preset == PRESET_DM ? POLICY_DENY : preset == PRESET_ADMIN_ONLY ? POLICY_ADMIN : POLICY_ALLOW;
    *remove = preset == PRESET_DM ? POLICY_DENY : POLICY_ADMIN;
    *roles = preset == PRESET_DM ? POLICY_DENY : POLICY_SUPER_ADMIN;
}

int policy_set_preset(enum policy_preset preset, struct policy_set *out)
{
    struct policy_set set = {0};
    enum policy_base roles;

    preset_bases(preset, &set.add_member.base, &set.remove_member.base, &roles);
    set.add_admin.base = set.remove_admin.base = set.update_permissions.base = roles;
    set.fields = xm_calloc(N_PRESET_FIELDS, sizeof *set.fields);
    if (!set.fields)
        return ERR_NOMEM;
    for (size_t i = 0; i < N_PRESET_FIELDS; i++) {
        set.fields[i].field = xm_strdup(preset_fields[i].field);
        if (!set.fields[i].field) {
            policy_set_free(&set);
            return ERR_NOMEM;
        }
        set.fields[i].policy.base = preset_field(i, preset);
        set.n_fields++;
    }
    *out = set;
    return 0;
}

int policy_dup(const struct policy *from, struct policy *out)
{
    struct policy copy = {.base = from->base};

    if (from->n_parts > 0) {
        copy.parts = xm_calloc(from->n_parts, sizeof *copy.parts);
        if (!copy.parts)
            return ERR_NOMEM;
        for (; copy.n_parts < from->n_parts; copy.n_parts++)
            if (policy_dup(&from->parts[copy.n_parts], &copy.parts[copy.n_parts]) != 0) {
                policy_free(&copy);
                return ERR_NOMEM;
            }
    }
    *out = copy;
    return 0;
}

void policy_free(struct policy *policy)
{
    for (size_t i = 0; i < policy->n_parts; i++)
        policy_free(&policy->parts[i]);
    xm_free(policy->parts);
    *policy = (struct policy){0};
}

void policy_set_free(struct policy_set *set)
{
    struct policy *single[] = {&set->add_member, &set->remove_member, &set->add_admin, &set->remove_admin,
                               &set->update_permissions};

    for (size_t i = 0; i < sizeof single / sizeof single[0]; i++)
        policy_free(single[i]);
    for (size_t i = 0; i < set->n_fields; i++) {
        xm_free(set->fields[i].field);
        policy_free(&set->fields[i].policy);
    }
    xm_free(set->fields);
    *set = (struct policy_set){0};
}

bool policy_allows(const struct policy *policy, struct actor_rank rank)
{
    switch (policy->base) {
    case POLICY_ALLOW:
        return true;
    case POLICY_DENY:
        return false;
    case POLICY_ADMIN:
        return rank.is_admin || rank.is_super_admin;
    case POLICY_SUPER_ADMIN:
        return rank.is_super_admin;
    case POLICY_ALL_OF:
        for (size_t i = 0; i < policy->n_parts; i++)
            if (!policy_allows(&policy->parts[i], rank))
                return false;
        return policy->n_parts > 0;
    case POLICY_ANY_OF:
        for (size_t i = 0; i < policy->n_parts; i++)
            if (policy_allows(&policy->parts[i], rank))
                return true;
        return false;
    }
    return false;
}

bool policy_allows_field(const struct policy_set *set, const char *field, struct actor_rank rank)
{
    for (size_t i = 0; i < set->n_fields; i++)
        if (strcmp(set->fields[i].field, field) == 0)
            return policy_allows(&set->fields[i].policy, rank);
    if (field[0] == '_')
        return rank.is_super_admin;
    return rank.is_admin || rank.is_super_admin;
}

bool policy_eq(const struct policy *a, const struct policy *b)
{
    if (a->base != b->base || a->n_parts != b->n_parts)
        return false;
    for (size_t i = 0; i < a->n_parts; i++)
        if (!policy_eq(&a->parts[i], &b->parts[i]))
            return false;
    return true;
}

static const struct policy *field_policy_of(const struct policy_set *set, const char *field)
{
    for (size_t i = 0; i < set->n_fields; i++)
        if (strcmp(set->fields[i].field, field) == 0)
            return &set->fields[i].policy;
    return NULL;
}

bool policy_set_eq(const struct policy_set *a, const struct policy_set *b)
{
    if (!policy_eq(&a->add_member, &b->add_member) || !policy_eq(&a->remove_member, &b->remove_member) ||
        !policy_eq(&a->add_admin, &b->add_admin) || !policy_eq(&a->remove_admin, &b->remove_admin) ||
        !policy_eq(&a->update_permissions, &b->update_permissions) || a->n_fields != b->n_fields)
        return false;
    for (size_t i = 0; i < a->n_fields; i++) {
        const struct policy *other = field_policy_of(b, a->fields[i].field);
        if (!other || !policy_eq(&a->fields[i].policy, other))
            return false;
    }
    return true;
}

static bool is_preset(const struct policy_set *set, enum policy_preset preset)
{
    enum policy_base add, remove, roles;

    preset_bases(preset, &add, &remove, &roles);
    if (set->add_member.base != add || set->remove_member.base != remove || set->add_admin.base != roles ||
        set->remove_admin.base != roles || set->update_permissions.base != roles)
        return false;
    for (size_t i = 0; i < N_PRESET_FIELDS; i++) {
        const struct policy *policy = field_policy_of(set, preset_fields[i].field);
        if (policy && policy->base != preset_field(i, preset))
            return false;
    }
    return true;
}

enum policy_preset policy_set_name(const struct policy_set *set)
{
    for (enum policy_preset preset = PRESET_ALL_MEMBERS; preset < PRESET_CUSTOM; preset++)
        if (is_preset(set, preset))
            return preset;
    return PRESET_CUSTOM;
}

const char *policy_base_name(enum policy_base base)
{
    static const char *const names[] = {"allow", "deny", "admin", "superAdmin", "allOf", "anyOf"};
    return names[base];
}
