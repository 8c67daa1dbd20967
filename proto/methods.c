#include "proto/methods.h"

#include "proto/grpc_health.pb-c.h"
#include "proto/xmtp_identity_api.pb-c.h"
#include "proto/xmtp_mls_api.pb-c.h"

#include <string.h>

#define MLS(name) "/xmtp.mls.api.v1.MlsApi/" name
#define IDENTITY(name) "/xmtp.identity.api.v1.IdentityApi/" name
#define MLS_TYPE(name) &xmtp__mls__api__v1__##name##__descriptor
#define IDENTITY_TYPE(name) &xmtp__identity__api__v1__##name##__descriptor

static const struct proto_method_info methods[PROTO_METHOD_COUNT] = {
    [PROTO_MLS_UPLOAD_KEY_PACKAGE] = {.path = MLS("UploadKeyPackage"),
                                      .request = MLS_TYPE(upload_key_package_request),
                                      .writes = true,
                                      .idempotent = true},
    [PROTO_MLS_REGISTER_INSTALLATION] = {.path = MLS("RegisterInstallation"),
                                         .request = MLS_TYPE(register_installation_request),
                                         .reply = MLS_TYPE(register_installation_response),
                                         .writes = true,
                                         .idempotent = true},
    [PROTO_MLS_FETCH_KEY_PACKAGES] = {.path = MLS("FetchKeyPackages"),
                                      .request = MLS_TYPE(fetch_key_packages_request),
                                      .reply = MLS_TYPE(fetch_key_packages_response),
                                      .idempotent = true},
    [PROTO_MLS_SEND_GROUP_MESSAGES] = {.path = MLS("SendGroupMessages"),
                                       .request = MLS_TYPE(send_group_messages_request),
                                       .writes = true,
                                       .idempotent = true},
    [PROTO_MLS_SEND_WELCOME_MESSAGES] = {.path = MLS("SendWelcomeMessages"),
                                         .request = MLS_TYPE(send_welcome_messages_request),
                                         .writes = true,
                                         .idempotent = true},
    [PROTO_MLS_QUERY_GROUP_MESSAGES] = {.path = MLS("QueryGroupMessages"),
                                        .request = MLS_TYPE(query_group_messages_request),
                                        .reply = MLS_TYPE(query_group_messages_response),
                                        .idempotent = true},
    [PROTO_MLS_QUERY_WELCOME_MESSAGES] = {.path = MLS("QueryWelcomeMessages"),
                                          .request = MLS_TYPE(query_welcome_messages_request),
                                          .reply = MLS_TYPE(query_welcome_messages_response),
                                          .idempotent = true},
    [PROTO_MLS_SUBSCRIBE_GROUP_MESSAGES] = {.path = MLS("SubscribeGroupMessages"),
                                            .request = MLS_TYPE(subscribe_group_messages_request),
                                            .reply = MLS_TYPE(group_message),
                                            .server_stream = true,
                                            .idempotent = true},
    [PROTO_MLS_SUBSCRIBE_WELCOME_MESSAGES] = {.path = MLS("SubscribeWelcomeMessages"),
                                              .request = MLS_TYPE(subscribe_welcome_messages_request),
                                              .reply = MLS_TYPE(welcome_message),
                                              .server_stream = true,
                                              .idempotent = true},
    [PROTO_MLS_GET_NEWEST_GROUP_MESSAGE] = {.path = MLS("GetNewestGroupMessage"),
                                            .request = MLS_TYPE(get_newest_group_message_request),
                                            .reply = MLS_TYPE(get_newest_group_message_response),
                                            .idempotent = true},
    [PROTO_MLS_BATCH_PUBLISH_COMMIT_LOG] = {.path = MLS("BatchPublishCommitLog"),
                                            .request = MLS_TYPE(batch_publish_commit_log_request),
                                            .writes = true},
    [PROTO_MLS_BATCH_QUERY_COMMIT_LOG] = {.path = MLS("BatchQueryCommitLog"),
                                          .request = MLS_TYPE(batch_query_commit_log_request),
                                          .reply = MLS_TYPE(batch_query_commit_log_response),
                                          .idempotent = true},
    [PROTO_IDENTITY_PUBLISH_IDENTITY_UPDATE] = {.path = IDENTITY("PublishIdentityUpdate"),
                                                .request = IDENTITY_TYPE(publish_identity_update_request),
                                                .reply = IDENTITY_TYPE(publish_identity_update_response),
                                                .writes = true},
    [PROTO_IDENTITY_GET_IDENTITY_UPDATES] = {.path = IDENTITY("GetIdentityUpdates"),
                                             .request = IDENTITY_TYPE(get_identity_updates_request),
                                             .reply = IDENTITY_TYPE(get_identity_updates_response),
                                             .idempotent = true},
    [PROTO_IDENTITY_GET_INBOX_IDS] = {.path = IDENTITY("GetInboxIds"),
                                      .request = IDENTITY_TYPE(get_inbox_ids_request),
                                      .reply = IDENTITY_TYPE(get_inbox_ids_response),
                                      .idempotent = true},
    [PROTO_IDENTITY_VERIFY_SMART_CONTRACT_WALLET_SIGNATURES] =
        {.path = IDENTITY("VerifySmartContractWalletSignatures"),
         .request = IDENTITY_TYPE(verify_smart_contract_wallet_signatures_request),
         .reply = IDENTITY_TYPE(verify_smart_contract_wallet_signatures_response),
         .idempotent = true},
    [PROTO_HEALTH_CHECK] = {.path = "/grpc.health.v1.Health/Check",
                            .request = &grpc__health__v1__health_check_request__descriptor,
                            .reply = &grpc__health__v1__health_check_response__descriptor,
                            .idempotent = true},
};

const struct proto_method_info *proto_method_info(enum proto_method method)
{
    return &methods[method];
}

enum proto_method proto_method_find(const char *path)
{
    unsigned i;

    for (i = 0; i < PROTO_METHOD_COUNT; i++)
        if (strcmp(methods[i].path, path) == 0)
            break;
    return (enum proto_method)i;
}
