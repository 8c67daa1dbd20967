/* Which failed calls to repeat, how often, how soon.  Pure.  Thread: any.
 *
 * The waits are libxmtp's (50, 50, 150, 450, 1350 ms and up to 25 ms jitter, xmtp_common/src/retry.rs),
 * the choice of statuses is ours: libxmtp repeats every status, INVALID_ARGUMENT included, and so sends a
 * refused request six times. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct rand;

struct retry {
    unsigned attempts; /* failed so far */
};

/* A call ended with `status`.  True: repeat it after *wait_ms.  False: give up.
 * `left_ms` is what the overall deadline leaves; a wait that would not fit gives up. */
bool retry_next(struct retry *r, int status, uint64_t left_ms, const struct rand *rand, uint64_t *wait_ms);
