/* Identity logs: what the network says goes into the store as it came, together with the states that
 * it leads to; those are evaluated here, outside of any transaction, because a smart contract
 * wallet's signature can be judged by the node alone. */
#include "sync/inboxes.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/i18n.h"
#include "base/log.h"
#include "identity/state.h"
#include "net/node_api.h"
#include "store/identity_log.h"
#include "sync/core.h"
#include "sync/installation_set.h"

#include <stdio.h>
#include <string.h>

/* States in memory: a group of a few people with some history; each has a few hundred bytes. */
#define CACHE_MAX 128

/* A transaction costs as much as storing an update or two.  Until it is over the states of all are held, each
 * of which may have thousands of members. */
#define UPDATES_TOGETHER 64

struct inbox_cache {
    struct cached {
        char inbox_id[INBOX_ID_LEN + 1];
        uint64_t sequence_id;
        uint64_t used;
        struct identity_state *state;
    } at[CACHE_MAX];
    size_t n;
    uint64_t clock;
};

/* ---- states in memory ---- */

static struct identity_state *cache_find(struct core *core, const char *inbox_id, uint64_t sequence_id)
{
    struct inbox_cache *c = core->inboxes;

    for (size_t i = 0; c && i < c->n; i++)
        if (c->at[i].sequence_id == sequence_id && strcmp(c->at[i].inbox_id, inbox_id) == 0) {
            c->at[i].used = ++c->clock;
            return c->at[i].state;
        }
    return NULL;
}

/* Takes the state. */
static int cache_put(struct core *core, const char *inbox_id, uint64_t sequence_id, struct identity_state *state)
{
    struct inbox_cache *c = core->inboxes;
    size_t at = 0;

    if (!c && !(c = core->inboxes = xm_alloc(sizeof *c))) {
        identity_state_free(state);
        return ERR_NOMEM;
    }
    if (c->n < CACHE_MAX) {
        at = c->n++;
    } else {
        for (size_t i = 1; i < c->n; i++)
            if (c->at[i].used < c->at[at].used)
                at = i;
        identity_state_free(c->at[at].state);
    }
    snprintf(c->at[at].inbox_id, sizeof c->at[at].inbox_id, "%s", inbox_id);
    c->at[at].sequence_id = sequence_id;
    c->at[at].used = ++c->clock;
    c->at[at].state = state;
    return 0;
}

void inbox_cache_clear(struct core *core)
{
    struct inbox_cache *c = core->inboxes;

    if (!c)
        return;
    for (size_t i = 0; i < c->n; i++)
        identity_state_free(c->at[i].state);
    xm_free(c);
    core->inboxes = NULL;
}

/* ---- from the store ---- */

struct log_read {
    struct store_mem mem;
    struct identity_log_entry *entries;
    size_t n, cap;
};

static int collect_update(void *ctx, const struct store_identity_update *row)
{
    struct log_read *log = ctx;
    struct identity_log_entry *e;

    if (log->n == log->cap) {
        size_t cap = log->cap ? log->cap * 2 : 8;
        struct identity_log_entry *grown = xm_realloc(log->entries, cap, sizeof *grown);
        if (!grown)
            return ERR_NOMEM;
        log->entries = grown;
        log->cap = cap;
    }
    e = &log->entries[log->n];
    e->sequence_id = (uint64_t)row->sequence_id;
    if (!store_mem_dup(&log->mem, row->payload, &e->update))
        return ERR_NOMEM;
    log->n++;
    return 0;
}

static int evaluate_stored(struct core *core, const char *inbox_id, uint64_t sequence_id,
                           struct identity_state **out, struct err *err)
{
    struct log_read log = {.mem = STORE_MEM_INIT};
    int r = store_identity_updates_each(core->store, inbox_id, 0, (int64_t)sequence_id, collect_update, &log, err);

    if (r == 0)
        r = identity_state_at(NULL, log.entries, log.n, sequence_id, NULL, out, NULL, err);
    xm_free(log.entries);
    store_mem_free(&log.mem);
    return r;
}

static int read_cached_row(struct core *core, const char *inbox_id, uint64_t sequence_id,
                           struct identity_state **out, struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct slice row;
    int r = store_association_get(core->store, inbox_id, (int64_t)sequence_id, &mem, &row, err);

    if (r == 0)
        r = identity_state_read(row, sequence_id, out, err);
    store_mem_free(&mem);
    return r;
}

