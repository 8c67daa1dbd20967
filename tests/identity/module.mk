# Tests of identity/; included by tests/module.mk.
IDENTITY_TESTS = tests/identity/test_state
check_PROGRAMS += $(IDENTITY_TESTS)
TESTS += $(IDENTITY_TESTS)
noinst_HEADERS += tests/identity/forge.h
IDENTITY_CORE_LIBS = libidentity.la $(PROTO_LIBS) $(CRYPTO_LIBS) $(JANSSON_LIBS)
tests_identity_test_state_SOURCES = tests/identity/test_state.c tests/identity/forge.c
tests_identity_test_state_LDADD = $(IDENTITY_CORE_LIBS) $(TEST_LIBS)
