/* Who may say what, and in which form (RFC 9420 sections 6, 12.1.8 and 12.4.3.2): messages of members, of
 * outsiders and of nobody, each signed by whoever it can be signed by. */
#include "crypto/crypto.h"
#include "mls/protect.h"
#include "mls/send.h"
#include "mls/suite.h"
#include "tests/mls/forge.h"
#include "tests/test.h"

#include <stdlib.h>

static struct rand_seed seed;
static struct rand rnd;

#define EVERYTHING                                                                                                     \
    (MLS_ALLOW_PUBLIC_MESSAGE | MLS_ALLOW_PROPOSALS | MLS_ALLOW_PSK | MLS_ALLOW_EXTERNAL | MLS_ALLOW_REINIT)
#define MEMBERS 6

/* Members 0 to 2 are in the group, leaf 3 is blank; 4 is an external sender (number 0). */
static void begin(struct kit_member *m)
{
    struct buf senders = BUF_INIT, vec = BUF_INIT, list = BUF_INIT;
    struct slice extensions;
    struct mls_commit_params params = {.extensions = &extensions};

    rnd = rand_seeded(&seed, 3);
    for (unsigned i = 0; i < MEMBERS; i++) {
        kit_member_init(&m[i], i, MLS_SUITE_CHACHA20, &rnd);
        m[i].config.flags = EVERYTHING;
    }
    kit_create(&m[0], &rnd);
    kit_add(&m[0], m, 1, &m[1], 2, &rnd);
    buf_put_vec(&senders, slice_of(m[4].public_key, MLS_KEY_LEN));
    buf_put_u16(&senders, MLS_CREDENTIAL_BASIC);
    buf_put_vec(&senders, slice_str("a bot"));
    buf_put_vec(&vec, buf_slice(&senders));
    buf_put_slice(&list, mls_group_extensions(m[0].g));
    mls_extension_put(&list, MLS_EXT_EXTERNAL_SENDERS, buf_slice(&vec));
    extensions = buf_slice(&list);
    kit_commit(&m[0], &params, m, 3, NULL, 0, &rnd);
    buf_free(&senders);
    buf_free(&vec);
    buf_free(&list);
}

static void end(struct kit_member *m)
{
    for (unsigned i = 0; i < MEMBERS; i++)
        kit_member_free(&m[i]);
}

static void refused_and_freed(struct kit_member *who, struct bytes message, int code, const char *why)
{
    kit_refuse(who, bytes_slice(&message), code, why);
    bytes_free(&message);
}

/* ---- Public messages ---- */

/* Somebody who is no member but knows the group's context. */
static struct kit_member outsider(const struct kit_member *who, const struct kit_member *member)
{
    struct kit_member out = *who;

    out.g = member->g;
    return out;
}

static struct buf raw_add(const struct kit_member *who)
{
    struct buf b = BUF_INIT;

    buf_put_u16(&b, MLS_PROPOSAL_ADD);
    buf_put_slice(&b, bytes_slice(&who->kp.data));
    return b;
}

