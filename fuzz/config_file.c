/* Fuzz target: config.ini as somebody wrote it.  What can be read can be saved, and reads the same afterwards. */
#include "base/err.h"
#include "fuzz/fuzz.h"
#include "ui/config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[64], path[100];

static void end(void)
{
    unlink(path);
    rmdir(folder);
}

static void begin(void)
{
    snprintf(folder, sizeof folder, "%s/fuzz-config-XXXXXX", scratch_root());
    must(mkdtemp(folder) != NULL && atexit(end) == 0);
    snprintf(path, sizeof path, "%s/config.ini", folder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config first = config_default(), second = config_default();
    struct err err = {0};
    FILE *f;

    if (!*path)
        begin();
    f = fopen(path, "w");
    must(f != NULL && fwrite(data, 1, size, f) == size && fclose(f) == 0);
    if (config_load(&first, path, &err) != 0) {
        must(*err.text != 0);
        return 0;
    }
    must(config_save(&first, path, &err) == 0);
    must(config_load(&second, path, &err) == 0);
    must(first.clock == second.clock && first.colour == second.colour && first.lines == second.lines);
    return 0;
}
