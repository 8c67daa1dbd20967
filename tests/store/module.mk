# Tests of store/; included by tests/module.mk.
noinst_HEADERS += tests/store/faulty_vfs.h tests/store/help.h
EXTRA_DIST += tests/store/v1.sql tests/store/v2.sql tests/store/v3.sql
STORE_TESTS = tests/store/test_consent tests/store/test_crash tests/store/test_db tests/store/test_faults tests/store/test_groups \
	tests/store/test_identity tests/store/test_messages tests/store/test_migrate tests/store/test_store \
	tests/store/test_wal_file tests/store/test_work
check_PROGRAMS += $(STORE_TESTS)
TESTS += $(STORE_TESTS)
tests_store_test_consent_SOURCES = tests/store/test_consent.c tests/store/help.c
tests_store_test_consent_LDADD = $(STORE_LIBS) $(TEST_LIBS)
tests_store_test_crash_SOURCES = tests/store/test_crash.c tests/store/help.c
tests_store_test_crash_LDADD = $(STORE_LIBS) $(TEST_LIBS)
tests_store_test_db_SOURCES = tests/store/test_db.c tests/store/help.c
tests_store_test_db_LDADD = $(STORE_LIBS) $(TEST_LIBS)
tests_store_test_faults_SOURCES = tests/store/test_faults.c tests/store/faulty_vfs.c tests/store/help.c
tests_store_test_faults_LDADD = $(STORE_LIBS) $(TEST_LIBS)
tests_store_test_groups_SOURCES = tests/store/test_groups.c tests/store/help.c
tests_store_test_groups_LDADD = $(STORE_LIBS) $(TEST_LIBS)
tests_store_test_identity_SOURCES = tests/store/test_identity.c tests/store/help.c
tests_store_test_identity_LDADD = $(STORE_LIBS) $(TEST_LIBS)
tests_store_test_messages_SOURCES = tests/store/test_messages.c tests/store/help.c
tests_store_test_messages_LDADD = $(STORE_LIBS) $(TEST_LIBS)
tests_store_test_migrate_SOURCES = tests/store/test_migrate.c tests/store/help.c
tests_store_test_migrate_LDADD = $(STORE_LIBS) $(TEST_LIBS)
tests_store_test_store_SOURCES = tests/store/test_store.c tests/store/help.c
tests_store_test_store_LDADD = $(STORE_LIBS) $(TEST_LIBS)
tests_store_test_wal_file_SOURCES = tests/store/test_wal_file.c tests/store/faulty_vfs.c tests/store/help.c
tests_store_test_wal_file_LDADD = $(STORE_LIBS) $(TEST_LIBS)
tests_store_test_work_SOURCES = tests/store/test_work.c tests/store/help.c
tests_store_test_work_LDADD = $(STORE_LIBS) $(TEST_LIBS)
# Figures, not a test: run by hand.
check_PROGRAMS += tests/store/bench_store
tests_store_bench_store_SOURCES = tests/store/bench_store.c tests/store/help.c
tests_store_bench_store_LDADD = $(STORE_LIBS) $(TEST_LIBS)
