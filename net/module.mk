# Files of net/; included by the top Makefile.am.
noinst_LTLIBRARIES += libnet.la
libnet_la_SOURCES = \
	net/backoff.c net/backoff.h \
	net/client_call.c net/client_conn.c net/client_internal.h \
	net/dial.c net/dial.h \
	net/frame.c net/frame.h \
	net/grpc_client.c net/grpc_client.h \
	net/grpc_server.c net/grpc_server.h \
	net/h2.c net/h2.h \
	net/keepalive.c net/keepalive.h \
	net/node_answers.c net/node_answers.h \
	net/node_api.h \
	net/node_memory.c net/node_memory.h \
	net/node_rows.c net/node_rows.h \
	net/node_v3.c net/node_v3.h net/node_v3_internal.h \
	net/node_v3_call.c net/node_v3_methods.c net/node_v3_streams.c \
	net/retry.c net/retry.h \
	net/server_conn.c net/server_internal.h net/server_request.c \
	net/sock.c net/sock.h \
	net/status.c net/status.h \
	net/tls.c net/tls.h \
	net/tune.c net/tune.h \
	net/turn.c net/turn.h \
	net/url.c net/url.h