static void public_messages_come_from_whom_they_say(void **state)
{
    struct kit_member m[MEMBERS], pretender;
    struct buf add, text = BUF_INIT;
    struct mls_framed_content good, c;
    struct slice none = {0};
    struct bytes message;

    (void)state;
    begin(m);
    add = raw_add(&m[5]);
    mls_send_content(m[1].g, MLS_CONTENT_PROPOSAL, none, buf_slice(&add), &good);
    refused_and_freed(&m[0], forge_public(&m[1], &good, none), 0, NULL);
    refused_and_freed(&m[1], forge_public(&m[1], &good, none), ERR_EXISTS, "a message of our own");

    c = good;
    c.sender.leaf = 3;
    refused_and_freed(&m[0], forge_public(&m[1], &c, none), ERR_AUTH, "sender 3 is no member");
    c.sender.leaf = 4;
    refused_and_freed(&m[0], forge_public(&m[1], &c, none), ERR_AUTH, "sender 4 is no member");
    c.sender.leaf = 2; /* as another member */
    refused_and_freed(&m[0], forge_public(&m[1], &c, none), ERR_AUTH, "signature of a public message");
    c = good;
    c.group_id = slice_str("another id");
    refused_and_freed(&m[0], forge_public(&m[1], &c, none), ERR_DENIED, "a message of another group");
    c = good;
    c.epoch++;
    refused_and_freed(&m[0], forge_public(&m[1], &c, none), ERR_CONFLICT,
                      "a message of epoch 3, the group is in 2");
    c = good;
    c.content_type = MLS_CONTENT_APPLICATION;
    c.body = slice_str("in the open");
    refused_and_freed(&m[0], forge_public(&m[1], &c, none), ERR_DENIED, "application data in a public message");
    /* The right signature without the group's membership key, which an outsider does not have. */
    message = forge_public(&m[1], &good, none);
    message.data[message.len - 1] ^= 1;
    refused_and_freed(&m[0], message, ERR_AUTH, "membership tag");
    message = forge_public(&m[1], &good, none);
    buf_put_slice(&text, bytes_slice(&message));
    buf_put_u8(&text, 0);
    kit_refuse(&m[0], buf_slice(&text), ERR_MALFORMED, "public message does not parse (423 bytes)");
    bytes_free(&message);
    m[0].g->config.flags = 0;
    refused_and_freed(&m[0], forge_public(&m[1], &good, none), ERR_UNSUPPORTED,
                      "public messages are not accepted here");
    m[0].g->config.flags = MLS_ALLOW_PUBLIC_MESSAGE;
    refused_and_freed(&m[0], forge_public(&m[1], &good, none), ERR_UNSUPPORTED,
                      "standalone proposals are not accepted here");
    pretender = outsider(&m[4], &m[1]);
    c = good;
    c.sender = (struct mls_sender){MLS_SENDER_EXTERNAL, 0};
    refused_and_freed(&m[0], forge_public(&pretender, &c, none), ERR_UNSUPPORTED,
                      "messages of non-members are not accepted here");
    buf_free(&add);
    buf_free(&text);
    end(m);
}

static void outsiders_propose_what_they_may(void **state)
{
    static const uint8_t kem[MLS_KEY_LEN];
    struct kit_member m[MEMBERS], bot, comer;
    struct buf add, remove = BUF_INIT, update = BUF_INIT, init = BUF_INIT;
    struct mls_framed_content c;
    struct slice none = {0};

    (void)state;
    begin(m);
    bot = outsider(&m[4], &m[1]);
    comer = outsider(&m[5], &m[1]);
    add = raw_add(&m[5]);
    buf_put_u16(&remove, MLS_PROPOSAL_REMOVE);
    buf_put_u32(&remove, 2);
    buf_put_u16(&update, MLS_PROPOSAL_UPDATE);
    buf_put_slice(&update, mls_group_leaf(m[0].g, 1)->raw);
    buf_put_u16(&init, MLS_PROPOSAL_EXTERNAL_INIT);
    buf_put_vec(&init, slice_of(kem, sizeof kem));

    mls_send_content(m[1].g, MLS_CONTENT_PROPOSAL, none, buf_slice(&add), &c);
    c.sender = (struct mls_sender){MLS_SENDER_EXTERNAL, 0};
    refused_and_freed(&m[0], forge_public(&bot, &c, none), 0, NULL);
    refused_and_freed(&m[0], forge_public(&comer, &c, none), ERR_AUTH, "signature of a public message");
    c.sender.leaf = 1;
    refused_and_freed(&m[0], forge_public(&bot, &c, none), ERR_DENIED, "unknown external sender 1");
    c.sender.leaf = 0;
    c.body = buf_slice(&remove);
    refused_and_freed(&m[0], forge_public(&bot, &c, none), 0, NULL);
    c.body = buf_slice(&update);
    refused_and_freed(&m[0], forge_public(&bot, &c, none), ERR_DENIED, "a message that a non-member must not send");
    c.body = buf_slice(&init);
    refused_and_freed(&m[0], forge_public(&bot, &c, none), ERR_DENIED, "a message that a non-member must not send");

    c.sender = (struct mls_sender){MLS_SENDER_NEW_MEMBER_PROPOSAL, 0};
    c.body = buf_slice(&add);
    refused_and_freed(&m[0], forge_public(&comer, &c, none), 0, NULL); /* itself */
    refused_and_freed(&m[0], forge_public(&bot, &c, none), ERR_AUTH, "signature of a public message"); /* somebody else */
    c.body = buf_slice(&remove);
    refused_and_freed(&m[0], forge_public(&comer, &c, none), ERR_DENIED, "a message that a non-member must not send");

    /* Commits are for members and those who come by them. */
    c.content_type = MLS_CONTENT_COMMIT;
    c.body = slice_of("\x00\x00", 2);
    for (int type = MLS_SENDER_EXTERNAL; type <= MLS_SENDER_NEW_MEMBER_PROPOSAL; type++) {
        c.sender = (struct mls_sender){(uint8_t)type, 0};
        refused_and_freed(&m[0], forge_public(&bot, &c, none), ERR_DENIED,
                          "a message that a non-member must not send");
    }
    c.sender = (struct mls_sender){MLS_SENDER_NEW_MEMBER_COMMIT, 0};
    refused_and_freed(&m[0], forge_public(&bot, &c, none), ERR_DENIED, "an external commit without a path");
    c.content_type = MLS_CONTENT_PROPOSAL;
    c.body = buf_slice(&add);
    refused_and_freed(&m[0], forge_public(&comer, &c, none), ERR_DENIED, "an external commit without a path");
    buf_free(&add);
    buf_free(&remove);
    buf_free(&update);
    buf_free(&init);
    end(m);
}

