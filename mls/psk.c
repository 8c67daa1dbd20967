/* Pre-shared keys (RFC 9420 section 8.4): where they come from. */
#include "base/err.h"
#include "mls/group.h"

/* Nobody needs more in one commit, and the search for doubles is quadratic. */
#define MLS_PSKS_MAX 1000

static int kept_resumption(const struct mls_group *g, const struct mls_psk_id *id, struct bytes *out)
{
    struct slice found = {0};

    if (!g || id->type != MLS_PSK_RESUMPTION || !slice_eq(id->group_id, g->ctx.group_id))
        return ERR_NOTFOUND;
    if (id->epoch == g->ctx.epoch)
        found = slice_of(g->secrets.resumption, MLS_HASH_LEN);
    for (uint32_t i = 0; i < g->resumption_n; i++)
        if (g->resumption[i].epoch == id->epoch)
            found = slice_of(g->resumption[i].secret, MLS_HASH_LEN);
    return found.len ? bytes_dup(found, out) : ERR_NOTFOUND;
}

static int find_psk(const struct mls_config *config, const struct mls_group *g, const struct mls_psk_id *id,
                    struct bytes *out)
{
    int e = kept_resumption(g, id, out);

    if (e != ERR_NOTFOUND || !config->psk)
        return e;
    return config->psk(config->psk_ctx, id->psk_id, id->group_id, id->epoch, out);
}

int mls_psk_collect(const struct mls_config *config, const struct mls_group *g, const struct mls_psk_id *ids,
                    size_t n, uint8_t psk_secret[MLS_HASH_LEN], struct err *err)
{
    for (size_t i = 0; i < MLS_HASH_LEN; i++)
        psk_secret[i] = 0;
    if (n > MLS_PSKS_MAX)
        return err_set(err, ERR_TOOBIG, "%zu pre-shared keys", n);
    for (size_t i = 0; i < n; i++) {
        struct bytes psk = {0};
        int e;

        if (ids[i].nonce.len != MLS_HASH_LEN)
            return err_set(err, ERR_DENIED, "nonce of a pre-shared key has %zu bytes", ids[i].nonce.len);
        for (size_t j = 0; j < i; j++)
            if (slice_eq(ids[i].raw, ids[j].raw))
                return err_set(err, ERR_DENIED, "a pre-shared key is named twice");
        if ((e = find_psk(config, g, &ids[i], &psk)) != 0)
            return err_set(err, e, "pre-shared key %zu of %zu", i + 1, n);
        e = mls_psk_mix(psk_secret, ids[i].raw, (uint16_t)i, (uint16_t)n, bytes_slice(&psk));
        bytes_wipe(&psk);
        if (e)
            return err_set(err, e, "pre-shared key");
    }
    return 0;
}
