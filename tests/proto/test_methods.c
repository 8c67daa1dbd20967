#include "proto/methods.h"

#include "tests/test.h"

static void every_method_is_found_by_its_path(void **state)
{
    unsigned i;

    (void)state;
    for (i = 0; i < PROTO_METHOD_COUNT; i++) {
        const struct proto_method_info *info = proto_method_info((enum proto_method)i);

        assert_non_null(info->path);
        assert_non_null(info->request);
        assert_int_equal(proto_method_find(info->path), i);
    }
}

static void paths_are_those_of_the_network(void **state)
{
    (void)state;
    assert_int_equal(proto_method_find("/xmtp.mls.api.v1.MlsApi/SendGroupMessages"), PROTO_MLS_SEND_GROUP_MESSAGES);
    assert_int_equal(proto_method_find("/xmtp.identity.api.v1.IdentityApi/GetInboxIds"), PROTO_IDENTITY_GET_INBOX_IDS);
    assert_int_equal(proto_method_find("/xmtp.mls.api.v1.MlsApi/Subscribe"), PROTO_METHOD_COUNT);
    assert_int_equal(proto_method_find("/xmtp.migration.api.v1.D14nMigrationApi/FetchD14nCutover"),
                     PROTO_METHOD_COUNT);
    assert_int_equal(proto_method_find(""), PROTO_METHOD_COUNT);
}

/* The check notes sub-messages that come twice in 64 bits. */
static void check_fields(const ProtobufCMessageDescriptor *type, unsigned depth)
{
    unsigned i;

    assert_true(type->n_fields <= 64);
    if (depth > 12)
        return;
    for (i = 0; i < type->n_fields; i++)
        if (type->fields[i].type == PROTOBUF_C_TYPE_MESSAGE)
            check_fields(type->fields[i].descriptor, depth + 1);
}

static void no_message_has_more_fields_than_the_check_can_note(void **state)
{
    unsigned i;

    (void)state;
    for (i = 0; i < PROTO_METHOD_COUNT; i++) {
        const struct proto_method_info *info = proto_method_info((enum proto_method)i);

        check_fields(info->request, 0);
        if (info->reply != NULL)
            check_fields(info->reply, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_method_is_found_by_its_path),
        cmocka_unit_test(paths_are_those_of_the_network),
        cmocka_unit_test(no_message_has_more_fields_than_the_check_can_note),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
