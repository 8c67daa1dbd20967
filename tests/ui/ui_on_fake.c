/* The screen on the terminal of this process with the tests' core behind it:
 * ui_on_fake world|home|hostile */
#include "base/rand.h"
#include "tests/ui/fake.h"
#include "tests/ui/hostile.h"
#include "ui/run.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOSTILE_MESSAGES 3000

/* A conversation of nothing but attacks: names, topics, words, emoji. */
static void fill_hostile(struct fake *f)
{
    struct rand_seed seed;
    struct rand r = rand_seeded(&seed, 7);
    json_t *chats = json_object_get(f->world, "conversations"), *list = json_array(), *c;
    size_t i;
    char text[600], id[32], ns[32];

    json_array_foreach (chats, i, c) {
        text[hostile_text(&r, text, 40, true)] = 0;
        json_object_set_new(c, "name", json_string(text));
        json_object_set_new(c, "type", json_string("group"));
        json_object_set_new(c, "consent", json_string(i % 2 ? "unknown" : "allowed"));
    }
    for (int n = 0; n < HOSTILE_MESSAGES; n++) {
        size_t len = hostile_text(&r, text, sizeof text, true);

        snprintf(id, sizeof id, "h%d", n);
        snprintf(ns, sizeof ns, "%lld", (long long)(START_NS + n * INT64_C(1000000000)));
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:{s:o}, s:[{s:o}]}", "id", id, "conversationId", "c0a1",
                                              "senderInboxId", MARIA, "sentAtNs", ns, "kind", "application", "status", "published",
                                              "contentType", "xmtp.org/text:1.0", "content", "text", json_stringn(text, len), "reactions",
                                              "emoji", json_stringn(text, len > 12 ? 0 : len)));
    }
    json_object_set_new(json_object_get(f->world, "messages"), "c0a1", list);
}

int main(int argc, char **argv)
{
    struct screen_options options = {.env = "local"};
    struct fake *f;
    int status;

    setlocale(LC_ALL, "");
    f = argc > 1 && strcmp(argv[1], "home") == 0 ? fake_new_home() : fake_new();
    if (argc > 1 && strcmp(argv[1], "hostile") == 0)
        fill_hostile(f);
    status = run_screen(&f->base, &options);
    fake_free(f);
    return status;
}
