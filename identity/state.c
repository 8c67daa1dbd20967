/* The state itself: memory, look-ups, differences, its cached form.  The rules are in rules.c. */
#include "identity/state.h"

#include "base/alloc.h"
#include "base/err.h"
#include "identity/fields.h"
#include "identity/state_edit.h"
#include "proto/check.h"
#include "proto/wire.h"
#include "proto/xmtp_identity_associations.pb-c.h"

#include <stdlib.h>
#include <string.h>

/* ---- Making and changing, for rules.c ---- */

static bool dup_ident(struct pool *pool, struct ident from, struct ident *out)
{
    out->kind = from.kind;
    return pool_dup(pool, from.value, &out->value);
}

struct identity_state *state_new(const char inbox_id[INBOX_ID_LEN + 1], struct ident recovery)
{
    struct identity_state *s = xm_alloc(sizeof *s);

    if (s == NULL)
        return NULL;
    memcpy(s->inbox_id, inbox_id, sizeof s->inbox_id);
    if (!dup_ident(&s->pool, recovery, &s->recovery)) {
        identity_state_free(s);
        return NULL;
    }
    return s;
}

struct identity_state *state_clone(const struct identity_state *from)
{
    struct identity_state *s = state_new(from->inbox_id, from->recovery);

    if (s == NULL)
        return NULL;
    s->sequence_id = from->sequence_id;
    for (size_t i = 0; i < from->members_n; i++)
        if (!state_put_member(s, &from->members[i]))
            goto failed;
    if (!state_put_seen(s, from->seen, from->seen_n))
        goto failed;
    return s;
failed:
    identity_state_free(s);
    return NULL;
}

bool state_set_recovery(struct identity_state *state, struct ident recovery)
{
    return dup_ident(&state->pool, recovery, &state->recovery);
}

/* As clients list them: oldest first, those without a time last. */
static int compare_members(const void *left, const void *right)
{
    const struct identity_member *a = left, *b = right;

    if (a->has_timestamp != b->has_timestamp)
        return a->has_timestamp ? -1 : 1;
    if (a->has_timestamp && a->client_timestamp_ns != b->client_timestamp_ns)
        return a->client_timestamp_ns < b->client_timestamp_ns ? -1 : 1;
    return ident_cmp(a->id, b->id);
}

static size_t find_member(const struct identity_state *state, struct ident id)
{
    size_t i = 0;

    while (i < state->members_n && !ident_eq(state->members[i].id, id))
        i++;
    return i;
}

bool state_put_member(struct identity_state *state, const struct identity_member *member)
{
    size_t at = find_member(state, member->id);
    struct identity_member copy = *member;

    if (!dup_ident(&state->pool, member->id, &copy.id) ||
        (member->has_added_by && !dup_ident(&state->pool, member->added_by, &copy.added_by)))
        return false;
    if (at == state->members_n) { /* grown by half: the old array stays in the pool */
        if (state->members_n == state->members_cap) {
            size_t cap = state->members_cap + state->members_cap / 2 + 4;
            struct identity_member *grown = pool_alloc(&state->pool, cap, sizeof *grown);

            if (grown == NULL)
                return false;
            if (state->members_n > 0)
                memcpy(grown, state->members, state->members_n * sizeof *grown);
            state->members = grown;
            state->members_cap = cap;
        }
        state->members_n++;
    }
    state->members[at] = copy;
    qsort(state->members, state->members_n, sizeof *state->members, compare_members);
    return true;
}

void state_remove_member(struct identity_state *state, struct ident id)
{
    size_t at = find_member(state, id);

    if (at == state->members_n)
        return;
    memmove(state->members + at, state->members + at + 1,
            (state->members_n - at - 1) * sizeof *state->members);
    state->members_n--;
}

static int compare_slices(const void *left, const void *right)
{
    return slice_cmp(*(const struct slice *)left, *(const struct slice *)right);
}

bool state_has_seen(const struct identity_state *state, struct slice replay)
{
    return state->seen_n > 0 &&
           bsearch(&replay, state->seen, state->seen_n, sizeof *state->seen, compare_slices) != NULL;
}

