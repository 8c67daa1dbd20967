# Tests of net/; included by tests/module.mk.
NET_TESTS = \
	tests/net/test_dial \
	tests/net/test_frame \
	tests/net/test_grpc \
	tests/net/test_net_peers \
	tests/net/test_net_policy \
	tests/net/test_net_tls \
	tests/net/test_node_v3
check_PROGRAMS += $(NET_TESTS)
TESTS += $(NET_TESTS)

NET_WORLD = tests/net/net_world.c tests/net/net_world.h
NET_TEST_LIBS = $(NET_LIBS) $(TEST_LIBS)

tests_net_test_dial_SOURCES = tests/net/test_dial.c
tests_net_test_dial_LDADD = $(NET_TEST_LIBS)
tests_net_test_frame_SOURCES = tests/net/test_frame.c
tests_net_test_frame_LDADD = $(NET_TEST_LIBS)
tests_net_test_grpc_SOURCES = tests/net/test_grpc.c $(NET_WORLD)
tests_net_test_grpc_LDADD = $(NET_TEST_LIBS)
tests_net_test_net_peers_SOURCES = tests/net/test_net_peers.c $(NET_WORLD)
tests_net_test_net_peers_LDADD = $(NET_TEST_LIBS)
tests_net_test_net_policy_SOURCES = tests/net/test_net_policy.c
tests_net_test_net_policy_LDADD = $(NET_TEST_LIBS)
tests_net_test_net_tls_SOURCES = tests/net/test_net_tls.c $(NET_WORLD)
tests_net_test_net_tls_LDADD = $(NET_TEST_LIBS)
tests_net_test_node_v3_SOURCES = tests/net/test_node_v3.c $(NET_WORLD)
tests_net_test_node_v3_LDADD = $(NET_TEST_LIBS)