/* What an outsider proposed is committed by a member. */
static void a_commit_carries_out_what_an_outsider_proposed(void **state)
{
    struct mls_commit_params params = {.with_pending = true};
    struct kit_member m[MEMBERS], bot;
    struct buf remove = BUF_INIT;
    struct mls_framed_content c;
    struct bytes message;

    (void)state;
    begin(m);
    bot = outsider(&m[4], &m[1]);
    buf_put_u16(&remove, MLS_PROPOSAL_REMOVE);
    buf_put_u32(&remove, 2);
    mls_send_content(m[1].g, MLS_CONTENT_PROPOSAL, (struct slice){0}, buf_slice(&remove), &c);
    c.sender = (struct mls_sender){MLS_SENDER_EXTERNAL, 0};
    message = forge_public(&bot, &c, (struct slice){0});
    for (size_t i = 0; i < 3; i++)
        kit_receive(&m[i], bytes_slice(&message));
    kit_commit(&m[0], &params, m, 3, NULL, 0, &rnd);
    kit_agree(m, 3);
    assert_false(mls_group_is_active(m[2].g));
    assert_int_equal(mls_group_member_count(m[1].g), 2);
    bytes_free(&message);
    buf_free(&remove);
    end(m);
}

/* ---- External commits ---- */

struct external {
    struct mls_public_message m;
    struct bytes message;
};

/* Member 5's way in, and its inside. */
static void external_commit(struct kit_member *m, struct external *x)
{
    struct mls_signer signer = kit_signer(&m[1]);
    struct mls_leaf_params leaf = kit_leaf(&m[5]);
    struct mls_group *g;
    struct bytes info;
    struct err err = {0};
    struct reader r;

    assert_int_equal(mls_group_info_create(m[1].g, &signer, &info, &err), 0);
    if (mls_group_join_external(&m[5].config, bytes_slice(&info), &leaf, &rnd, &x->message, &g, &err) != 0)
        fail_msg("%s", err.text);
    mls_group_free(g);
    bytes_free(&info);
    r = reader_of(slice_of(x->message.data + 4, x->message.len - 4));
    assert_true(mls_parse_public_message(&r, &x->m));
}