bool state_put_seen(struct identity_state *state, const struct slice *replays, size_t n)
{
    struct slice *seen = pool_alloc(&state->pool, state->seen_n + n, sizeof *seen);
    size_t kept = 0;

    if (seen == NULL)
        return false;
    if (state->seen_n > 0)
        memcpy(seen, state->seen, state->seen_n * sizeof *seen);
    for (size_t i = 0; i < n; i++)
        if (!pool_dup(&state->pool, replays[i], &seen[state->seen_n + i]))
            return false;
    n += state->seen_n;
    qsort(seen, n, sizeof *seen, compare_slices);
    for (size_t i = 0; i < n; i++) /* it is a set */
        if (kept == 0 || !slice_eq(seen[kept - 1], seen[i]))
            seen[kept++] = seen[i];
    state->seen = seen;
    state->seen_n = kept;
    return true;
}

void identity_state_free(struct identity_state *state)
{
    if (state == NULL)
        return;
    pool_free(&state->pool);
    xm_free(state);
}

/* ---- Look-ups ---- */

const struct identity_member *identity_state_member(const struct identity_state *state, struct ident id)
{
    size_t at = find_member(state, id);

    return at < state->members_n ? &state->members[at] : NULL;
}

bool identity_state_has_installation(const struct identity_state *state, struct slice installation)
{
    return identity_state_member(state, (struct ident){IDENT_INSTALLATION, installation}) != NULL;
}

const struct identity_member *identity_state_nth(const struct identity_state *state, int kind, size_t i)
{
    for (size_t at = 0; at < state->members_n; at++)
        if ((kind == 0 || (int)state->members[at].id.kind == kind) && i-- == 0)
            return &state->members[at];
    return NULL;
}

size_t identity_state_count(const struct identity_state *state, int kind)
{
    size_t n = 0;

    for (size_t at = 0; at < state->members_n; at++)
        n += kind == 0 || (int)state->members[at].id.kind == kind;
    return n;
}

/* ---- Differences ---- */

/* Members of `of` that are not in `than`. */
static int only_in(const struct identity_state *of, const struct identity_state *than, struct ident **out,
                   size_t *out_n)
{
    *out_n = 0;
    *out = NULL;
    if (of == NULL || of->members_n == 0)
        return 0;
    if ((*out = xm_calloc(of->members_n, sizeof **out)) == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < of->members_n; i++)
        if (than == NULL || identity_state_member(than, of->members[i].id) == NULL)
            (*out)[(*out_n)++] = of->members[i].id;
    return 0;
}

int identity_diff(const struct identity_state *from, const struct identity_state *to,
                  struct identity_diff *out)
{
    struct identity_diff diff = {0};

    if (only_in(to, from, &diff.added, &diff.added_n) != 0 ||
        only_in(from, to, &diff.removed, &diff.removed_n) != 0) {
        identity_diff_free(&diff);
        return ERR_NOMEM;
    }
    *out = diff;
    return 0;
}

void identity_diff_free(struct identity_diff *diff)
{
    xm_free(diff->added);
    xm_free(diff->removed);
    *diff = (struct identity_diff){0};
}

/* ---- The cached form ---- */

void ident_put_message(struct buf *out, uint32_t number, struct ident id)
{
    struct buf member = BUF_INIT, passkey = BUF_INIT;

    switch (id.kind) {
    case IDENT_ETHEREUM:
        wire_put_message(&member, 1, id.value); /* of a oneof: written when empty too */
        break;
    case IDENT_INSTALLATION:
        wire_put_message(&member, 2, id.value);
        break;
    case IDENT_PASSKEY:
        wire_put_bytes(&passkey, 1, id.value);
        wire_put_message(&member, 3, buf_slice(&passkey));
        break;
    }
    wire_put_message(out, number, buf_slice(&member));
    out->bad |= !buf_ok(&member) || !buf_ok(&passkey);
    buf_free(&member);
    buf_free(&passkey);
}

/* proto3 `optional`: a zero that is there is written. */
static void put_optional(struct buf *out, uint32_t number, bool has, uint64_t value)
{
    if (!has)
        return;
    wire_put_varint(out, (uint64_t)number << 3 | WIRE_VARINT);
    wire_put_varint(out, value);
}

