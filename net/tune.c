#include "net/tune.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

void net_tune_malloc(void)
{
#if defined(__GLIBC__) && defined(M_TRIM_THRESHOLD) && defined(M_TOP_PAD)
    /* The idle program's memory matters too: enough for the traffic of a busy sync, no more. */
    mallopt(M_TRIM_THRESHOLD, 32 * 1024 * 1024);
    mallopt(M_TOP_PAD, 1024 * 1024);
#endif
}
