/* Our key packages: one on the network, superseded ones kept for a day (identity.md 6.5, 7).
 * Thread: background.  Calls marked "waits" run inside a fiber. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

struct core;
struct err;

/* Waits.  Makes a key package, stores its private parts, uploads it, and marks the older ones for
 * deletion.  ERR_OFFLINE leaves the rotation due. */
int key_package_rotate(struct core *core, struct err *err);

/* Inside a transaction: a welcome was fetched, so rotate 5 s from now at the latest. */
int key_package_welcome_seen(struct core *core, struct err *err);

/* When the next rotation is due, ns since 1970. */
int key_package_next_rotation(struct core *core, int64_t *due_ns, struct err *err);

/* Deletes superseded packages whose day has passed. */
int key_package_sweep(struct core *core, struct err *err);

/* Waits.  Rotates and sweeps what is due now; *next_ns (may be NULL) is when to come again. */
int key_package_maintain(struct core *core, int64_t *next_ns, struct err *err);