static void put_map_entry(struct buf *out, const struct identity_member *m)
{
    struct buf entry = BUF_INIT, value = BUF_INIT;

    ident_put_message(&entry, 1, m->id);
    ident_put_message(&value, 1, m->id);
    if (m->has_added_by)
        ident_put_message(&value, 2, m->added_by);
    put_optional(&value, 3, m->has_timestamp, m->client_timestamp_ns);
    put_optional(&value, 4, m->has_chain_id, m->chain_id);
    wire_put_message(&entry, 2, buf_slice(&value));
    wire_put_message(out, 2, buf_slice(&entry));
    out->bad |= !buf_ok(&entry) || !buf_ok(&value);
    buf_free(&entry);
    buf_free(&value);
}

void identity_state_write(const struct identity_state *state, struct buf *out)
{
    struct buf recovery = BUF_INIT;

    ident_put_text(&recovery, state->recovery);
    wire_put_bytes(out, 1, slice_str(state->inbox_id));
    for (size_t i = 0; i < state->members_n; i++)
        put_map_entry(out, &state->members[i]);
    wire_put_bytes(out, 3, buf_slice(&recovery));
    for (size_t i = 0; i < state->seen_n; i++)
        wire_put_message(out, 4, state->seen[i]);
    wire_put_u64(out, 5, state->recovery.kind == IDENT_PASSKEY ? 2 : 1);
    out->bad |= !buf_ok(&recovery);
    buf_free(&recovery);
}

static int read_member(struct identity_state *state, struct slice entry, struct err *err)
{
    struct identity_member m = {0};
    struct slice value = field_bytes(entry, 2);
    struct reader r = reader_of(value);
    struct wire_field field;
    int rc;

    if ((rc = field_member(value, 1, &m.id, err)) != 0)
        return rc;
    while (wire_next(&r, &field)) {
        m.has_added_by |= field.number == 2;
        m.has_timestamp |= field.number == 3;
        m.has_chain_id |= field.number == 4;
    }
    if (m.has_added_by && (rc = field_member(value, 2, &m.added_by, err)) != 0)
        return rc;
    m.client_timestamp_ns = field_number(value, 3);
    m.chain_id = field_number(value, 4);
    return state_put_member(state, &m) ? 0 : err_set(err, ERR_NOMEM, "out of memory");
}

static int read_repeated(struct identity_state *state, struct slice data, struct err *err)
{
    struct reader r = reader_of(data);
    struct wire_field field;
    int rc;

    while (wire_next(&r, &field)) {
        if (field.number == 2 && (rc = read_member(state, field.bytes, err)) != 0)
            return rc;
        if (field.number == 4 && !state_put_seen(state, &field.bytes, 1))
            return err_set(err, ERR_NOMEM, "out of memory");
    }
    return 0;
}

int identity_state_read(struct slice data, uint64_t sequence_id, struct identity_state **out, struct err *err)
{
    static const struct proto_limits limits = {
        .depth = 16, .elements = 100000, .memory = 64u << 20, .allow_nul = true};
    char inbox_id[INBOX_ID_LEN + 1] = "";
    struct identity_state *state = NULL;
    struct pool pool = POOL_INIT;
    struct slice id;
    struct ident recovery;
    int r;

    r = proto_check(&xmtp__identity__associations__association_state__descriptor, data, &limits, NULL, err);
    if (r != 0)
        goto done;
    id = field_bytes(data, 1);
    if (!inbox_id_is_valid(id)) {
        r = err_set(err, ERR_MALFORMED, "no inbox id");
        goto done;
    }
    memcpy(inbox_id, id.data, INBOX_ID_LEN);
    if ((r = field_account(field_bytes(data, 3), field_number(data, 5), &pool, &recovery, err)) != 0)
        goto done;
    if ((state = state_new(inbox_id, recovery)) == NULL) {
        r = err_set(err, ERR_NOMEM, "out of memory");
        goto done;
    }
    state->sequence_id = sequence_id;
    if ((r = read_repeated(state, data, err)) != 0)
        goto done;
    *out = state;
    state = NULL;
done:
    identity_state_free(state);
    pool_free(&pool);
    return r == 0 ? 0 : err_wrap(err, r, "association state");
}
