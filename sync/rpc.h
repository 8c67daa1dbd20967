/* The methods of the client core, by name: one table for keys, shell commands, rpc and programs.
 *
 * A method either only reads the store (`read`: works on any connection, in any thread that owns it)
 * or does something (`call`: runs in a fiber on the background thread).  Several do both: first
 * fetch, then read.  Methods live in sync/methods_*.c, each file with its own table.
 *
 * Errors: an enum err_code becomes the JSON-RPC error with data {code, retryable} that the
 * interface documents; what a caller needs beyond that goes into `error_data`. */
#pragma once
#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct core;
struct store;

/* One request on its way.  `params` is borrowed and always an object; the method gives `result` (a
 * new reference) or fails. */
struct rpc {
    struct core *core;   /* NULL on a reader's connection */
    struct store *store; /* the connection to read from */
    json_t *params;
    json_t *result;
    json_t *error_data; /* more for the error's data object, or NULL */
    struct err err;
};

enum rpc_flags {
    RPC_BEFORE_INIT = 1,  /* needs no installation; nor does what only reads, which has nothing to tell yet */
    RPC_MAY_OVERTAKE = 2, /* the note that a text was sent need not be written before it (sync/taken.h) */
};

struct rpc_method {
    const char *name;
    int (*call)(struct rpc *rpc); /* in a fiber; may wait.  NULL: reading is all there is to it */
    int (*read)(struct rpc *rpc); /* no network, no writing.  NULL: not for readers */
    unsigned flags;               /* of enum rpc_flags */
};

/* Tables end with a NULL name. */
extern const struct rpc_method client_methods[];
extern const struct rpc_method account_methods[];
extern const struct rpc_method conversations_methods[];
extern const struct rpc_method conversation_methods[];
extern const struct rpc_method group_methods[];
extern const struct rpc_method permission_methods[];
extern const struct rpc_method signature_methods[];
extern const struct rpc_method preferences_methods[];
extern const struct rpc_method stream_methods[];

/* The method of that name, or NULL. */
const struct rpc_method *rpc_find(const char *name);

/* Runs a method to its end: in a fiber with a core, at once on a reader.  0 with rpc->result set, or
 * an ERR_ code with rpc->err. */
int rpc_run(struct rpc *rpc, const char *method);

/* Numbers that mean more than the code in their data. */
#define RPC_SIGNATURE_NEEDED (-32009)
#define RPC_NOT_YET (-32011)
#define RPC_WRONG_KEY (-32012)

/* The JSON-RPC error object for what rpc_run() returned; a new reference. */
json_t *rpc_error(const struct rpc *rpc, int code);

/* The failure of what needs an installation that this home has not yet. */
int rpc_not_registered(struct rpc *rpc);

/* ---- parameters ---- */

/* A string parameter, or NULL when absent; ERR_INVALID for another type.  `required` makes absence
 * ERR_INVALID too. */
int rpc_string(struct rpc *rpc, const char *name, bool required, const char **out);
/* An integer or a decimal string (times do not fit a double); `fallback` when absent. */
int rpc_int(struct rpc *rpc, const char *name, int64_t fallback, int64_t *out);
int rpc_bool(struct rpc *rpc, const char *name, bool fallback, bool *out);
/* An array of strings, or NULL when absent. */
int rpc_strings(struct rpc *rpc, const char *name, bool required, json_t **out);
/* Hex of exactly `len` bytes. */
int rpc_hex(struct rpc *rpc, const char *name, uint8_t *out, size_t len);

/* ---- results ---- */

json_t *rpc_ns(int64_t ns);                         /* decimal string */
json_t *rpc_hex_json(const void *data, size_t len); /* hex string */
