# xmtui-node: the node for one machine.  All but main() is a library, for tests and fuzzing.
noinst_LTLIBRARIES += libnode.la
libnode_la_SOURCES = \
	node/batch.c node/batch.h \
	node/commit_log.c node/commit_log.h \
	node/data.c node/data.h \
	node/framing.c node/framing.h \
	node/inbox_log.c node/inbox_log.h \
	node/key_packages.c node/key_packages.h \
	node/messages.c node/messages.h \
	node/node.c node/node.h \
	node/options.c node/options.h \
	node/rate.c node/rate.h \
	node/rpc_identity.c \
	node/rpc_publish.c \
	node/rpc_query.c \
	node/rpc_subscribe.c \
	node/service.c node/service.h \
	node/streams.c node/streams.h \
	node/topics.c node/topics.h \
	node/welcomes.c node/welcomes.h
NODE_LIBS = libnode.la $(IDENTITY_LIBS)

bin_PROGRAMS += xmtui-node
xmtui_node_SOURCES = node/main.c
xmtui_node_LDADD = $(NODE_LIBS)
