# Tests of identity/; included by tests/module.mk.
IDENTITY_TESTS = tests/identity/test_client_data tests/identity/test_ident tests/identity/test_key_package tests/identity/test_request \
	tests/identity/test_state tests/identity/test_update tests/identity/test_verify
check_PROGRAMS += $(IDENTITY_TESTS)
TESTS += $(IDENTITY_TESTS)
noinst_HEADERS += tests/identity/forge.h tests/identity/vectors.h
EXTRA_DIST += tests/vectors/identity.json tests/vectors/inbox-id-derivation.json \
	tests/vectors/key-packages.json tests/vectors/key-package-refs.json
IDENTITY_CORE_LIBS = libidentity.la $(PROTO_LIBS) $(CRYPTO_LIBS) $(JANSSON_LIBS)
tests_identity_test_client_data_SOURCES = tests/identity/test_client_data.c
tests_identity_test_client_data_LDADD = $(IDENTITY_CORE_LIBS) $(TEST_LIBS)
tests_identity_test_ident_SOURCES = tests/identity/test_ident.c tests/identity/vectors.c
tests_identity_test_ident_LDADD = $(IDENTITY_CORE_LIBS) $(TEST_LIBS)
tests_identity_test_key_package_SOURCES = tests/identity/test_key_package.c tests/identity/vectors.c
tests_identity_test_key_package_LDADD = libidentity.la $(MLS_LIBS) $(PROTO_LIBS) $(CRYPTO_LIBS) $(JANSSON_LIBS) $(TEST_LIBS)
tests_identity_test_request_SOURCES = tests/identity/test_request.c
tests_identity_test_request_LDADD = $(IDENTITY_CORE_LIBS) $(TEST_LIBS)
tests_identity_test_state_SOURCES = tests/identity/test_state.c tests/identity/forge.c
tests_identity_test_state_LDADD = $(IDENTITY_CORE_LIBS) $(TEST_LIBS)
tests_identity_test_update_SOURCES = tests/identity/test_update.c tests/identity/vectors.c
tests_identity_test_update_LDADD = $(IDENTITY_CORE_LIBS) $(TEST_LIBS)
tests_identity_test_verify_SOURCES = tests/identity/test_verify.c tests/identity/forge.c
tests_identity_test_verify_LDADD = $(IDENTITY_CORE_LIBS) $(TEST_LIBS)
