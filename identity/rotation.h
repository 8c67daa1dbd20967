/* When to make a new key package, and which old ones to forget.  Pure: times in, decisions out.
 *
 * All times are nanoseconds since 1970; 0 stands for "none".
 * Thread: any. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define ROTATION_PERIOD_NS        (INT64_C(30) * 86400 * 1000000000)
#define ROTATION_AFTER_WELCOME_NS (INT64_C(5) * 1000000000)
#define KEY_PACKAGE_KEEP_NS       (INT64_C(24) * 3600 * 1000000000)

/* `next_ns` is the stored time of the next rotation, 0 when none is stored (that counts as due, as does one that
 * only a clock running ahead can have set). */
bool rotation_is_due(int64_t next_ns, int64_t now_ns);
/* After a sync that brought welcomes: the package was used, so one soon.  The new `next_ns`. */
int64_t rotation_after_welcome(int64_t next_ns, int64_t now_ns);
/* After a package was uploaded: the new `next_ns`. */
int64_t rotation_after_upload(int64_t next_ns, int64_t now_ns);
/* When the packages before the one just uploaded are to be deleted. */
int64_t rotation_delete_at(int64_t now_ns);
bool rotation_may_delete(int64_t delete_at_ns, int64_t now_ns);
