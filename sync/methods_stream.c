/* stream.start, stream.stop. */
#include "base/err.h"
#include "base/i18n.h"
#include "sync/consent.h"
#include "sync/core.h"
#include "sync/params.h"
#include "sync/rpc.h"
#include "sync/streams.h"
#include "sync/worker.h"

#include <string.h>

static int read_kinds(struct rpc *rpc, unsigned *out)
{
    static const struct {
        const char *name;
        unsigned kind;
    } names[] = {{"messages", STREAM_MESSAGES},
                 {"conversations", STREAM_CONVERSATIONS},
                 {"consent", STREAM_CONSENT},
                 {"preferences", STREAM_PREFERENCES}};
    json_t *list, *item;
    size_t i;
    int r;

    *out = STREAM_ALL;
    if ((r = rpc_strings(rpc, "kinds", false, &list)) != 0 || !list)
        return r;
    *out = 0;
    json_array_foreach(list, i, item) {
        unsigned kind = 0;

        for (size_t k = 0; k < sizeof names / sizeof names[0]; k++)
            if (strcmp(json_string_value(item), names[k].name) == 0)
                kind = names[k].kind;
        if (!kind)
            return err_set(&rpc->err, ERR_INVALID, _("unknown kind of stream \"%.40s\""), json_string_value(item));
        *out |= kind;
    }
    return *out ? 0 : err_set(&rpc->err, ERR_INVALID, _("\"kinds\" is empty"));
}

static int stream_start(struct rpc *rpc)
{
    unsigned kinds, states;
    json_int_t id;
    bool live;
    int r;

    if ((r = read_kinds(rpc, &kinds)) != 0 || (r = params_consent_states(rpc, &states)) != 0 ||
        (r = streams_start(rpc->core, kinds, states, &id, &live, &rpc->err)) != 0)
        return r;
    rpc->result = json_pack("{s:I,s:s}", "subscription", id, "state", live ? "live" : "offline");
    return 0;
}

static int stream_stop(struct rpc *rpc)
{
    int64_t id;
    int r;

    if ((r = rpc_int(rpc, "subscription", 0, &id)) != 0)
        return r;
    return streams_stop(rpc->core, (json_int_t)id, &rpc->err);
}

const struct rpc_method stream_methods[] = {
    {"stream.start", stream_start, NULL, 0},
    {"stream.stop", stream_stop, NULL, 0},
    {NULL, NULL, NULL, 0},
};