int inbox_latest(struct core *core, const char *inbox_id, uint64_t *sequence_id, struct err *err)
{
    int64_t newest = 0;
    int r = store_identity_updates_newest(core->store, inbox_id, &newest, err);

    if (r == 0)
        *sequence_id = (uint64_t)newest;
    return r;
}

int inbox_state_at(struct core *core, const char *inbox_id, uint64_t sequence_id, const struct identity_state **out,
                   struct err *err)
{
    struct identity_state *state;
    int r;

    if (sequence_id == 0) {
        if ((r = inbox_latest(core, inbox_id, &sequence_id, err)) != 0)
            return r;
        if (sequence_id == 0)
            return err_set(err, ERR_NOTFOUND, "inbox %.16s is unknown", inbox_id);
    }
    state = cache_find(core, inbox_id, sequence_id);
    if (!state) {
        bool exists = false;
        if ((r = store_identity_update_exists(core->store, inbox_id, (int64_t)sequence_id, &exists, err)) != 0)
            return r;
        if (!exists)
            return err_set(err, ERR_NOTFOUND, "inbox %.16s has no identity update %llu", inbox_id,
                           (unsigned long long)sequence_id);
        if (read_cached_row(core, inbox_id, sequence_id, &state, NULL) != 0 &&
            (r = evaluate_stored(core, inbox_id, sequence_id, &state, err)) != 0)
            return err_wrap(err, r, "inbox %.16s at %llu", inbox_id, (unsigned long long)sequence_id);
        if (cache_put(core, inbox_id, sequence_id, state) != 0)
            return err_set(err, ERR_NOMEM, "out of memory");
    }
    *out = state;
    return 0;
}

int inbox_has_installation(struct core *core, const char *inbox_id, uint64_t sequence_id,
                           const uint8_t installation_id[32], bool *has, struct err *err)
{
    const struct identity_state *state;
    int r = inbox_state_at(core, inbox_id, sequence_id, &state, err);

    if (r == 0)
        *has = identity_state_has_installation(state, slice_of(installation_id, 32));
    return r;
}

int inbox_diff(struct core *core, const char *inbox_id, uint64_t from, uint64_t to, struct installation_set *added,
               struct installation_set *removed, struct err *err)
{
    const struct identity_state *before = NULL, *after = NULL;
    struct identity_diff diff = {0};
    int r;

    if (from != 0 && (r = inbox_state_at(core, inbox_id, from, &before, err)) != 0)
        return r;
    if (to != 0 && (r = inbox_state_at(core, inbox_id, to, &after, err)) != 0)
        return r;
    if (!before && !after)
        return 0;
    if ((r = identity_diff(before, after, &diff)) != 0)
        return err_set(err, r, "out of memory");
    for (size_t i = 0; r == 0 && i < diff.added_n; i++)
        if (diff.added[i].kind == IDENT_INSTALLATION && diff.added[i].value.len == 32)
            r = installation_set_add(added, diff.added[i].value.data, inbox_id);
    for (size_t i = 0; r == 0 && i < diff.removed_n; i++)
        if (diff.removed[i].kind == IDENT_INSTALLATION && diff.removed[i].value.len == 32)
            r = installation_set_add(removed, diff.removed[i].value.data, inbox_id);
    identity_diff_free(&diff);
    return r == 0 ? 0 : err_set(err, r, "out of memory");
}

/* ---- from the network ---- */

static int ask_node(void *ctx, struct slice account_id, uint64_t block_number, const uint8_t hash[32],
                    struct slice signature, bool *is_valid, struct err *err)
{
    struct core *core = ctx;
    struct node_wallet_verdicts verdicts = {0};
    char account[160];
    struct node_wallet_check check = {.account_id = account,
                                      .has_block_number = true,
                                      .block_number = block_number,
                                      .signature = signature,
                                      .hash = slice_of(hash, 32)};
    int r;

    if (account_id.len >= sizeof account)
        return err_set(err, ERR_MALFORMED, "account id of %zu bytes", account_id.len);
    snprintf(account, sizeof account, "%.*s", (int)account_id.len, (const char *)account_id.data);
    if ((r = node_verify_wallet_signatures(core->api, &check, 1, &verdicts, err)) != 0)
        return r;
    if (verdicts.count != 1)
        r = err_set(err, ERR_REMOTE, "the node judged %zu signatures instead of one", verdicts.count);
    else
        *is_valid = verdicts.verdicts[0].is_valid;
    node_wallet_verdicts_free(&verdicts);
    return r;
}

