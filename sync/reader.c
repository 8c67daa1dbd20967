/* Reading beside the thread, on a connection of its own. */
#include "base/alloc.h"
#include "store/store.h"
#include "sync/client.h"
#include "sync/core.h"
#include "sync/open.h"
#include "sync/rpc.h"

#include <jansson.h>

struct xm_reader {
    struct store *store;
};

int xm_reader_open(struct xm_client *client, struct xm_reader **out, struct xm_error *error)
{
    struct xm_reader *reader = xm_alloc(sizeof *reader);
    struct err err = {0};
    int r;

    if (!reader)
        return client_fail(error, XM_FAILED, "out of memory");
    if ((r = core_open_reader(client_core(client), &reader->store, &err)) != 0) {
        xm_free(reader);
        return client_fail_err(error, r, &err);
    }
    *out = reader;
    return XM_OK;
}

int xm_reader_call(struct xm_reader *reader, const char *method, const char *params, char **result,
                   struct xm_error *error)
{
    struct rpc rpc = {.store = reader->store, .params = params ? json_loads(params, 0, NULL) : json_object()};
    int r;

    if (!json_is_object(rpc.params)) {
        r = err_set(&rpc.err, ERR_INVALID, "params must be a JSON object");
    } else if ((r = db_begin_reading(store_db(rpc.store), &rpc.err)) == 0) {
        r = rpc_run(&rpc, method); /* hundreds of statements for a page: one lock for all */
        db_end_reading(store_db(rpc.store));
    }
    if (r == 0 && !(*result = json_dumps(rpc.result, JSON_COMPACT | JSON_ENCODE_ANY)))
        r = err_set(&rpc.err, ERR_NOMEM, "out of memory");
    json_decref(rpc.params);
    json_decref(rpc.result);
    json_decref(rpc.error_data);
    return r == 0 ? XM_OK : client_fail_err(error, r, &rpc.err);
}

void xm_reader_close(struct xm_reader *reader)
{
    if (!reader)
        return;
    core_close_reader(reader->store);
    xm_free(reader);
}
