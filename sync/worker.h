/* What goes on by itself while a home is open: finishing a registration, the preferences group, the
 * outbox, key packages, disappearing messages, and, unless the core is quiet, a regular look at the
 * network as a floor under the live stream.  Thread: background. */
#pragma once

struct core;
struct err;

/* Begins it; returns at once. */
void worker_start(struct core *core);

/* After client.init: the part that waits for a registration. */
void worker_registered(struct core *core);

/* Makes sure of the network once before a request uses it: starts the local node where that is ours
 * to do, and finishes what an earlier run could not send.  Inside a fiber.  ERR_OFFLINE. */
int worker_online(struct core *core, struct err *err);
