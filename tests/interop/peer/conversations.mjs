// `conversations.*` and `conversation.*` of one libxmtp client.
import { parseEncoded } from './content.mjs'
import { epochAuthenticator } from './database.mjs'
import * as shape from './shapes.mjs'

// A peer: {address}, {inboxId}, or just that string.
function peerOf(peer) {
  const text = typeof peer === 'string' ? peer : peer.address ?? peer.inboxId
  return text.startsWith('0x') ? { address: text } : { inboxId: text }
}

async function inboxIds({ client }, peers) {
  return Promise.all(peers.map(async (peer) => {
    const { address, inboxId } = peerOf(peer)
    const id = inboxId ?? await client.findInboxIdByIdentifier({ identifier: address.toLowerCase(), identifierKind: 0 })
    if (!id)
      throw Object.assign(new Error(`${address} is no XMTP user`), { code: 'not_found' })
    return id
  }))
}

const find = ({ conversations }, id) => conversations.findGroupById(id)

export function conversationsOfPeer({ conversations }, inboxId) {
  const listed = conversations.list({ consentStates: [0, 1, 2], conversationType: 0, includeDuplicateDms: true })
  return listed.map((item) => item.conversation).filter((dm) => dm.dmPeerInboxId() === inboxId)
}

const METADATA = ['addMember', 'removeMember', 'addAdmin', 'removeAdmin']
const POLICY = ['allow', 'deny', 'admin', 'superAdmin', 'doesNotExist', 'other']
const FIELD = ['appData', 'description', 'name', 'imageUrl', 'disappearingFrom', 'disappearingIn']

function policies(conversation) {
  const set = conversation.groupPermissions().policySet()
  return Object.fromEntries(Object.entries(set).map(([name, policy]) => [name, POLICY[policy]]))
}

// Each content type as the bindings send it; everything else goes as a ready EncodedContent.
const senders = {
  text: (c, m, o) => c.sendText(m.text, o),
  markdown: (c, m, o) => c.sendMarkdown(m.text, o),
  reply: (c, m, o, { bindings }) =>
    c.sendReply({ content: bindings.encodeText(m.text), reference: m.reference, referenceInboxId: m.referenceInboxId }, o),
  reaction: (c, m, o, { conversations }) => c.sendReaction({
    reference: m.reference, referenceInboxId: conversations.findMessageById(m.reference).senderInboxId,
    action: m.action === 'removed' ? 2 : 1, content: m.emoji, schema: 1,
  }, o),
  readReceipt: (c, m, o) => c.sendReadReceipt(o),
  attachment: (c, m, o) =>
    c.sendAttachment({ filename: m.filename, mimeType: m.mimeType, content: Uint8Array.from(Buffer.from(m.data, 'hex')) }, o),
  remoteAttachment: (c, m, o) => c.sendRemoteAttachment(remote(m), o),
  multiRemoteAttachment: (c, m, o) => c.sendMultiRemoteAttachment({ attachments: m.attachments.map(remote) }, o),
  transactionReference: (c, m, o) => c.sendTransactionReference(m.value, o),
  walletSendCalls: (c, m, o) => c.sendWalletSendCalls(m.value, o),
  actions: (c, m, o) => c.sendActions(m.value, o),
  intent: (c, m, o) => c.sendIntent(m.value, o),
  encoded: (c, m, o) => c.send(parseEncoded(Buffer.from(m.hex, 'hex')), { shouldPush: m.shouldPush ?? true, optimistic: o }),
}

const bytes = (hex) => Uint8Array.from(Buffer.from(hex, 'hex'))
const remote = (m) => ({ ...m, type: undefined, secret: bytes(m.secret), salt: bytes(m.salt), nonce: bytes(m.nonce) })

