/* Sets of installation ids, each with the inbox that it belongs to where that is known.  Small arrays:
 * a commit names tens of installations.  Pure; thread: any. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct installation {
    uint8_t id[32];
    char inbox_id[65]; /* may be empty */
};

struct installation_set {
    struct installation *at;
    size_t n, cap;
};

int installation_set_add(struct installation_set *set, const uint8_t id[32], const char *inbox_id); /* once */
bool installation_set_has(const struct installation_set *set, const uint8_t id[32]);
bool installation_set_remove(struct installation_set *set, const uint8_t id[32]); /* true if it was in */
void installation_set_free(struct installation_set *set);
