#include "store/schema.h"

static const char version_1[] =
    /* How to get the data key; see store/keys.h. */
    "CREATE TABLE data_key ("
    " id INTEGER PRIMARY KEY CHECK (id = 1),"
    " kind INTEGER NOT NULL,"
    " salt BLOB NOT NULL,"
    " passes INTEGER NOT NULL,"
    " bytes INTEGER NOT NULL,"
    " wrapped BLOB NOT NULL"
    ") STRICT;"

    "CREATE TABLE installation ("
    " id INTEGER PRIMARY KEY CHECK (id = 1),"
    " inbox_id TEXT NOT NULL,"
    " env TEXT NOT NULL,"
    " installation_id BLOB NOT NULL,"
    " registration INTEGER NOT NULL,"
    " created_at_ns INTEGER NOT NULL,"
    " next_rotation_ns INTEGER NOT NULL"
    ") STRICT;"
    "CREATE TABLE secrets ("
    " name TEXT PRIMARY KEY,"
    " value BLOB NOT NULL" /* sealed */
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE key_packages ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " ref BLOB NOT NULL UNIQUE,"
    " package BLOB NOT NULL,"
    " private_part BLOB NOT NULL," /* sealed */
    " init_key BLOB NOT NULL,"
    " wrapper_key BLOB,"
    " created_at_ns INTEGER NOT NULL,"
    " delete_at_ns INTEGER"
    ") STRICT;"
    "CREATE INDEX key_packages_init ON key_packages (init_key);"
    "CREATE INDEX key_packages_wrapper ON key_packages (wrapper_key) WHERE wrapper_key IS NOT NULL;"

    "CREATE TABLE identity_updates ("
    " inbox_id TEXT NOT NULL,"
    " sequence_id INTEGER NOT NULL,"
    " originator INTEGER NOT NULL,"
    " server_time_ns INTEGER NOT NULL,"
    " payload BLOB NOT NULL," /* sealed */
    " PRIMARY KEY (inbox_id, sequence_id)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE associations ("
    " inbox_id TEXT NOT NULL,"
    " sequence_id INTEGER NOT NULL,"
    " state BLOB NOT NULL," /* sealed */
    " PRIMARY KEY (inbox_id, sequence_id)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE identifiers ("
    " lookup BLOB PRIMARY KEY," /* keyed hash of kind and identifier */
    " kind INTEGER NOT NULL,"
    " identifier BLOB NOT NULL," /* sealed */
    " inbox_id TEXT NOT NULL,"
    " learned_at_ns INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX identifiers_inbox ON identifiers (inbox_id);"

    "CREATE TABLE conversations ("
    " n INTEGER PRIMARY KEY AUTOINCREMENT,"
    " dm_id TEXT UNIQUE,"
    " read_up_to_ns INTEGER NOT NULL DEFAULT 0,"
    " muted_until_ns INTEGER NOT NULL DEFAULT 0,"
    " notify INTEGER NOT NULL DEFAULT 0,"
    " draft BLOB" /* sealed */
    ") STRICT;"
    "CREATE TABLE groups ("
    " n INTEGER PRIMARY KEY AUTOINCREMENT,"
    " id BLOB NOT NULL UNIQUE,"
    " conversation INTEGER NOT NULL,"
    " type INTEGER NOT NULL,"
    " membership INTEGER NOT NULL,"
    " dm_id TEXT,"
    " peer_inbox_id TEXT,"
    " creator_inbox_id TEXT NOT NULL,"
    " added_by_inbox_id TEXT NOT NULL,"
    " welcome_originator INTEGER NOT NULL,"
    " welcome_sequence_id INTEGER NOT NULL,"
    " created_at_ns INTEGER NOT NULL,"
    " last_message_ns INTEGER NOT NULL,"
    " installations_checked_ns INTEGER NOT NULL,"
    " rotated_at_ns INTEGER NOT NULL,"
    " disappear_from_ns INTEGER NOT NULL,"
    " disappear_in_ns INTEGER NOT NULL,"
    " epoch INTEGER NOT NULL,"
    " paused_for_version TEXT,"
    " fork INTEGER NOT NULL,"
    " active INTEGER NOT NULL,"
    " trusted INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX groups_conversation ON groups (conversation);"
    "CREATE INDEX groups_type ON groups (type, created_at_ns);"
    "CREATE INDEX groups_welcome ON groups (welcome_sequence_id, welcome_originator)"
    " WHERE welcome_sequence_id <> 0;"
    "CREATE TABLE group_texts (" /* all sealed */
    " group_n INTEGER PRIMARY KEY,"
    " group_id BLOB NOT NULL,"
    " name BLOB,"
    " description BLOB,"
    " image_url BLOB,"
    " app_data BLOB"
    ") STRICT;"

    "CREATE TABLE messages ("
    " n INTEGER PRIMARY KEY,"
    " id BLOB NOT NULL UNIQUE,"
    " group_n INTEGER NOT NULL,"
    " conversation INTEGER NOT NULL,"
    " sender_inbox_id TEXT NOT NULL,"
    " sender_installation_id BLOB NOT NULL,"
    " sent_at_ns INTEGER NOT NULL,"
    " inserted_at_ns INTEGER NOT NULL,"
    " kind INTEGER NOT NULL,"
    " status INTEGER NOT NULL,"
    " content_type INTEGER NOT NULL,"
    " shows INTEGER NOT NULL,"
    " own INTEGER NOT NULL,"
    " should_push INTEGER NOT NULL,"
    " body BLOB NOT NULL," /* sealed */
    " reference BLOB,"
    " originator INTEGER,"
    " sequence_id INTEGER,"
    " expire_at_ns INTEGER,"
    " idempotency_key TEXT"
    ") STRICT;"
    "CREATE UNIQUE INDEX messages_cursor ON messages (group_n, originator, sequence_id)"
    " WHERE sequence_id IS NOT NULL;"
    /* `shows` and `own` come along so that last message and unread count are read from the index alone. */
    "CREATE INDEX messages_order ON messages (conversation, sent_at_ns, n, shows, own);"
    "CREATE INDEX messages_reference ON messages (reference, n) WHERE reference IS NOT NULL;"
    /* Read receipts, store number 5: how far each inbox has read. */
    "CREATE INDEX messages_receipts ON messages (conversation, sender_inbox_id, sent_at_ns)"
    " WHERE content_type = 5;"
    "CREATE INDEX messages_expiry ON messages (expire_at_ns) WHERE expire_at_ns IS NOT NULL;"

    "CREATE TABLE mls_pieces ("
    " group_id BLOB NOT NULL,"
    " kind INTEGER NOT NULL,"
    " epoch INTEGER NOT NULL,"
    " part INTEGER NOT NULL,"
    " body BLOB NOT NULL," /* sealed */
    " PRIMARY KEY (group_id, kind, epoch, part)"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE intents ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " kind INTEGER NOT NULL,"
    " state INTEGER NOT NULL,"
    " group_id BLOB NOT NULL,"
    " data BLOB NOT NULL," /* sealed, as the two below */
    " payload_hash BLOB,"
    " staged_commit BLOB,"
    " post_commit BLOB,"
    " message_id BLOB,"
    " published_epoch INTEGER NOT NULL DEFAULT 0,"
    " should_push INTEGER NOT NULL,"
    " attempts INTEGER NOT NULL DEFAULT 0,"
    " originator INTEGER NOT NULL DEFAULT 0,"
    " sequence_id INTEGER NOT NULL DEFAULT 0,"
    " created_at_ns INTEGER NOT NULL,"
    " next_attempt_ns INTEGER NOT NULL DEFAULT 0"
    ") STRICT;"
    "CREATE INDEX intents_group ON intents (group_id, state);"
    "CREATE INDEX intents_hash ON intents (payload_hash) WHERE payload_hash IS NOT NULL;"
    "CREATE INDEX intents_message ON intents (message_id) WHERE message_id IS NOT NULL;"

    "CREATE TABLE cursors ("
    " entity BLOB NOT NULL,"
    " kind INTEGER NOT NULL,"
    " originator INTEGER NOT NULL,"
    " sequence_id INTEGER NOT NULL,"
    " PRIMARY KEY (entity, kind, originator)"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE consents ("
    " type INTEGER NOT NULL,"
    " entity TEXT NOT NULL,"
    " state INTEGER NOT NULL,"
    " consented_at_ns INTEGER NOT NULL,"
    " origin BLOB,"
    " PRIMARY KEY (type, entity)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE consent_log ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " time_ns INTEGER NOT NULL,"
    " type INTEGER NOT NULL,"
    " entity TEXT NOT NULL,"
    " old_state INTEGER NOT NULL,"
    " new_state INTEGER NOT NULL,"
    " consented_at_ns INTEGER NOT NULL,"
    " origin BLOB,"
    " effect INTEGER NOT NULL,"
    " batch INTEGER NOT NULL,"
    " delivery INTEGER NOT NULL,"
    " message_id BLOB"
    ") STRICT;"
    "CREATE INDEX consent_log_batch ON consent_log (batch);"
    "CREATE INDEX consent_log_entity ON consent_log (type, entity);"

    "CREATE TABLE user_preferences ("
    " id INTEGER PRIMARY KEY CHECK (id = 1),"
    " hmac_key BLOB NOT NULL," /* sealed */
    " hmac_cycled_at_ns INTEGER NOT NULL"
    ") STRICT;"
    "CREATE TABLE preference_outbox ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " batch INTEGER NOT NULL,"
    " payload BLOB NOT NULL," /* sealed */
    " message_id BLOB,"
    " attempts INTEGER NOT NULL DEFAULT 0,"
    " created_at_ns INTEGER NOT NULL,"
    " next_attempt_ns INTEGER NOT NULL DEFAULT 0"
    ") STRICT;"
    "CREATE TABLE device_sync ("
    " message_id BLOB PRIMARY KEY,"
    " state INTEGER NOT NULL,"
    " attempts INTEGER NOT NULL,"
    " time_ns INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE tasks ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " kind INTEGER NOT NULL,"
    " hash BLOB NOT NULL UNIQUE,"
    " data BLOB NOT NULL," /* sealed */
    " attempts INTEGER NOT NULL,"
    " max_attempts INTEGER NOT NULL,"
    " backoff_ms INTEGER NOT NULL,"
    " max_backoff_ms INTEGER NOT NULL,"
    " backoff_percent INTEGER NOT NULL,"
    " created_at_ns INTEGER NOT NULL,"
    " next_attempt_ns INTEGER NOT NULL,"
    " expires_at_ns INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX tasks_due ON tasks (next_attempt_ns);"

    "CREATE TABLE commit_log ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " group_id BLOB NOT NULL,"
    " origin INTEGER NOT NULL,"
    " result INTEGER NOT NULL,"
    " originator INTEGER NOT NULL,"
    " sequence_id INTEGER NOT NULL,"
    " sender_inbox_id TEXT,"
    " last_epoch INTEGER NOT NULL,"
    " applied_epoch INTEGER NOT NULL,"
    " last_authenticator BLOB NOT NULL,"
    " applied_authenticator BLOB NOT NULL,"
    " time_ns INTEGER NOT NULL,"
    " note TEXT"
    ") STRICT;"
    "CREATE INDEX commit_log_group ON commit_log (group_id, id);"

    "CREATE TABLE deletions ("
    " id BLOB PRIMARY KEY,"
    " group_id BLOB NOT NULL,"
    " target BLOB NOT NULL,"
    " by_inbox_id TEXT NOT NULL,"
    " by_super_admin INTEGER NOT NULL,"
    " deleted_at_ns INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX deletions_target ON deletions (target);"
    "CREATE TABLE leaves ("
    " group_id BLOB NOT NULL,"
    " inbox_id TEXT NOT NULL,"
    " message_id BLOB NOT NULL,"
    " time_ns INTEGER NOT NULL,"
    " PRIMARY KEY (group_id, inbox_id)"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE nicknames ("
    " kind INTEGER NOT NULL,"
    " entity TEXT NOT NULL,"
    " name BLOB NOT NULL," /* sealed */
    " PRIMARY KEY (kind, entity)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE settings ("
    " name TEXT PRIMARY KEY,"
    " value BLOB NOT NULL" /* sealed */
    ") STRICT, WITHOUT ROWID;";

/* Nothing looks an intent up by its message, and each text sent paid a page for it. */
static const char version_2[] = "DROP INDEX intents_message;";

/* With the state in it a text moved from one place of the index to another when the node had taken it: a page
 * more for the next text's transaction.  A group has few intents. */
static const char version_3[] = "DROP INDEX intents_group; CREATE INDEX intents_group ON intents (group_id);";

const struct migration schema_migrations[] = {{.sql = version_1}, {.sql = version_2}, {.sql = version_3}};
const size_t schema_version = sizeof schema_migrations / sizeof schema_migrations[0];

const struct sealed_column sealed_columns[SEALED_COUNT] = {
    [SEALED_SECRET] = {{"secrets", "value"}, "name"},
    [SEALED_KEY_PACKAGE] = {{"key_packages", "private_part"}, "ref"},
    [SEALED_IDENTITY_UPDATE] = {{"identity_updates", "payload"}, "inbox_id || '/' || sequence_id"},
    [SEALED_ASSOCIATION] = {{"associations", "state"}, "inbox_id || '/' || sequence_id"},
    [SEALED_IDENTIFIER] = {{"identifiers", "identifier"}, "lookup"},
    [SEALED_GROUP_NAME] = {{"group_texts", "name"}, "group_id"},
    [SEALED_GROUP_DESCRIPTION] = {{"group_texts", "description"}, "group_id"},
    [SEALED_GROUP_IMAGE_URL] = {{"group_texts", "image_url"}, "group_id"},
    [SEALED_GROUP_APP_DATA] = {{"group_texts", "app_data"}, "group_id"},
    [SEALED_DRAFT] = {{"conversations", "draft"}, "n"},
    [SEALED_MESSAGE_BODY] = {{"messages", "body"}, "id"},
    [SEALED_MLS_PIECE] = {{"mls_pieces", "body"},
                          "lower(hex(group_id)) || '/' || kind || '/' || epoch || '/' || part"},
    [SEALED_INTENT_DATA] = {{"intents", "data"}, "id"},
    [SEALED_INTENT_STAGED] = {{"intents", "staged_commit"}, "id"},
    [SEALED_INTENT_POST] = {{"intents", "post_commit"}, "id"},
    [SEALED_HMAC_KEY] = {{"user_preferences", "hmac_key"}, "hmac_cycled_at_ns"},
    [SEALED_PREFERENCE] = {{"preference_outbox", "payload"}, "id"},
    [SEALED_TASK] = {{"tasks", "data"}, "hash"},
    [SEALED_NICKNAME] = {{"nicknames", "name"}, "kind || '/' || entity"},
    [SEALED_SETTING] = {{"settings", "value"}, "name"},
};
