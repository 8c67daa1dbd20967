# Tests of crypto/; included by tests/module.mk.
noinst_HEADERS += tests/crypto/vec.h
CRYPTO_TESTS = tests/crypto/test_aead tests/crypto/test_hash tests/crypto/test_hpke tests/crypto/test_sign \
	tests/crypto/test_xwing
check_PROGRAMS += $(CRYPTO_TESTS)
TESTS += $(CRYPTO_TESTS)
tests_crypto_test_aead_SOURCES = tests/crypto/test_aead.c tests/crypto/vec.c
tests_crypto_test_aead_LDADD = $(CRYPTO_LIBS) $(TEST_LIBS)
tests_crypto_test_hash_SOURCES = tests/crypto/test_hash.c tests/crypto/vec.c
tests_crypto_test_hash_LDADD = $(CRYPTO_LIBS) $(TEST_LIBS)
tests_crypto_test_hpke_SOURCES = tests/crypto/test_hpke.c tests/crypto/vec.c
tests_crypto_test_hpke_LDADD = $(CRYPTO_LIBS) $(TEST_LIBS)
tests_crypto_test_sign_SOURCES = tests/crypto/test_sign.c tests/crypto/vec.c
tests_crypto_test_sign_LDADD = $(CRYPTO_LIBS) $(TEST_LIBS)
tests_crypto_test_xwing_SOURCES = tests/crypto/test_xwing.c tests/crypto/vec.c
tests_crypto_test_xwing_LDADD = $(CRYPTO_LIBS) $(TEST_LIBS)
