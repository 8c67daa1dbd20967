# The group core: identities, groups, commits, welcomes, messages.  The library's other half is listed
# in sync/module.mk.
noinst_LTLIBRARIES += libsync.la
libsync_la_SOURCES = \
	sync/commit_build.c sync/commit_build.h \
	sync/commit_check.c sync/commit_check.h \
	sync/commit_log.c sync/commit_log.h \
	sync/commit_validate.c sync/commit_validate.h \
	sync/content_build.c sync/content_view.c sync/content.h \
	sync/deletion.c sync/deletion.h sync/deletion_note.c sync/deletion_note.h \
	sync/encoded.c sync/encoded.h \
	sync/group.c sync/group.h \
	sync/group_create.c sync/group_create.h \
	sync/group_ids.c sync/group_ids.h \
	sync/group_update.c sync/group_update.h \
	sync/inboxes.c sync/inboxes.h \
	sync/installation_set.c sync/installation_set.h \
	sync/key_packages.c sync/key_packages.h \
	sync/membership.c sync/membership.h sync/membership_locked.h \
	sync/membership_plan.c sync/membership_plan.h \
	sync/intent_commits.c \
	sync/intent_messages.c \
	sync/intent_run.c \
	sync/intents.c sync/intents.h sync/intents_parts.h \
	sync/messages.c sync/messages.h \
	sync/metadata.c sync/metadata_policies.c sync/metadata.h \
	sync/pb.h \
	sync/policy.c sync/policy.h \
	sync/receive.c sync/receive_commit.c sync/receive_message.c sync/receive.h sync/receive_group.h \
	sync/registration.c sync/registration.h \
	sync/send.c sync/send.h \
	sync/taken.c sync/taken.h \
	sync/transcript.c sync/transcript.h \
	sync/welcome_check.c sync/welcome_check.h \
	sync/welcome_open.c sync/welcome_open.h \
	sync/welcome_receive.c sync/welcome_receive.h \
	sync/welcome_send.c sync/welcome_send.h