static void external_is_refused(struct kit_member *m, const struct external *x, struct buf *proposals, int code,
                                const char *why)
{
    struct kit_member comer = outsider(&m[5], &m[1]);
    struct mls_framed_content c = x->m.content;
    struct buf body = BUF_INIT;

    c.commit.proposals = buf_slice(proposals);
    mls_put_commit(&body, &c.commit);
    c.body = buf_slice(&body);
    refused_and_freed(&m[0], forge_public(&comer, &c, x->m.auth.confirmation_tag), code, why);
    buf_free(&body);
    buf_reset(proposals);
}

static void external_commits_against_the_rules_are_refused(void **state)
{
    static const char not_allowed[] = "an external commit with proposals that it must not have";
    static const uint8_t ref[MLS_HASH_LEN];
    struct kit_member m[MEMBERS], bot;
    struct buf list = BUF_INIT, update = BUF_INIT;
    struct mls_framed_content c;
    struct mls_processed *p;
    struct external x;

    (void)state;
    begin(m);
    external_commit(m, &x);
    assert_int_equal(mls_group_process(m[0].g, bytes_slice(&x.message), &p, NULL), 0);
    assert_int_equal(mls_processed_info(p)->sender_leaf, 3); /* the one that it gets */
    mls_processed_free(p);
    buf_put_slice(&list, x.m.content.commit.proposals);
    external_is_refused(m, &x, &list, 0, NULL); /* signed by hand, it is as good */
    external_is_refused(m, &x, &list, ERR_DENIED, not_allowed); /* no external_init */
    buf_put_slice(&list, x.m.content.commit.proposals);
    buf_put_slice(&list, x.m.content.commit.proposals);
    external_is_refused(m, &x, &list, ERR_DENIED, not_allowed);
    buf_put_slice(&list, x.m.content.commit.proposals);
    forge_put_remove(&list, 1);
    forge_put_remove(&list, 2);
    external_is_refused(m, &x, &list, ERR_DENIED, not_allowed);
    buf_put_slice(&list, x.m.content.commit.proposals);
    forge_put_add(&list, bytes_slice(&m[3].kp.data));
    external_is_refused(m, &x, &list, ERR_DENIED, not_allowed);
    buf_put_slice(&list, x.m.content.commit.proposals);
    forge_put_ref(&list, ref);
    external_is_refused(m, &x, &list, ERR_DENIED, "a commit refers to a proposal that we do not have");
    buf_put_slice(&list, x.m.content.commit.proposals);
    buf_put_u16(&update, MLS_PROPOSAL_UPDATE);
    buf_put_slice(&update, mls_group_leaf(m[0].g, 1)->raw);
    forge_put_raw(&list, buf_slice(&update));
    external_is_refused(m, &x, &list, ERR_DENIED, "an update by the committer or by no member");
    /* One remove is allowed; its leaf is then the one that the new member gets, and signs for. */
    buf_put_slice(&list, x.m.content.commit.proposals);
    forge_put_remove(&list, 0);
    external_is_refused(m, &x, &list, ERR_AUTH, "signature of the new leaf of 0");
    /* Signed by somebody else than the new leaf says. */
    bot = outsider(&m[4], &m[1]);
    c = x.m.content;
    refused_and_freed(&m[0], forge_public(&bot, &c, x.m.auth.confirmation_tag), ERR_AUTH,
                      "signature of a public message");
    bytes_free(&x.message);
    buf_free(&list);
    buf_free(&update);
    end(m);
}

/* Proposals that wait are not for those who come by themselves. */
static void an_external_commit_refers_to_nothing(void **state)
{
    struct kit_member m[MEMBERS];
    struct buf remove = BUF_INIT, list = BUF_INIT;
    struct mls_framed_content c;
    struct mls_processed *p;
    struct bytes message;
    struct external x;

    (void)state;
    begin(m);
    external_commit(m, &x);
    buf_put_u16(&remove, MLS_PROPOSAL_REMOVE);
    buf_put_u32(&remove, 2);
    mls_send_content(m[1].g, MLS_CONTENT_PROPOSAL, (struct slice){0}, buf_slice(&remove), &c);
    message = forge_public(&m[1], &c, (struct slice){0});
    assert_int_equal(mls_group_process(m[0].g, bytes_slice(&message), &p, NULL), 0);
    buf_put_slice(&list, x.m.content.commit.proposals);
    forge_put_ref(&list, mls_processed_info(p)->proposal_ref);
    assert_int_equal(mls_group_accept(m[0].g, p, NULL), 0);
    external_is_refused(m, &x, &list, ERR_DENIED, "an external commit with a reference");
    bytes_free(&message);
    bytes_free(&x.message);
    buf_free(&remove);
    buf_free(&list);
    end(m);
}

