# mls/: RFC 9420, a library of its own.
noinst_LTLIBRARIES += libmls.la
libmls_la_SOURCES = \
	mls/apply.c \
	mls/codec.h \
	mls/commit.c \
	mls/commit_create.c \
	mls/encrypt.c \
	mls/epochs.c \
	mls/external.c mls/external.h \
	mls/framing.c \
	mls/group.c mls/group.h \
	mls/group_info.c \
	mls/join.c \
	mls/join_external.c \
	mls/key_package.c \
	mls/leaf.c \
	mls/leaves.c \
	mls/map.c mls/map.h \
	mls/mls.h \
	mls/process.c mls/process.h \
	mls/process_commit.c \
	mls/proposal.c \
	mls/protect.c mls/protect.h \
	mls/psk.c \
	mls/rules.c mls/rules.h \
	mls/schedule.c mls/schedule.h \
	mls/secret_tree.c mls/secret_tree.h \
	mls/send.h \
	mls/staged.c \
	mls/staged_store.c \
	mls/state.c mls/state.h \
	mls/state_load.c \
	mls/suite.c mls/suite.h \
	mls/tree.c mls/tree.h \
	mls/tree_codec.c \
	mls/tree_hash.c \
	mls/tree_math.h \
	mls/tree_ops.c \
	mls/treekem.c mls/treekem.h \
	mls/welcome.c mls/welcome.h

# Test vectors of the MLS working group, of any kind; see tests/mls/vectors/README.md.
noinst_PROGRAMS += mls-vectors
mls_vectors_SOURCES = \
	tests/mls/wg/groups.c \
	tests/mls/wg/main.c \
	tests/mls/wg/messages.c \
	tests/mls/wg/primitives.c \
	tests/mls/wg/spoil.c \
	tests/mls/wg/trees.c \
	tests/mls/wg/wg.c tests/mls/wg/wg.h
mls_vectors_LDADD = $(MLS_LIBS) $(JANSSON_LIBS)
