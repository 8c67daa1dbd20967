/* Fuzz target: what stands in the lock file of a home that another process has open.  The home is refused, and
 * whoever has it is a number, or not named. */
#include "base/err.h"
#include "fuzz/fuzz.h"
#include "store/lock.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[64];
static int held = -1;

static void end(void)
{
    lock_drop(held);
    unlink(path);
}

static void begin(void)
{
    int fd;

    snprintf(path, sizeof path, "%s/fuzz-lock-XXXXXX", scratch_root());
    must((fd = mkstemp(path)) >= 0 && close(fd) == 0 && atexit(end) == 0);
    must(lock_take(path, &held, NULL) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char named[] = "in use by process ", nameless[] = "in use by another process (";
    struct err err = {0};
    int second = -1;

    if (held < 0)
        begin();
    must(ftruncate(held, 0) == 0 && pwrite(held, data, size, 0) == (ssize_t)size);
    must(lock_take(path, &second, &err) == ERR_LOCKED && second == -1);
    if (strncmp(err.text, nameless, strlen(nameless)) != 0) {
        must(strncmp(err.text, named, strlen(named)) == 0);
        must(err.text[strlen(named)] >= '1' && err.text[strlen(named)] <= '9');
    }
    must(strstr(err.text, path) != NULL);
    return 0;
}
