/* What a message says: building and reading EncodedContent (sync.md sections 8.5 to 8.7).
 *
 * Pure.  Contents from outside are hostile: everything read here is bounded, and what does not parse
 * is shown by its fallback.  Thread: any. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "store/messages.h"

struct encoded;
struct err;

/* Numbers of the store's content_type column (sync.md 8.6). */
enum content_kind {
    CONTENT_UNKNOWN = 0,
    CONTENT_TEXT = 1,
    CONTENT_MEMBERSHIP_CHANGE = 2,
    CONTENT_GROUP_UPDATED = 3,
    CONTENT_REACTION = 4,
    CONTENT_READ_RECEIPT = 5,
    CONTENT_REPLY = 6,
    CONTENT_ATTACHMENT = 7,
    CONTENT_REMOTE_ATTACHMENT = 8,
    CONTENT_TRANSACTION_REFERENCE = 9,
    CONTENT_WALLET_SEND_CALLS = 10,
    CONTENT_LEAVE_REQUEST = 11,
    CONTENT_MARKDOWN = 12,
    CONTENT_ACTIONS = 13,
    CONTENT_INTENT = 14,
    CONTENT_MULTI_REMOTE_ATTACHMENT = 15,
    CONTENT_DELETE = 16
};

/* Facts of a content for the columns of its row. */
struct content_facts {
    enum content_kind kind;
    char type[64];                /* type id, cut where longer */
    uint32_t version_major, version_minor;
    bool should_push;             /* the default of the type */
    bool has_reference;
    uint8_t reference[32];        /* message that a reply, reaction or delete speaks of */
    enum store_message_shows shows;
};

/* Never fails: what does not decode is CONTENT_UNKNOWN with empty fields. */
void content_facts(struct slice encoded, struct content_facts *out);
/* The same for one that was parsed; a reference is only looked for where it is `unfolded`. */
void content_facts_of(const struct encoded *e, bool unfolded, struct content_facts *out);

/* Builders; *out is a serialised EncodedContent, ended with bytes_free().  ERR_NOMEM, ERR_TOOBIG. */
int content_text(const char *text, struct bytes *out, struct err *err);
int content_markdown(const char *text, struct bytes *out, struct err *err);
/* `quoted`: the text being answered, for the fallback, or NULL.  `reference_inbox` may be NULL. */
int content_reply(const uint8_t reference[32], const char *reference_inbox, const char *text, const char *quoted,
                  struct bytes *out, struct err *err);
int content_reaction(const uint8_t reference[32], const char *reference_inbox, const char *emoji, bool removed,
                     struct bytes *out, struct err *err);
int content_read_receipt(struct bytes *out, struct err *err);
int content_attachment(const char *filename, const char *mime_type, struct slice data, struct bytes *out,
                       struct err *err);
int content_delete(const uint8_t reference[32], struct bytes *out, struct err *err);
int content_leave_request(struct bytes *out, struct err *err);
/* Preference payloads: type application/x-protobuf around a DeviceSyncContent. */
int content_device_sync(struct slice payload, struct bytes *out, struct err *err);
/* The other way: the DeviceSyncContent inside, whatever the type says; ERR_MALFORMED. */
int content_device_sync_payload(struct slice encoded, struct bytes *out, struct err *err);

/* The `content` object of doc/rpc.md for sending -> EncodedContent.  `reference_inbox` and `quoted`
 * serve replies and reactions (may be NULL).  *kind may be NULL.  ERR_INVALID with a sentence. */
int content_from_json(const json_t *content, const char *reference_inbox, const char *quoted, struct bytes *out,
                      enum content_kind *kind, struct err *err);

/* What a Message shows: `contentType`, `content`, `fallback` as in doc/rpc.md; new references. */
struct content_view {
    enum content_kind kind;
    json_t *content_type; /* "xmtp.org/text:1.0" */
    json_t *content;
    json_t *fallback;     /* string or null */
    json_t *reference;    /* message id or null (replies, reactions, deletes) */
};
/* Never fails on bad content; ERR_NOMEM. */
int content_view(struct slice encoded, struct content_view *out, struct err *err);
void content_view_free(struct content_view *view);

/* A text of others as a JSON string: every byte that is no UTF-8, and NUL, is U+FFFD. */
json_t *content_clean_json(struct slice text);

/* Text of a content for a quote or a preview, sanitised UTF-8 of at most `max` bytes; NULL where it
 * has none.  Freed with xm_free(). */
char *content_preview(struct slice encoded, size_t max);

/* What a reaction says; false when `encoded` is none. */
struct content_reaction_parts {
    uint8_t reference[32];
    bool removed;
    char emoji[64];
};
bool content_read_reaction(struct slice encoded, struct content_reaction_parts *out);
struct encoded;
bool content_reaction_of(const struct encoded *e, struct content_reaction_parts *out); /* of type reaction */
