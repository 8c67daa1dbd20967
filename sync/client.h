/* What the files behind the public header share.  Thread: the caller's. */
#pragma once
#include "base/err.h"
#include "sync/xmtui/client.h"

struct core;

/* The background thread's: for what may be asked from outside it. */
struct core *client_core(struct xm_client *client);

/* Both return the code; `error` may be NULL. */
int client_fail(struct xm_error *error, enum xm_code code, const char *text);
int client_fail_err(struct xm_error *error, int r, const struct err *err);
