/* When to ping a silent peer, and when to give it up.  Pure: time comes in as an argument.
 *
 * A ping goes out after `interval_ms` of silence.  Any byte from the peer is a sign of life, since an
 * acknowledgement queues behind the data of a slow line.  Thread: any. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct keepalive {
    uint64_t interval_ms, timeout_ms;
    uint64_t heard_ms; /* last byte */
    uint64_t pinged_ms;
    bool waiting; /* a ping is out and nothing came since */
};

enum keepalive_act { KEEPALIVE_WAIT, KEEPALIVE_PING, KEEPALIVE_DEAD };

void keepalive_init(struct keepalive *k, uint64_t interval_ms, uint64_t timeout_ms, uint64_t now_ms);
void keepalive_heard(struct keepalive *k, uint64_t now_ms);
/* What to do at `now_ms`.  WAIT and PING: call again in *wait_ms. */
enum keepalive_act keepalive_step(struct keepalive *k, uint64_t now_ms, uint64_t *wait_ms);
