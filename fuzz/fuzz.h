/* What fuzz targets share. */
#pragma once
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

/* What has to hold besides not crashing. */
static inline void must(bool fact)
{
    if (!fact)
        abort();
}

/* Where targets that need files make theirs: in memory where the system has that. */
static inline const char *scratch_root(void)
{
    return access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}
