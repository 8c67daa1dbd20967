/* Is every value of a test vector looked at?  Each kind of value (the path of names to it, whatever the
 * places in lists) is altered in the first entry that has it; the check must not pass then. */
#include "tests/mls/wg/wg.h"

#include <stdlib.h>
#include <string.h>

enum where {
    FIRST = 1, MIDDLE = 2, LAST = 4, /* another hex digit there, another number */
    CUT = 8,                         /* a byte less */
    SOMEWHERE = 16,                  /* some entries do not depend on it: one that does is enough */
    NOWHERE = 0
};

/* What is more or less than "any digit of it decides". */
static const struct {
    const char *kind, *path;
    int where;
} exceptions[] = {
    {"secret-tree", "sender_data.ciphertext", FIRST},        /* a sample of its beginning counts */
    {"tree-operations", "proposal", FIRST | SOMEWHERE},      /* of a key package the leaf alone */
    {"tree-operations", "proposal_sender", FIRST | SOMEWHERE}, /* counts for updates alone */
};
/* Whole files: messages are read and written again, so that other contents are as good. */
static const char *const only_cut[] = {"messages"};

struct spoiling {
    const char *file, *kind;
    bool (*check)(struct wg *w, const json_t *entry);
    json_t *entry;  /* a copy, altered in place and put right again */
    json_t *seen;   /* paths that are done; true once an alteration was noticed */
    size_t altered, missed;
};

static int where_of(const struct spoiling *s, const char *path)
{
    for (size_t i = 0; i < sizeof exceptions / sizeof *exceptions; i++)
        if (strcmp(exceptions[i].kind, s->kind) == 0 && strcmp(exceptions[i].path, path) == 0)
            return exceptions[i].where;
    for (size_t i = 0; i < sizeof only_cut / sizeof *only_cut; i++)
        if (strcmp(only_cut[i], s->kind) == 0)
            return CUT;
    return FIRST | MIDDLE | LAST;
}

static bool passes(const struct spoiling *s)
{
    struct wg w = {.rand = &rand_system};
    bool ok = s->check(&w, s->entry) && !w.bad;

    wg_end(&w);
    return ok;
}

/* One alteration was tried. */
static void judge(struct spoiling *s, const char *path, int where)
{
    bool missed = passes(s);

    s->altered++;
    if (!missed) {
        json_object_set_new(s->seen, path, json_true());
    } else if (!(where & SOMEWHERE)) {
        fprintf(stderr, "%s (%s): %s is altered, and it passes\n", s->file, s->kind, path);
        s->missed++;
    }
}

static char another_digit(char digit)
{
    return digit == '0' ? '1' : '0';
}

static void spoil_text(struct spoiling *s, json_t *value, const char *path, int where)
{
    char *good = strdup(json_string_value(value)), *bad = strdup(good);
    size_t len = strlen(good), at[] = {0, len / 2, len ? len - 1 : 0};

    for (int i = 0; i < 3 && len; i++) {
        if (!(where & 1 << i))
            continue;
        bad[at[i]] = another_digit(good[at[i]]);
        json_string_set(value, bad);
        judge(s, path, where);
        bad[at[i]] = good[at[i]];
    }
    if (len == 0 && (where & (FIRST | MIDDLE | LAST))) {
        json_string_set(value, "00");
        judge(s, path, where);
    }
    if ((where & CUT) && len >= 2) {
        bad[len - 2] = '\0';
        json_string_set(value, bad);
        judge(s, path, where);
    }
    json_string_set(value, good);
    free(good);
    free(bad);
}

static void spoil_value(struct spoiling *s, json_t *value, const char *path)
{
    int where = where_of(s, path);
    json_int_t number = json_integer_value(value);

    if (where == NOWHERE || json_is_null(value) || json_is_true(json_object_get(s->seen, path)))
        return;
    if (!json_object_get(s->seen, path))
        json_object_set_new(s->seen, path, json_false());
    else if (!(where & SOMEWHERE))
        return; /* missed before, and said so */
    if (json_is_string(value)) {
        spoil_text(s, value, path, where);
    } else if (json_is_integer(value)) {
        json_integer_set(value, number + 1);
        judge(s, path, where);
        json_integer_set(value, number);
    }
}

static void walk(struct spoiling *s, json_t *value, const char *path)
{
    char below[200];
    const char *name;
    json_t *child;
    size_t i;

    if (json_is_object(value)) {
        json_object_foreach(value, name, child)
        {
            snprintf(below, sizeof below, "%s%s%s", path, *path ? "." : "", name);
            if (strcmp(below, "cipher_suite") != 0) /* another one: skipped, not failed */
                walk(s, child, below);
        }
    } else if (json_is_array(value)) {
        json_array_foreach(value, i, child) walk(s, child, path);
    } else {
        spoil_value(s, value, path);
    }
}

void wg_spoil_entry(const char *file, const char *kind, bool (*check)(struct wg *w, const json_t *entry),
                    const json_t *entry, json_t *seen, size_t *altered, size_t *missed)
{
    struct spoiling s = {.file = file, .kind = kind, .check = check, .entry = json_deep_copy(entry), .seen = seen};

    walk(&s, s.entry, "");
    *altered += s.altered;
    *missed += s.missed;
    json_decref(s.entry);
}

size_t wg_spoil_end(const char *file, const json_t *seen)
{
    const char *path;
    json_t *noticed;
    size_t missed = 0;

    json_object_foreach((json_t *)seen, path, noticed)
    {
        if (json_is_true(noticed))
            continue;
        fprintf(stderr, "%s: no entry depends on %s\n", file, path);
        missed++;
    }
    return missed;
}
