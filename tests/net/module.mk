# Tests of net/; included by tests/module.mk.
NET_TESTS = tests/net/test_grpc
check_PROGRAMS += $(NET_TESTS)
TESTS += $(NET_TESTS)

tests_net_test_grpc_SOURCES = tests/net/test_grpc.c tests/net/net_world.c tests/net/net_world.h
tests_net_test_grpc_LDADD = libnet.la $(NGHTTP2_LIBS) $(UV_LIBS) $(OPENSSL_LIBS) $(BASE_LIBS) $(TEST_LIBS)
