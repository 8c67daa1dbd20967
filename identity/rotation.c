#include "identity/rotation.h"

#include "identity/key_package.h"

/* No upload sets a time further ahead than this, unless the clock was: then the package is not valid yet, and
 * nobody can invite us with it. */
#define FURTHEST_NS (ROTATION_PERIOD_NS + KEY_PACKAGE_BACKDATE_S * INT64_C(1000000000))

bool rotation_is_due(int64_t next_ns, int64_t now_ns)
{
    return next_ns == 0 || now_ns >= next_ns || next_ns - now_ns > FURTHEST_NS;
}

int64_t rotation_after_welcome(int64_t next_ns, int64_t now_ns)
{
    int64_t soon = now_ns + ROTATION_AFTER_WELCOME_NS;

    return next_ns == 0 || next_ns <= soon ? next_ns : soon;
}

/* A rotation that became due while the upload ran (a welcome came) stays due only if it lies ahead:
 * what is overdue or unknown is what this upload was for. */
int64_t rotation_after_upload(int64_t next_ns, int64_t now_ns)
{
    return rotation_is_due(next_ns, now_ns) ? now_ns + ROTATION_PERIOD_NS : next_ns;
}

int64_t rotation_delete_at(int64_t now_ns)
{
    return now_ns + KEY_PACKAGE_KEEP_NS;
}

bool rotation_may_delete(int64_t delete_at_ns, int64_t now_ns)
{
    return delete_at_ns != 0 && now_ns >= delete_at_ns;
}
