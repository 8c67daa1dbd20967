# Tests of cli/; included by tests/module.mk.  They run the programs, which are built before any test.
noinst_HEADERS += tests/programs.h tests/cli/run.h tests/cli/session.h tests/cli/wallet.h
EXTRA_DIST += tests/cli/shapes.txt
CLI_TESTS = tests/cli/test_commands tests/cli/test_rpc tests/cli/test_usage tests/cli/test_account \
	tests/cli/test_settings tests/cli/test_local_node tests/cli/test_secrets tests/cli/test_shapes \
	tests/cli/test_stream
check_PROGRAMS += $(CLI_TESTS)
TESTS += $(CLI_TESTS)
CLI_RUN = tests/cli/run.c tests/programs.c
tests_cli_test_commands_SOURCES = tests/cli/test_commands.c $(CLI_RUN)
tests_cli_test_commands_LDADD = $(BASE_LIBS) $(JANSSON_LIBS) $(TEST_LIBS)
tests_cli_test_rpc_SOURCES = tests/cli/test_rpc.c $(CLI_RUN)
tests_cli_test_rpc_LDADD = $(BASE_LIBS) $(JANSSON_LIBS) $(TEST_LIBS)
tests_cli_test_usage_SOURCES = tests/cli/test_usage.c $(CLI_RUN)
tests_cli_test_usage_LDADD = $(BASE_LIBS) $(JANSSON_LIBS) $(TEST_LIBS)
tests_cli_test_account_SOURCES = tests/cli/test_account.c tests/cli/wallet.c $(CLI_RUN)
tests_cli_test_account_LDADD = $(CRYPTO_LIBS) $(JANSSON_LIBS) $(TEST_LIBS)
tests_cli_test_settings_SOURCES = tests/cli/test_settings.c $(CLI_RUN)
tests_cli_test_settings_LDADD = $(STORE_LIBS) $(JANSSON_LIBS) $(TEST_LIBS) -lutil
tests_cli_test_local_node_SOURCES = tests/cli/test_local_node.c $(CLI_RUN)
tests_cli_test_local_node_LDADD = $(BASE_LIBS) $(JANSSON_LIBS) $(TEST_LIBS)
tests_cli_test_secrets_SOURCES = tests/cli/test_secrets.c $(CLI_RUN)
tests_cli_test_secrets_LDADD = $(STORE_LIBS) $(JANSSON_LIBS) $(TEST_LIBS)
tests_cli_test_shapes_SOURCES = tests/cli/test_shapes.c tests/cli/session.c $(CLI_RUN)
tests_cli_test_shapes_LDADD = $(BASE_LIBS) $(JANSSON_LIBS) $(TEST_LIBS)
tests_cli_test_stream_SOURCES = tests/cli/test_stream.c tests/cli/session.c $(CLI_RUN)
tests_cli_test_stream_LDADD = $(STORE_LIBS) $(JANSSON_LIBS) $(TEST_LIBS)
