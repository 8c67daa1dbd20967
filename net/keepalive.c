#include "net/keepalive.h"

void keepalive_init(struct keepalive *k, uint64_t interval_ms, uint64_t timeout_ms, uint64_t now_ms)
{
    *k = (struct keepalive){.interval_ms = interval_ms, .timeout_ms = timeout_ms, .heard_ms = now_ms};
}

void keepalive_heard(struct keepalive *k, uint64_t now_ms)
{
    k->heard_ms = now_ms;
    k->waiting = false;
}

enum keepalive_act keepalive_step(struct keepalive *k, uint64_t now_ms, uint64_t *wait_ms)
{
    uint64_t silent = now_ms - k->heard_ms;

    if (k->waiting) {
        uint64_t waited = now_ms - k->pinged_ms;

        if (waited >= k->timeout_ms)
            return KEEPALIVE_DEAD;
        *wait_ms = k->timeout_ms - waited;
        return KEEPALIVE_WAIT;
    }
    if (silent < k->interval_ms) {
        *wait_ms = k->interval_ms - silent;
        return KEEPALIVE_WAIT;
    }
    k->waiting = true;
    k->pinged_ms = now_ms;
    *wait_ms = k->timeout_ms;
    return KEEPALIVE_PING;
}
