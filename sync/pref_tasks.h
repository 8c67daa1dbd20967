/* What is owed after an installation of ours has come or gone (sync.md 1.7, 5.2, 5.3): a new HMAC root key,
 * the conversations for the one that came, a fresh preferences group without the one that is gone.
 *
 * Each is a durable task, written with what calls for it, so that it is done even where the program ends, or
 * the network goes, right afterwards.
 *
 * Thread: background. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct core;
struct err;

/* Inside the transaction that stores the preferences group of an installation that came. */
int pref_tasks_for_newcomer(struct core *core, const uint8_t group_id[16], struct err *err);

/* Around the publishing of a revocation: noted before, since nobody can tell where an answer is lost.
 * `result` is what publishing came to; the fresh group is made once it was published, or may have been. */
int pref_tasks_before_revocation(struct core *core, int64_t *revocation, struct err *err);
void pref_tasks_after_revocation(struct core *core, int64_t revocation, int result);

/* Is there anything to do now? */
bool pref_tasks_due(struct core *core);
/* Waits.  Does what is due; what fails is tried again later.  ERR_OFFLINE: all of it stays. */
int pref_tasks_run(struct core *core, struct err *err);
/* The same in a fiber of its own. */
void pref_tasks_kick(struct core *core);
