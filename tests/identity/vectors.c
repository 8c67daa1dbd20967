#include "tests/identity/vectors.h"

#include "base/hex.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>

json_t *vectors_file(const char *name)
{
    const char *top = getenv("XM_SRCDIR");
    char path[4096];
    json_t *root;

    snprintf(path, sizeof path, "%s/tests/vectors/%s", top != NULL ? top : ".", name);
    root = json_load_file(path, 0, NULL);
    if (root == NULL) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(99);
    }
    return root;
}

struct bytes vectors_hex(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));
    struct bytes out = {0};

    if (text == NULL || hex_parse(text, &out) != 0)
        exit(99);
    return out;
}

void vectors_load(struct vectors *out)
{
    const json_t *updates;

    *out = (struct vectors){.root = vectors_file("identity.json")};
    out->states = json_object_get(out->root, "inboxStates");
    updates = json_object_get(out->root, "updates");
    for (size_t i = 0; i < json_array_size(updates); i++) {
        const json_t *u = json_array_get(updates, i);
        struct bytes data = vectors_hex(u, "update");

        out->update[out->n++] = (struct vector_update){
            .sequence_id = (uint64_t)json_integer_value(json_object_get(u, "sequenceId")),
            .inbox_id = json_string_value(json_object_get(u, "inboxId")),
            .text = json_string_value(json_object_get(u, "signatureText")),
            .data = bytes_slice(&data),
        };
    }
}

void vectors_free(struct vectors *vectors)
{
    for (size_t i = 0; i < vectors->n; i++) {
        struct bytes data = {(uint8_t *)(uintptr_t)vectors->update[i].data.data, vectors->update[i].data.len};

        bytes_free(&data);
    }
    json_decref(vectors->root);
}

size_t vectors_log(const struct vectors *vectors, const char *inbox_id, struct identity_log_entry *out)
{
    size_t n = 0;

    for (size_t i = 0; i < vectors->n; i++)
        if (strcmp(vectors->update[i].inbox_id, inbox_id) == 0)
            out[n++] = (struct identity_log_entry){vectors->update[i].sequence_id, vectors->update[i].data};
    return n;
}