/* ---- Private messages ---- */

/* Seals `plain` as it is, for the next generation of `by`; the sender data say `leaf`. */
static struct bytes seal(struct kit_member *by, uint32_t leaf, uint8_t content_type, struct slice plain)
{
    struct mls_private_message msg = {
        .group_id = mls_group_id(by->g), .epoch = mls_group_epoch(by->g), .content_type = content_type};
    struct mls_secret_change change = {0};
    struct mls_message_key key;
    uint8_t sender_key[MLS_AEAD_KEY_MAX], sender_nonce[MLS_NONCE_LEN], *sealed, sealed_sender[12 + AEAD_TAG_LEN];
    struct buf aad = BUF_INIT, sender = BUF_INIT, b = BUF_INIT;
    struct bytes out;

    assert_int_equal(mls_secret_tree_next(&by->g->secret_tree, &by->g->config, by->g->own_leaf,
                                          content_type == MLS_CONTENT_APPLICATION ? MLS_RATCHET_APPLICATION
                                                                                  : MLS_RATCHET_HANDSHAKE,
                                          &key, &change, NULL),
                     0);
    mls_secret_change_wipe(&change);
    buf_put_vec(&aad, msg.group_id);
    buf_put_u64(&aad, msg.epoch);
    buf_put_u8(&aad, content_type);
    sealed = malloc(plain.len + AEAD_TAG_LEN);
    buf_put_u8(&aad, 0); /* no authenticated data */
    assert_int_equal(aead_seal(AEAD_CHACHA20_POLY1305, key.key, key.nonce, buf_slice(&aad), plain, sealed), 0);
    msg.ciphertext = slice_of(sealed, plain.len + AEAD_TAG_LEN);
    aad.len--;
    buf_put_u32(&sender, leaf);
    buf_put_u32(&sender, key.generation);
    buf_put_u32(&sender, 0); /* a reuse guard that changes nothing */
    mls_sender_data_key(MLS_SUITE_CHACHA20, by->g->secrets.sender_data, msg.ciphertext, sender_key, sender_nonce);
    assert_int_equal(aead_seal(AEAD_CHACHA20_POLY1305, sender_key, sender_nonce, buf_slice(&aad), buf_slice(&sender),
                               sealed_sender),
                     0);
    msg.encrypted_sender_data = slice_of(sealed_sender, sizeof sealed_sender);
    mls_put_message_head(&b, MLS_WIRE_PRIVATE_MESSAGE);
    mls_put_private_message(&b, &msg);
    assert_int_equal(buf_take(&b, &out), 0);
    free(sealed);
    buf_free(&aad);
    buf_free(&sender);
    return out;
}

/* PrivateMessageContent of a text, signed by `signer` as leaf 1, with so many bytes of `padding` behind. */
static struct buf text_of(const struct kit_member *signer, const struct kit_member *m, size_t padding, uint8_t filling)
{
    struct mls_signer key = kit_signer(signer);
    uint8_t signature[MLS_SIGNATURE_LEN];
    struct mls_framed_content c;
    struct buf plain = BUF_INIT;

    mls_send_content(m->g, MLS_CONTENT_APPLICATION, (struct slice){0}, slice_str("a text"), &c);
    assert_int_equal(mls_content_sign(MLS_WIRE_PRIVATE_MESSAGE, &c, bytes_slice(&m->g->context), &key, signature), 0);
    buf_put_vec(&plain, c.body);
    buf_put_vec(&plain, slice_of(signature, sizeof signature));
    for (size_t i = 0; i < padding; i++)
        buf_put_u8(&plain, i + 1 == padding ? filling : 0);
    return plain;
}

