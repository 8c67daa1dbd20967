# Tests of net/; included by tests/module.mk.
NET_TESTS = tests/net/test_grpc tests/net/test_node_v3
check_PROGRAMS += $(NET_TESTS)
TESTS += $(NET_TESTS)

NET_WORLD = tests/net/net_world.c tests/net/net_world.h
NET_TEST_LIBS = $(NET_LIBS) $(TEST_LIBS)

tests_net_test_grpc_SOURCES = tests/net/test_grpc.c $(NET_WORLD)
tests_net_test_grpc_LDADD = $(NET_TEST_LIBS)
tests_net_test_node_v3_SOURCES = tests/net/test_node_v3.c $(NET_WORLD)
tests_net_test_node_v3_LDADD = $(NET_TEST_LIBS)
