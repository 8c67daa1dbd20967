/* Fuzz target: what another installation of ours says that was decided: as the content of a message, and as the
 * payload inside of one. */
#include "base/err.h"
#include "sync/content.h"
#include "sync/pref_payload.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An update that is handed on makes sense: its entity has the length of its kind, and digits only. */
static int look(void *ctx, const struct pref_update *update)
{
    size_t len = strnlen(update->choice.entity, sizeof update->choice.entity);

    (void)ctx;
    if (update->kind == PREF_CONSENT && (len != (update->choice.type == CONSENT_INBOX ? 64u : 32u) ||
                                         strspn(update->choice.entity, "0123456789abcdef") != len))
        abort();
    return 0;
}

static void try_payload(struct slice payload)
{
    size_t refused = 0;

    (void)pref_payload_each(payload, look, NULL, &refused, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes payload = {0}, content = {0}, back = {0};

    try_payload(slice_of(data, size));
    if (content_device_sync_payload(slice_of(data, size), &payload, NULL) == 0)
        try_payload(bytes_slice(&payload));
    bytes_wipe(&payload);
    /* What we wrap we unwrap. */
    if (content_device_sync(slice_of(data, size), &content, NULL) != 0 ||
        content_device_sync_payload(bytes_slice(&content), &back, NULL) != 0 ||
        !slice_eq(bytes_slice(&back), slice_of(data, size)))
        abort();
    bytes_wipe(&content);
    bytes_wipe(&back);
    return 0;
}