static void private_messages_come_from_whom_they_say(void **state)
{
    struct kit_member m[MEMBERS];
    struct buf plain, cut;
    struct bytes message;

    (void)state;
    begin(m);
    plain = text_of(&m[1], &m[1], 0, 0);
    message = seal(&m[1], 1, MLS_CONTENT_APPLICATION, buf_slice(&plain));
    kit_refuse(&m[1], bytes_slice(&message), ERR_EXISTS, "a message of our own");
    kit_read(&m[0], bytes_slice(&message), "a text"); /* with nothing wrong */
    bytes_free(&message);
    refused_and_freed(&m[2], seal(&m[1], 3, MLS_CONTENT_APPLICATION, buf_slice(&plain)), ERR_AUTH,
                      "sender 3 is no member");
    refused_and_freed(&m[2], seal(&m[1], 4, MLS_CONTENT_APPLICATION, buf_slice(&plain)), ERR_AUTH,
                      "sender 4 is no member");
    refused_and_freed(&m[2], seal(&m[1], 0, MLS_CONTENT_APPLICATION, buf_slice(&plain)), ERR_AUTH,
                      "a message of leaf 0 does not open");
    buf_free(&plain);
    plain = text_of(&m[0], &m[1], 0, 0); /* under the keys of 1, signed by 0 */
    refused_and_freed(&m[2], seal(&m[1], 1, MLS_CONTENT_APPLICATION, buf_slice(&plain)), ERR_AUTH,
                      "signature of leaf 1");
    buf_free(&plain);
    plain = text_of(&m[1], &m[1], 0, 0);
    cut = plain;
    cut.len--;
    refused_and_freed(&m[2], seal(&m[1], 1, MLS_CONTENT_APPLICATION, buf_slice(&cut)), ERR_MALFORMED,
                      "a message of leaf 1 does not open");
    message = seal(&m[1], 1, MLS_CONTENT_APPLICATION, buf_slice(&plain));
    message.data[5] ^= 1; /* the group's id */
    refused_and_freed(&m[2], message, ERR_DENIED, "a message of another group");
    buf_free(&plain);
    end(m);
}

static void padding_is_zeros(void **state)
{
    struct kit_member m[MEMBERS];
    struct bytes message;
    struct buf plain;

    (void)state;
    begin(m);
    for (size_t n = 1; n <= 300; n += 299) {
        plain = text_of(&m[1], &m[1], n, 1);
        refused_and_freed(&m[0], seal(&m[1], 1, MLS_CONTENT_APPLICATION, buf_slice(&plain)), ERR_MALFORMED,
                          "a message of leaf 1 does not open");
        buf_free(&plain);
    }
    plain = text_of(&m[1], &m[1], 300, 0);
    message = seal(&m[1], 1, MLS_CONTENT_APPLICATION, buf_slice(&plain));
    kit_read(&m[0], bytes_slice(&message), "a text");
    bytes_free(&message);
    buf_free(&plain);
    end(m);
}

/* Only texts may come late. */
static void handshakes_of_past_epochs_are_refused(void **state)
{
    struct kit_member m[MEMBERS];
    struct mls_signer signer;
    struct bytes message;
    struct buf add;

    (void)state;
    begin(m);
    add = raw_add(&m[5]);
    signer = kit_signer(&m[1]);
    assert_int_equal(mls_proposal_create(m[1].g, &signer, buf_slice(&add), false, &rnd, &message, NULL), 0);
    kit_commit(&m[0], &(struct mls_commit_params){.force_path = true}, m, 3, NULL, 0, &rnd);
    refused_and_freed(&m[2], message, ERR_CONFLICT, "a message of epoch 2, the group is in 3");
    buf_free(&add);
    end(m);
}