/* The states that new updates of one inbox lead to, in order; a slot is NULL from the first update on
 * that does not evaluate. */
static int evaluate_new(struct core *core, const struct node_inbox_log *log, struct identity_state **states,
                        struct err *err)
{
    struct scw_verifier verifier = {.verify = ask_node, .ctx = core};
    const struct identity_state *before = NULL, *stored;
    uint64_t newest = 0;
    int r;

    if ((r = inbox_latest(core, log->inbox_id, &newest, err)) != 0)
        return r;
    if (newest > 0) {
        struct buf copy = BUF_INIT;
        /* A copy of its own: the cache may move on while the verifier waits. */
        if (inbox_state_at(core, log->inbox_id, newest, &stored, err) != 0)
            return 0;
        identity_state_write(stored, &copy);
        r = buf_ok(&copy) ? identity_state_read(buf_slice(&copy), newest, &states[log->count], err) : ERR_NOMEM;
        buf_free(&copy);
        if (r != 0)
            return r;
        before = states[log->count];
    }
    for (size_t i = 0; i < log->count; i++) {
        enum identity_fault fault = IDENTITY_OK;
        struct err why = {0};
        if (log->updates[i].cursor.sequence_id <= newest)
            continue;
        r = identity_state_advance(before, log->updates[i].update, log->updates[i].cursor.sequence_id, &verifier,
                                   &states[i], &fault, &why);
        if (r == ERR_NOMEM || fault == IDENTITY_UNKNOWN) {
            if (err)
                *err = why;
            return r;
        }
        if (r != 0) {
            log_warn("inboxes", "inbox %.16s: update %llu: %s", log->inbox_id,
                     (unsigned long long)log->updates[i].cursor.sequence_id, why.text);
            return 0;
        }
        before = states[i];
    }
    return 0;
}

/* Addresses of members, for showing; an address that we know otherwise stays as the network said. */
static int learn_addresses(struct core *core, const struct identity_state *state, struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    const struct identity_member *m;
    const char *known;
    int r = 0;

    for (size_t i = 0; r == 0 && (m = identity_state_nth(state, IDENT_ETHEREUM, i)) != NULL; i++)
        if (store_inbox_of_get(core->store, NODE_IDENTIFIER_ETHEREUM, m->id.value, &mem, &known, NULL, NULL) ==
            ERR_NOTFOUND)
            r = store_inbox_of_put(core->store, NODE_IDENTIFIER_ETHEREUM, m->id.value, state->inbox_id,
                                   core_now_ns(core), err);
    store_mem_free(&mem);
    return r;
}

static int store_log(struct core *core, const struct node_inbox_log *log, struct identity_state *const *states,
                     struct err *err)
{
    struct buf row = BUF_INIT;
    int r = 0;

    for (size_t i = 0; r == 0 && i < log->count; i++) {
        const struct node_identity_update *u = &log->updates[i];
        struct store_identity_update put = {.inbox_id = log->inbox_id,
                                            .sequence_id = (int64_t)u->cursor.sequence_id,
                                            .originator = u->cursor.originator,
                                            .server_time_ns = (int64_t)u->server_time_ns,
                                            .payload = u->update};
        if ((r = store_identity_update_put(core->store, &put, NULL, err)) != 0 || !states[i])
            continue;
        buf_reset(&row);
        identity_state_write(states[i], &row);
        r = buf_ok(&row) ? store_association_put(core->store, log->inbox_id, put.sequence_id, buf_slice(&row), err)
                         : err_set(err, ERR_NOMEM, "out of memory");
        if (r == 0 && i + 1 == log->count)
            r = learn_addresses(core, states[i], err);
    }
    buf_free(&row);
    return r;
}

/* Logs whose new states are known, and which go into the store together. */
struct evaluated {
    const struct node_inbox_log *logs;
    struct identity_state ***states; /* of each log its own, and one more: where they start from */
    size_t n;
};

static void states_free(struct identity_state **states, size_t n)
{
    for (size_t i = 0; i < n; i++)
        identity_state_free(states[i]);
    xm_free(states);
}

static void evaluated_free(struct evaluated *e)
{
    for (size_t i = 0; i < e->n; i++)
        states_free(e->states[i], e->logs[i].count + 1);
    xm_free(e->states);
}

