# Tests of sync/ that stand on a store alone: consent, HMAC keys, preference payloads.
HOME_TESTS = tests/sync/test_consent tests/sync/test_hmac tests/sync/test_pref_payload
check_PROGRAMS += $(HOME_TESTS)
TESTS += $(HOME_TESTS)
noinst_HEADERS += tests/vectors.h tests/sync/home.h
EXTRA_DIST += tests/vectors/hmac.json tests/vectors/group-messages.json
tests_sync_test_consent_SOURCES = tests/sync/test_consent.c tests/sync/home.c
tests_sync_test_consent_LDADD = $(SYNC_LIBS) $(TEST_LIBS)
tests_sync_test_hmac_SOURCES = tests/sync/test_hmac.c tests/sync/home.c tests/vectors.c
tests_sync_test_hmac_LDADD = $(SYNC_LIBS) $(TEST_LIBS)
tests_sync_test_pref_payload_SOURCES = tests/sync/test_pref_payload.c tests/vectors.c
tests_sync_test_pref_payload_LDADD = $(SYNC_LIBS) $(TEST_LIBS)
HOME_TESTS += tests/sync/test_client
tests_sync_test_client_SOURCES = tests/sync/test_client.c
tests_sync_test_client_LDADD = $(SYNC_LIBS) $(TEST_LIBS)

# What the thread sanitizer looks at.
THREAD_TESTS = tests/base/test_queue tests/sync/test_client

.PHONY: thread-tests
thread-tests: $(THREAD_TESTS)
	@echo $(THREAD_TESTS)