/* What is processed and not accepted yet may be overtaken. */
static void a_proposal_waits_once_and_in_its_epoch(void **state)
{
    struct kit_member m[MEMBERS];
    struct mls_processed *first, *second, *late;
    struct mls_commit_params params = {.with_pending = true};
    struct mls_signer signer;
    struct bytes message;
    struct buf add;
    struct err err = {0};

    (void)state;
    begin(m);
    add = raw_add(&m[5]);
    signer = kit_signer(&m[1]);
    assert_int_equal(mls_proposal_create(m[1].g, &signer, buf_slice(&add), true, &rnd, &message, NULL), 0);
    assert_int_equal(mls_group_process(m[0].g, bytes_slice(&message), &first, NULL), 0);
    assert_int_equal(mls_group_process(m[0].g, bytes_slice(&message), &second, NULL), 0);
    assert_int_equal(mls_group_process(m[0].g, bytes_slice(&message), &late, NULL), 0);
    assert_int_equal(mls_group_accept(m[0].g, first, NULL), 0);
    assert_int_equal(mls_group_accept(m[0].g, second, NULL), 0);
    kit_receive(&m[2], bytes_slice(&message));
    kit_commit(&m[0], &params, m, 3, &m[5], 1, &rnd); /* a second reference would add somebody twice */
    kit_agree(m, 3);
    assert_int_equal(mls_group_member_count(m[0].g), 4);
    assert_int_equal(mls_group_accept(m[0].g, late, &err), ERR_STATE);
    assert_string_equal(err.text, "the group has left the proposal's epoch");
    bytes_free(&message);
    buf_free(&add);
    end(m);
}

static void who_is_out_reads_nothing_more(void **state)
{
    struct kit_member m[MEMBERS];
    struct mls_processed *p;
    struct bytes text;
    struct err err = {0};

    (void)state;
    begin(m);
    text = kit_say(&m[0], "a text", &rnd);
    assert_int_equal(mls_group_process(m[2].g, bytes_slice(&text), &p, NULL), 0);
    kit_commit(&m[0], &(struct mls_commit_params){.removes = (uint32_t[]){2}, .removes_n = 1}, m, 3, NULL, 0, &rnd);
    assert_int_equal(mls_group_accept(m[2].g, p, &err), ERR_STATE);
    assert_string_equal(err.text, "the group is no longer active");
    kit_refuse(&m[2], bytes_slice(&text), ERR_STATE, "the group is no longer active");
    bytes_free(&text);
    end(m);
}

static void other_messages_are_not_for_groups(void **state)
{
    struct kit_member m[MEMBERS];
    struct bytes text;
    struct buf longer = BUF_INIT;

    (void)state;
    begin(m);
    text = kit_say(&m[1], "a text", &rnd);
    buf_put_slice(&longer, bytes_slice(&text));
    buf_put_u8(&longer, 0);
    kit_refuse(&m[0], buf_slice(&longer), ERR_MALFORMED, "private message does not parse (142 bytes)");
    longer.len = 3;
    kit_refuse(&m[0], buf_slice(&longer), ERR_MALFORMED, "not an MLS 1.0 message (3 bytes)");
    text.data[1] = 2; /* version */
    kit_refuse(&m[0], bytes_slice(&text), ERR_MALFORMED, "not an MLS 1.0 message (145 bytes)");
    text.data[1] = 1;
    text.data[3] = MLS_WIRE_WELCOME;
    kit_refuse(&m[0], bytes_slice(&text), ERR_UNSUPPORTED, "wire format 3 is not for groups");
    bytes_free(&text);
    buf_free(&longer);
    end(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(public_messages_come_from_whom_they_say),
        cmocka_unit_test(outsiders_propose_what_they_may),
        cmocka_unit_test(a_commit_carries_out_what_an_outsider_proposed),
        cmocka_unit_test(external_commits_against_the_rules_are_refused),
        cmocka_unit_test(an_external_commit_refers_to_nothing),
        cmocka_unit_test(private_messages_come_from_whom_they_say),
        cmocka_unit_test(padding_is_zeros),
        cmocka_unit_test(handshakes_of_past_epochs_are_refused),
        cmocka_unit_test(a_proposal_waits_once_and_in_its_epoch),
        cmocka_unit_test(who_is_out_reads_nothing_more),
        cmocka_unit_test(other_messages_are_not_for_groups),
    };

    return crypto_init(NULL) ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
