/* The names an XMTP programmer looks for, over xm_client_request(). */
#include "sync/xmtui/client.h"

int xm_conversations_list(struct xm_client *client, const char *params, char **result, struct xm_error *error)
{
    return xm_client_request(client, "conversations.list", params, -1, result, error);
}

int xm_conversations_sync(struct xm_client *client, char **result, struct xm_error *error)
{
    return xm_client_request(client, "conversations.sync", NULL, -1, result, error);
}

int xm_conversations_sync_all(struct xm_client *client, const char *params, char **result, struct xm_error *error)
{
    return xm_client_request(client, "conversations.syncAll", params, -1, result, error);
}

int xm_preferences_sync(struct xm_client *client, char **result, struct xm_error *error)
{
    return xm_client_request(client, "preferences.sync", NULL, -1, result, error);
}

int xm_consent_set(struct xm_client *client, const char *records, char **result, struct xm_error *error)
{
    return xm_client_request(client, "preferences.setConsent", records, -1, result, error);
}

int xm_stream_all(struct xm_client *client, char **result, struct xm_error *error)
{
    return xm_client_request(client, "stream.start", NULL, -1, result, error);
}
