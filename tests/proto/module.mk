# Tests of proto/; included by tests/module.mk.
PROTO_TESTS = tests/proto/test_check tests/proto/test_wire tests/proto/test_methods
check_PROGRAMS += $(PROTO_TESTS)
TESTS += $(PROTO_TESTS)
tests_proto_test_check_SOURCES = tests/proto/test_check.c
tests_proto_test_check_LDADD = $(PROTO_LIBS) $(TEST_LIBS)
tests_proto_test_wire_SOURCES = tests/proto/test_wire.c
tests_proto_test_wire_LDADD = $(PROTO_LIBS) $(TEST_LIBS)
tests_proto_test_methods_SOURCES = tests/proto/test_methods.c
tests_proto_test_methods_LDADD = $(PROTO_LIBS) $(TEST_LIBS)
