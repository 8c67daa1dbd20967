#include "net/retry.h"

#include "base/rand.h"
#include "net/status.h"

static const uint16_t waits_ms[] = {50, 50, 150, 450, 1350};
#define WAITS (sizeof waits_ms / sizeof waits_ms[0])
#define JITTER_MS 25

/* How many repeats a status deserves. */
static unsigned repeats(int status)
{
    switch (status) {
    case GRPC_UNAVAILABLE:
    case GRPC_DEADLINE_EXCEEDED:
    case GRPC_RESOURCE_EXHAUSTED:
    case GRPC_ABORTED:
        return WAITS;
    case GRPC_INTERNAL: /* mostly a bug that stays, at times a proxy that recovers */
    case GRPC_UNKNOWN:
        return 2;
    default:
        return 0;
    }
}

bool retry_next(struct retry *r, int status, uint64_t left_ms, const struct rand *rand, uint64_t *wait_ms)
{
    uint64_t wait;

    if (r->attempts >= repeats(status))
        return false;
    wait = waits_ms[r->attempts] + rand_below(rand, JITTER_MS + 1);
    if (wait >= left_ms)
        return false;
    r->attempts++;
    *wait_ms = wait;
    return true;
}
