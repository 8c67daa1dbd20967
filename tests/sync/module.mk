# Tests of sync/; included by tests/module.mk.
include tests/sync/home.mk

# The group core: flows between installations of our own, on a node in memory.
noinst_HEADERS += tests/sync/body.h tests/sync/fake_node.h tests/sync/peers.h tests/sync/shorthand.h
SYNC_PEERS = tests/sync/fake_node.c tests/sync/peers.c
PEER_TESTS = tests/sync/test_commit_log tests/sync/test_faults tests/sync/test_flows \
	tests/sync/test_group_update tests/sync/test_intents tests/sync/test_live tests/sync/test_messages \
	tests/sync/test_preferences tests/sync/test_registration tests/sync/test_welcome_check tests/sync/test_worker
check_PROGRAMS += $(PEER_TESTS)
TESTS += $(PEER_TESTS)
tests_sync_test_commit_log_SOURCES = tests/sync/test_commit_log.c $(SYNC_PEERS)
tests_sync_test_commit_log_LDADD = $(SYNC_LIBS) $(TEST_LIBS)
tests_sync_test_faults_SOURCES = tests/sync/test_faults.c $(SYNC_PEERS)
tests_sync_test_faults_LDADD = $(SYNC_LIBS) $(TEST_LIBS)
tests_sync_test_group_update_SOURCES = tests/sync/test_group_update.c $(SYNC_PEERS)
tests_sync_test_group_update_LDADD = $(SYNC_LIBS) $(TEST_LIBS)
tests_sync_test_intents_SOURCES = tests/sync/test_intents.c $(SYNC_PEERS)
tests_sync_test_intents_LDADD = $(SYNC_LIBS) $(TEST_LIBS)
tests_sync_test_preferences_SOURCES = tests/sync/test_preferences.c $(SYNC_PEERS)
tests_sync_test_preferences_LDADD = $(SYNC_LIBS) $(TEST_LIBS)
tests_sync_test_registration_SOURCES = tests/sync/test_registration.c $(SYNC_PEERS)
tests_sync_test_registration_LDADD = $(SYNC_LIBS) $(TEST_LIBS)
tests_sync_test_live_SOURCES = tests/sync/test_live.c $(SYNC_PEERS)
tests_sync_test_live_LDADD = $(SYNC_LIBS) $(TEST_LIBS)
tests_sync_test_messages_SOURCES = tests/sync/test_messages.c $(SYNC_PEERS)
tests_sync_test_messages_LDADD = $(SYNC_LIBS) $(TEST_LIBS)
tests_sync_test_worker_SOURCES = tests/sync/test_worker.c $(SYNC_PEERS)
tests_sync_test_worker_LDADD = $(SYNC_LIBS) $(TEST_LIBS)
tests_sync_test_welcome_check_SOURCES = tests/sync/test_welcome_check.c $(SYNC_PEERS)
tests_sync_test_welcome_check_LDADD = $(SYNC_LIBS) $(TEST_LIBS)
tests_sync_test_flows_SOURCES = tests/sync/test_flows.c $(SYNC_PEERS)
tests_sync_test_flows_LDADD = $(SYNC_LIBS) $(TEST_LIBS)

# Pure parts of it, against the rules and against what libxmtp recorded.
SYNC_PURE_TESTS = tests/sync/test_commit_validate tests/sync/test_content tests/sync/test_metadata \
	tests/sync/test_policy tests/sync/test_recorded tests/sync/test_replay tests/sync/test_rpc_errors
check_PROGRAMS += $(SYNC_PURE_TESTS)
TESTS += $(SYNC_PURE_TESTS)
EXTRA_DIST += tests/vectors/content-types.json tests/vectors/recorded-welcomes.json \
	tests/vectors/rpc-log.jsonl tests/vectors/final-state.json
tests_sync_test_commit_validate_SOURCES = tests/sync/test_commit_validate.c
tests_sync_test_commit_validate_LDADD = $(SYNC_LIBS) $(TEST_LIBS)
tests_sync_test_content_SOURCES = tests/sync/test_content.c tests/vectors.c
tests_sync_test_content_LDADD = $(SYNC_LIBS) $(TEST_LIBS)
tests_sync_test_metadata_SOURCES = tests/sync/test_metadata.c tests/vectors.c
tests_sync_test_metadata_LDADD = $(SYNC_LIBS) $(TEST_LIBS)
tests_sync_test_policy_SOURCES = tests/sync/test_policy.c
tests_sync_test_policy_LDADD = $(SYNC_LIBS) $(TEST_LIBS)
tests_sync_test_rpc_errors_SOURCES = tests/sync/test_rpc_errors.c
tests_sync_test_rpc_errors_LDADD = $(SYNC_LIBS) $(TEST_LIBS)
tests_sync_test_recorded_SOURCES = tests/sync/test_recorded.c tests/sync/recorded.c tests/sync/recorded.h tests/vectors.c
tests_sync_test_recorded_LDADD = $(SYNC_LIBS) $(TEST_LIBS)
tests_sync_test_replay_SOURCES = tests/sync/test_replay.c tests/sync/replay.c tests/sync/replay.h tests/sync/recorded.c \
	tests/sync/recorded.h tests/vectors.c
tests_sync_test_replay_LDADD = $(SYNC_LIBS) $(TEST_LIBS)