/* As many of the `n` logs as one transaction is to have, at least one; `e->n` tells how many. */
static int evaluate_some(struct core *core, size_t n, struct evaluated *e, struct err *err)
{
    size_t updates = 0;
    int r;

    e->states = xm_calloc(n, sizeof *e->states);
    if (!e->states)
        return err_set(err, ERR_NOMEM, "out of memory");
    while (e->n < n && updates < UPDATES_TOGETHER) {
        const struct node_inbox_log *log = &e->logs[e->n];
        struct identity_state **states = xm_calloc(log->count + 1, sizeof *states);

        if (!states)
            return err_set(err, ERR_NOMEM, "out of memory");
        if (log->count > 0 && (r = evaluate_new(core, log, states, err)) != 0) {
            states_free(states, log->count + 1);
            return r; /* those before it count */
        }
        e->states[e->n++] = states;
        updates += log->count;
    }
    return 0;
}

static int store_evaluated(struct core *core, const struct evaluated *e, struct err *err)
{
    int r = core_begin(core, false, err);

    if (r != 0)
        return r;
    for (size_t i = 0; r == 0 && i < e->n; i++)
        r = store_log(core, &e->logs[i], e->states[i], err);
    if (r == 0)
        return core_commit(core, err);
    core_rollback(core);
    return r;
}

/* Who is loaded is looked at next: the newest states need not be read again. */
static void keep_newest(struct core *core, const struct evaluated *e)
{
    for (size_t i = 0; i < e->n; i++) {
        const struct node_inbox_log *log = &e->logs[i];
        struct identity_state **newest = log->count > 0 ? &e->states[i][log->count - 1] : NULL;
        uint64_t at = newest ? log->updates[log->count - 1].cursor.sequence_id : 0;

        if (!newest || !*newest || cache_find(core, log->inbox_id, at))
            continue;
        (void)cache_put(core, log->inbox_id, at, *newest); /* without memory it is read again after all */
        *newest = NULL;
    }
}

/* Takes from the front of the logs; *used: how many. */
static int take_some(struct core *core, const struct node_inbox_log *logs, size_t n, size_t *used, struct err *err)
{
    struct evaluated e = {.logs = logs};
    int r = evaluate_some(core, n, &e, err), stored = 0;

    if (e.n > 0)
        stored = store_evaluated(core, &e, r == 0 ? err : NULL);
    if (e.n > 0 && stored == 0)
        keep_newest(core, &e);
    *used = e.n;
    evaluated_free(&e);
    return r == 0 ? stored : r;
}

int inbox_load(struct core *core, const char *const *inbox_ids, size_t n, struct err *err)
{
    struct node_inbox_request *requests = NULL;
    struct node_inbox_updates updates = {0};
    int r = 0;

    if (n == 0)
        return 0;
    if (!core->api)
        return err_set(err, ERR_OFFLINE, "offline: the network is not asked");
    requests = xm_calloc(n, sizeof *requests);
    if (!requests)
        return err_set(err, ERR_NOMEM, "out of memory");
    for (size_t i = 0; r == 0 && i < n; i++) {
        requests[i].inbox_id = inbox_ids[i];
        r = inbox_latest(core, inbox_ids[i], &requests[i].after_sequence_id, err);
    }
    if (r == 0)
        r = node_get_identity_updates(core->api, requests, n, &updates, err);
    for (size_t i = 0, used; r == 0 && i < updates.count; i += used)
        r = take_some(core, &updates.inboxes[i], updates.count - i, &used, err);
    node_inbox_updates_free(&updates);
    xm_free(requests);
    return r == 0 ? 0 : err_wrap(err, r, "loading identity updates");
}

/* Does the stored log reach this place? */
static bool reaches(struct core *core, const struct inbox_at *at)
{
    uint64_t newest = 0;

    if (cache_find(core, at->inbox_id, at->sequence_id))
        return true;
    return inbox_latest(core, at->inbox_id, &newest, NULL) == 0 && newest > 0 && newest >= at->sequence_id;
}

bool inbox_has_all(struct core *core, const struct inbox_at *at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (at[i].sequence_id != 0 && !reaches(core, &at[i]))
            return false;
    return true;
}

int inbox_load_missing(struct core *core, const struct inbox_at *at, size_t n, struct err *err)
{
    const char **missing = xm_calloc(n ? n : 1, sizeof *missing);
    size_t count = 0;
    int r;

    if (!missing)
        return err_set(err, ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < n; i++)
        if (!reaches(core, &at[i]))
            missing[count++] = at[i].inbox_id;
    r = inbox_load(core, missing, count, err);
    xm_free(missing);
    return r;
}

