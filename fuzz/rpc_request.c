/* Fuzz target: a request of a program, "METHOD PARAMS", to a home that is offline.  Each is answered once, with JSON,
 * and the reader of the screen answers it too. */
#include "fuzz/fuzz.h"
#include "sync/xmtui/client.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WAIT_MS 20000

static char home[64];
static struct xm_client *client;
static struct xm_reader *reader;

static void end(void)
{
    static const char *const files[] = {"xmtui.db", "xmtui.db-wal", "xmtui.db-shm", "xmtui.lock", "db.key"};
    char path[100];

    xm_reader_close(reader);
    xm_client_close(client);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", home, files[i]);
        unlink(path);
    }
    rmdir(home);
}

static void begin(void)
{
    struct xm_options options = {.home = home, .offline = true, .no_node = true, .quiet = true};

    snprintf(home, sizeof home, "%s/fuzz-rpc-XXXXXX", scratch_root());
    must(mkdtemp(home) != NULL && atexit(end) == 0);
    must(xm_client_open(&options, &client, NULL) == XM_OK && xm_reader_open(client, &reader, NULL) == XM_OK);
}

static void answered(int r, char *text, const struct xm_error *error)
{
    json_t *json = r == XM_OK ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
    struct xm_event *event;

    while ((event = xm_client_next(client)) != NULL) /* what streams tell meanwhile */
        xm_event_free(event);
    must(r == XM_OK ? json != NULL : r < 0 && *error->text != 0);
    json_decref(json);
    xm_free_text(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *line = malloc(size + 1), *params;
    struct xm_error error = {0};
    char *text = NULL;
    int r;

    if (!client)
        begin();
    must(line != NULL);
    memcpy(line, data, size);
    line[size] = 0;
    params = strchr(line, ' ');
    if (params)
        *params++ = 0;
    r = xm_client_request(client, line, params, WAIT_MS, &text, &error);
    must(strcmp(error.text, "no answer in time") != 0);
    answered(r, text, &error);
    text = NULL;
    error = (struct xm_error){0};
    r = xm_reader_call(reader, line, params, &text, &error);
    answered(r, text, &error);
    free(line);
    return 0;
}