export const methods = {
  'conversations.newDm': async (ctx, { peer }) => {
    const [inboxId] = await inboxIds(ctx, [peer])
    return shape.conversation(await ctx.conversations.createDmByInboxId(inboxId))
  },

  'conversations.newGroup': async (ctx, { peers, name, description, imageUrl, permissions }) =>
    shape.conversation(await ctx.conversations.createGroupByInboxId(await inboxIds(ctx, peers), {
      groupName: name, groupDescription: description, groupImageUrlSquare: imageUrl,
      permissions: permissions === 'admin-only' ? 1 : 0,
    })),

  // A group that exists here alone until the first member or message is published.
  'conversations.newGroupOptimistic': ({ conversations }, { name }) =>
    shape.conversation(conversations.createGroupOptimistic({ groupName: name })),

  'conversations.deleteMessage': ({ conversations }, { messageId }) => ({ deleted: conversations.deleteMessageById(messageId) }),

  // The bindings' list is local; fetching welcomes first is what applications do with it.
  'conversations.list': async ({ conversations }, { consentStates, type, limit, includeDuplicateDms, sync = true }) => {
    if (sync)
      await conversations.sync()
    const listed = conversations.list({
      consentStates: shape.states(consentStates), limit, includeDuplicateDms,
      conversationType: type === undefined ? undefined : shape.number(shape.TYPE, type, 'type'),
    })
    return Promise.all(listed.map((item) => shape.conversation(item.conversation, item.lastMessage)))
  },

  'conversations.sync': async ({ conversations }) => {
    const all = { consentStates: [0, 1, 2], includeDuplicateDms: true }
    const before = conversations.list(all).length
    await conversations.sync()
    return { new: conversations.list(all).length - before }
  },

  'conversations.syncAll': async ({ conversations }, { consentStates }) => {
    const { numEligible, numSynced } = await conversations.syncAllConversations(shape.states(consentStates))
    return { eligible: numEligible, synced: numSynced }
  },

  'conversations.hmacKeys': ({ conversations }) => shape.hmacKeys(conversations.getHmacKeys()),

  'conversation.get': (ctx, { id }) => shape.conversation(find(ctx, id)),

  'conversation.sync': async (ctx, { id }) => {
    const c = find(ctx, id)
    const before = await c.countMessages()
    await c.sync()
    return { messages: await c.countMessages() - before }
  },

  'conversation.send': async (ctx, { id, text, content, optimistic = false }) => {
    const what = content ?? { type: 'text', text }
    const send = senders[what.type]
    if (!send)
      throw Object.assign(new Error(`content type ${what.type}`), { code: 'invalid' })
    const messageId = await send(find(ctx, id), what, optimistic, ctx)
    return { messageId, status: shape.message(ctx.conversations.findMessageById(messageId)).status }
  },

  'conversation.publish': async (ctx, { id }) => {
    await find(ctx, id).publishMessages()
    return {}
  },

  // Stored first, published by its id later.
  'conversation.prepare': (ctx, { id, text }) => ({
    messageId: find(ctx, id).prepareMessage(ctx.bindings.encodeText(text), true),
  }),
  'conversation.publishStored': async (ctx, { id, messageId }) => {
    await find(ctx, id).publishStoredMessage(messageId)
    return {}
  },

  'conversation.messages': async (ctx, { id, limit, beforeNs, afterNs, direction }) => {
    const found = await find(ctx, id).findMessages({
      limit, sentBeforeNs: beforeNs && BigInt(beforeNs), sentAfterNs: afterNs && BigInt(afterNs),
      direction: direction === 'descending' ? 1 : 0,
    })
    return found.map(shape.message)
  },

  // Reactions gathered below their messages, and the installation that sent each.
  'conversation.enriched': async (ctx, { id }) => {
    const found = await find(ctx, id).findEnrichedMessages()
    return found.map((m) => ({
      id: m.id, senderInboxId: m.senderInboxId, senderInstallationId: m.senderInstallationId, type: m.content.type,
      reactions: m.reactions.map((r) => r.content.reaction.content), replies: m.numReplies,
    }))
  },

  'conversation.members': async (ctx, { id }) => (await find(ctx, id).listMembers()).map(shape.member),

  'conversation.addMembers': async (ctx, { id, peers }) => {
    await find(ctx, id).addMembersByInboxId(await inboxIds(ctx, peers))
    return shape.conversation(find(ctx, id))
  },

  'conversation.removeMembers': async (ctx, { id, peers }) => {
    await find(ctx, id).removeMembersByInboxId(await inboxIds(ctx, peers))
    return shape.conversation(find(ctx, id))
  },

  'conversation.setRole': async (ctx, { id, peer, role }) => {
    const c = find(ctx, id)
    const [inboxId] = await inboxIds(ctx, [peer])
    if (role !== 'superAdmin' && c.isSuperAdmin(inboxId))
      await c.removeSuperAdmin(inboxId)
    if (role !== 'admin' && c.isAdmin(inboxId))
      await c.removeAdmin(inboxId)
    if (role === 'superAdmin')
      await c.addSuperAdmin(inboxId)
    if (role === 'admin')
      await c.addAdmin(inboxId)
    return shape.conversation(c)
  },

  'conversation.update': async (ctx, { id, name, description, imageUrl, appData, disappearing }) => {
    const c = find(ctx, id)
    if (name !== undefined)
      await c.updateGroupName(name)
    if (description !== undefined)
      await c.updateGroupDescription(description)
    if (imageUrl !== undefined)
      await c.updateGroupImageUrlSquare(imageUrl)
    if (appData !== undefined)
      await c.updateAppData(appData)
    if (disappearing === null)
      await c.removeMessageDisappearingSettings()
    else if (disappearing)
      await c.updateMessageDisappearingSettings({ fromNs: BigInt(disappearing.fromNs), inNs: BigInt(disappearing.inNs) })
    return shape.conversation(c)
  },

  'conversation.permissions': async (ctx, { id, set = {} }) => {
    const c = find(ctx, id)
    for (const [what, who] of Object.entries(set)) {
      const policy = shape.number(POLICY, who, what)
      if (METADATA.includes(what))
        await c.updatePermissionPolicy(METADATA.indexOf(what), policy)
      else
        await c.updatePermissionPolicy(4, policy, shape.number(FIELD, what, 'permission'))
    }
    return { policies: policies(c) }
  },

  'conversation.leave': async (ctx, { id }) => {
    await find(ctx, id).leaveGroup()
    return {}
  },

  'conversation.duplicates': async (ctx, { id }) => (await find(ctx, id).findDuplicateDms()).map((c) => c.id()),

  'conversation.hmacKeys': (ctx, { id }) => shape.hmacKeys(find(ctx, id).getHmacKeys()),

  'conversation.lastReads': async (ctx, { id }) => {
    const times = await find(ctx, id).getLastReadTimes()
    return Object.fromEntries(Object.entries(times).map(([inbox, ns]) => [inbox, String(ns)]))
  },

  'conversation.debug': async (ctx, { id }) => {
    const c = find(ctx, id)
    const info = await c.debugInfo()
    const members = await c.listMembers()
    return {
      epoch: Number(info.epoch), epochAuthenticator: await epochAuthenticator(ctx.file, id, info.epoch),
      forked: info.maybeForked || info.isCommitLogForked === true, pausedForVersion: c.pausedForVersion(),
      cursor: info.cursor, leaves: members.reduce((n, m) => n + m.installationIds.length, 0),
      remoteCommitLog: info.remoteCommitLog,
    }
  },
}
