# Files of sync/; included by the top Makefile.am.
pkginclude_HEADERS += sync/xmtui/client.h
include sync/groups.mk
# The other half: one open home, its methods, streams, consent and the preferences group.
libsync_la_SOURCES += \
	sync/account.c sync/account.h \
	sync/client.c sync/client.h sync/client_calls.c sync/client_error.c \
	sync/config.c sync/config.h \
	sync/consent.c sync/consent.h \
	sync/consent_json.c sync/consent_json.h \
	sync/conversation_json.c sync/conversation_json.h \
	sync/core.c sync/core.h \
	sync/hmac.c sync/hmac.h \
	sync/inbox_json.c sync/inbox_json.h \
	sync/live.c sync/live.h \
	sync/local_node.c sync/local_node.h \
	sync/methods_account.c sync/methods_client.c sync/methods_conversation.c sync/methods_conversations.c \
	sync/methods_group.c sync/methods_permissions.c sync/methods_preferences.c sync/methods_signature.c sync/methods_stream.c \
	sync/open.c sync/open.h \
	sync/params.c sync/params.h \
	sync/poll_set.c sync/poll_set.h \
	sync/pref_payload.c sync/pref_payload.h \
	sync/pref_tasks.c sync/pref_tasks.h \
	sync/prefs.c sync/prefs.h \
	sync/reader.c \
	sync/resolve.c sync/resolve.h \
	sync/rpc.c sync/rpc.h \
	sync/streams.c sync/streams.h \
	sync/sync_all.c sync/sync_all.h \
	sync/worker.c sync/worker.h

# The installed library: the client core behind <xmtui/client.h>, and the MLS library in it.  Its other
# names stay inside.
lib_LTLIBRARIES += libxmtui.la
libxmtui_la_SOURCES =
libxmtui_la_LIBADD = libsync.la libidentity.la libmls.la libnet.la libstore.la libproto.la libcrypto-xm.la libbase.la \
	$(NGHTTP2_LIBS) $(UV_LIBS) $(PROTOBUFC_LIBS) $(SQLITE_LIBS) $(SECP256K1_LIBS) $(OPENSSL_LIBS) $(SODIUM_LIBS) \
	$(JANSSON_LIBS) $(ZLIB_LIBS) -lpthread
libxmtui_la_LDFLAGS = -version-info 0:0:0 -export-symbols-regex '^(xm_|mls_)' -Wl,-z,relro -Wl,-z,now
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = sync/xmtui.pc
