# Tests of mls/; included by tests/module.mk.
noinst_HEADERS += tests/mls/forge.h tests/mls/kit.h
MLS_TESTS = tests/mls/test_framing tests/mls/test_group tests/mls/test_hostile tests/mls/test_joining \
	tests/mls/test_libxmtp_capture tests/mls/test_proposals tests/mls/test_rules
check_PROGRAMS += $(MLS_TESTS)
TESTS += $(MLS_TESTS) tests/mls/test_vectors.sh
EXTRA_DIST += tests/mls/test_vectors.sh tests/mls/vectors tests/vectors/x25519-welcome.json
MLS_TEST_LIBS = $(MLS_LIBS) $(JANSSON_LIBS) $(TEST_LIBS)
tests_mls_test_libxmtp_capture_SOURCES = tests/mls/test_libxmtp_capture.c tests/mls/kit.c tests/mls/wg/wg.c
tests_mls_test_libxmtp_capture_LDADD = $(MLS_TEST_LIBS)
tests_mls_test_group_SOURCES = tests/mls/test_group.c tests/mls/kit.c
tests_mls_test_group_LDADD = $(MLS_TEST_LIBS)
tests_mls_test_hostile_SOURCES = tests/mls/test_hostile.c tests/mls/kit.c
tests_mls_test_hostile_LDADD = $(MLS_TEST_LIBS)
tests_mls_test_proposals_SOURCES = tests/mls/test_proposals.c tests/mls/kit.c
tests_mls_test_proposals_LDADD = $(MLS_TEST_LIBS)
tests_mls_test_framing_SOURCES = tests/mls/test_framing.c tests/mls/forge.c tests/mls/kit.c
tests_mls_test_framing_LDADD = $(MLS_TEST_LIBS)
tests_mls_test_joining_SOURCES = tests/mls/test_joining.c tests/mls/forge.c tests/mls/kit.c
tests_mls_test_joining_LDADD = $(MLS_TEST_LIBS)
tests_mls_test_rules_SOURCES = tests/mls/test_rules.c tests/mls/forge.c tests/mls/kit.c
tests_mls_test_rules_LDADD = $(MLS_TEST_LIBS)
