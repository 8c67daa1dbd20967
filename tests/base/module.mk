# Tests of base/; included by tests/module.mk.
BASE_TESTS = tests/base/test_bytes tests/base/test_err tests/base/test_fiber tests/base/test_queue \
	tests/base/test_rand tests/base/test_log tests/base/test_utf8
check_PROGRAMS += $(BASE_TESTS)
TESTS += $(BASE_TESTS)
noinst_HEADERS += tests/test.h
tests_base_test_bytes_SOURCES = tests/base/test_bytes.c
tests_base_test_bytes_LDADD = $(BASE_LIBS) $(TEST_LIBS)
tests_base_test_err_SOURCES = tests/base/test_err.c
tests_base_test_err_LDADD = $(BASE_LIBS) $(TEST_LIBS)
tests_base_test_fiber_SOURCES = tests/base/test_fiber.c
tests_base_test_fiber_LDADD = $(BASE_LIBS) $(TEST_LIBS)
tests_base_test_queue_SOURCES = tests/base/test_queue.c
tests_base_test_queue_LDADD = $(BASE_LIBS) $(TEST_LIBS)
tests_base_test_rand_SOURCES = tests/base/test_rand.c
tests_base_test_rand_LDADD = $(BASE_LIBS) $(TEST_LIBS)
tests_base_test_log_SOURCES = tests/base/test_log.c
tests_base_test_log_LDADD = $(BASE_LIBS) $(TEST_LIBS)
tests_base_test_utf8_SOURCES = tests/base/test_utf8.c
tests_base_test_utf8_LDADD = $(BASE_LIBS) $(TEST_LIBS)
