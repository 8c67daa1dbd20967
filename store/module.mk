# store/: SQLite, sealed; the only place with SQL.
noinst_LTLIBRARIES += libstore.la
libstore_la_SOURCES = \
	store/commit_log.c store/commit_log.h \
	store/consent.c store/consent.h \
	store/conversations.c \
	store/cursors.c store/cursors.h \
	store/db.c store/db.h \
	store/groups.c store/groups.h \
	store/home.c store/home.h \
	store/identity_log.c store/identity_log.h \
	store/installation.c store/installation.h \
	store/intents.c store/intents.h \
	store/key_packages.c store/key_packages.h \
	store/keys.c store/keys.h \
	store/lock.c store/lock.h \
	store/mem.c store/mem.h \
	store/message_pages.c \
	store/messages.c store/messages.h \
	store/migrate.c store/migrate.h \
	store/mls_state.c store/mls_state.h \
	store/preferences.c store/preferences.h \
	store/removals.c store/removals.h \
	store/rows.c store/rows.h \
	store/schema.c store/schema.h \
	store/seal.c store/seal.h \
	store/settings.c store/settings.h \
	store/store.c store/store.h \
	store/tasks.c store/tasks.h \
	store/wal_file.c store/wal_file.h
