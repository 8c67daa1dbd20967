/* Message contents: facts, view, preview; a reader that crashes here falls to one message. */
#include "sync/content.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct content_reaction_parts parts;
    struct content_facts facts;
    struct content_view view;
    char *preview;

    content_facts(slice_of(data, size), &facts);
    (void)content_read_reaction(slice_of(data, size), &parts);
    preview = content_preview(slice_of(data, size), 100);
    free(preview);
    if (content_view(slice_of(data, size), &view, NULL) != 0)
        abort(); /* everything is shown somehow */
    content_view_free(&view);
    return 0;
}
