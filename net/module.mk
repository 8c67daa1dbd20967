# Files of net/; included by the top Makefile.am.
noinst_LTLIBRARIES += libnet.la
libnet_la_SOURCES = \
	net/backoff.c net/backoff.h \
	net/grpc_client.h \
	net/grpc_server.h \
	net/node_api.h \
	net/node_v3.h \
	net/retry.c net/retry.h \
	net/status.c net/status.h \
	net/tune.c net/tune.h