/* ---- addresses ---- */

static int resolve_stored(struct core *core, struct slice address, char out[65], struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    const char *inbox_id;
    int r = store_inbox_of_get(core->store, NODE_IDENTIFIER_ETHEREUM, address, &mem, &inbox_id, NULL, err);

    if (r == 0)
        snprintf(out, 65, "%s", inbox_id);
    else if (r == ERR_NOTFOUND)
        out[0] = 0;
    store_mem_free(&mem);
    return r == ERR_NOTFOUND ? 0 : r;
}

/* A node that names another inbox would put somebody else in the place of the person who is meant: the log of the
 * inbox, signed by its wallets, has to have the address. */
static int confirm(struct core *core, char (*addresses)[ETH_ADDRESS_LEN + 1], const char *const *inbox_ids, size_t n,
                   struct err *err)
{
    const char **named = xm_calloc(n, sizeof *named);
    const struct identity_state *state;
    size_t count = 0;
    int r;

    if (!named)
        return err_set(err, ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < n; i++)
        if (inbox_ids[i])
            named[count++] = inbox_ids[i];
    r = inbox_load(core, named, count, err);
    for (size_t i = 0; r == 0 && i < n; i++) {
        if (!inbox_ids[i])
            continue;
        r = inbox_state_at(core, inbox_ids[i], 0, &state, err);
        if (r == ERR_NOTFOUND || (r == 0 && !identity_state_member(state, ident_ethereum(addresses[i]))))
            r = err_set(err, ERR_REMOTE, _("the node names an inbox for %s that does not have this address"),
                        addresses[i]);
    }
    xm_free(named);
    return r;
}

static int resolve_network(struct core *core, char (*addresses)[ETH_ADDRESS_LEN + 1], size_t n, char (*out)[65],
                           struct err *err)
{
    struct node_identifier *ids = xm_calloc(n, sizeof *ids);
    struct node_inbox_ids found = {0};
    int r;

    if (!ids)
        return err_set(err, ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < n; i++)
        ids[i] = (struct node_identifier){NODE_IDENTIFIER_ETHEREUM, addresses[i]};
    if (!core->api)
        r = err_set(err, ERR_OFFLINE, "offline: the network is not asked");
    else
        r = node_get_inbox_ids(core->api, ids, n, &found, err);
    if (r == 0 && found.count != n)
        r = err_set(err, ERR_REMOTE, "the node answered for %zu addresses instead of %zu", found.count, n);
    if (r == 0)
        r = confirm(core, addresses, found.inbox_ids, n, err);
    for (size_t i = 0; r == 0 && i < n; i++) {
        snprintf(out[i], 65, "%s", found.inbox_ids[i] ? found.inbox_ids[i] : "");
        if (found.inbox_ids[i])
            r = store_inbox_of_put(core->store, NODE_IDENTIFIER_ETHEREUM, slice_str(addresses[i]), out[i],
                                   core_now_ns(core), err);
    }
    node_inbox_ids_free(&found);
    xm_free(ids);
    return r;
}

int inbox_resolve_addresses(struct core *core, const char *const *addresses, size_t n, char (*out)[65],
                            struct err *err)
{
    char(*lower)[ETH_ADDRESS_LEN + 1];
    int r = 0;

    if (n == 0)
        return 0;
    if (!(lower = xm_calloc(n, sizeof *lower)))
        return err_set(err, ERR_NOMEM, "out of memory");
    for (size_t i = 0; r == 0 && i < n; i++) {
        r = ident_parse_address(addresses[i], lower[i], err);
        out[i][0] = 0;
    }
    if (r == 0 && (r = resolve_network(core, lower, n, out, err)) == ERR_OFFLINE) {
        bool all = true;
        for (size_t i = 0; i < n; i++)
            if (resolve_stored(core, slice_str(lower[i]), out[i], NULL) != 0 || !out[i][0])
                all = false;
        r = all ? 0 : r;
    }
    xm_free(lower);
    return r;
}

int inbox_resolve_address(struct core *core, const char *address, char inbox_id[65], struct err *err)
{
    char found[1][65];
    int r = inbox_resolve_addresses(core, &address, 1, found, err);

    if (r != 0)
        return r;
    if (!found[0][0])
        return err_set(err, ERR_NOTFOUND, "%.42s has no XMTP inbox on this network", address);
    memcpy(inbox_id, found[0], 65);
    return 0;
}
