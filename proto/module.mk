# Messages of XMTP: our .proto files, what protoc-c makes of them in the build directory, and the
# check that every message from outside passes.
PROTO_NAMES = \
	proto/grpc_health \
	proto/xmtp_backup \
	proto/xmtp_consent_backup \
	proto/xmtp_content_types \
	proto/xmtp_device_sync \
	proto/xmtp_event_backup \
	proto/xmtp_group_backup \
	proto/xmtp_identity \
	proto/xmtp_identity_api \
	proto/xmtp_identity_associations \
	proto/xmtp_message_backup \
	proto/xmtp_message_contents \
	proto/xmtp_migration_api \
	proto/xmtp_mls_api \
	proto/xmtp_mls_message_contents
PROTO_FILES = $(PROTO_NAMES:=.proto)
PROTO_GENERATED = $(PROTO_NAMES:=.pb-c.c) $(PROTO_NAMES:=.pb-c.h)

noinst_LTLIBRARIES += libproto.la
libproto_la_SOURCES = \
	proto/check.c proto/check.h \
	proto/methods.c proto/methods.h \
	proto/wire.c proto/wire.h
nodist_libproto_la_SOURCES = $(PROTO_GENERATED)

BUILT_SOURCES += $(PROTO_GENERATED)
CLEANFILES += $(PROTO_GENERATED)
EXTRA_DIST += proto/README.md $(PROTO_FILES)

# All at once: one run is as fast as one file, and the names of messages tie the files together.
# The stamp keeps a parallel make from running it many times.
$(PROTO_GENERATED): proto/generated.stamp
	@test -f $@ || { rm -f proto/generated.stamp; $(MAKE) $(AM_MAKEFLAGS) proto/generated.stamp; }
proto/generated.stamp: $(PROTO_FILES)
	$(AM_V_GEN)$(MKDIR_P) proto && \
	for name in $(PROTO_NAMES); do \
	  $(PROTOC_C) -I$(top_srcdir) --c_out=. $(top_srcdir)/$$name.proto || exit 1; \
	done && touch $@
CLEANFILES += proto/generated.stamp
