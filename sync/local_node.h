/* The node for one machine, started when nothing listens there (interface: `--env local`).
 *
 * It becomes a child of nobody, outlives us, and ends by itself ten minutes after its last client
 * has gone.  Two clients starting at once end up with one node: the second finds the port and the
 * database taken and leaves.  Thread: background; local_node_ensure() waits. */
#pragma once

struct core;
struct err;

/* Inside a fiber.  Returns when the node answers, or at once where none is to be started.
 * ERR_OFFLINE: there is no xmtui-node program, or it did not come up in time. */
int local_node_ensure(struct core *core, struct err *err);
