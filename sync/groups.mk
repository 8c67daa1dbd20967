# The group core: identities, groups, commits, welcomes, messages.  The library's other half is listed
# in sync/module.mk.
noinst_LTLIBRARIES += libsync.la
libsync_la_SOURCES = \
	sync/commit_validate.c sync/commit_validate.h \
	sync/content_build.c sync/content_view.c sync/content.h \
	sync/encoded.c sync/encoded.h \
	sync/inboxes.c sync/inboxes.h \
	sync/installation_set.c sync/installation_set.h \
	sync/key_packages.c sync/key_packages.h \
	sync/metadata.c sync/metadata_policies.c sync/metadata.h \
	sync/pb.h \
	sync/policy.c sync/policy.h \
	sync/registration.c sync/registration.h
