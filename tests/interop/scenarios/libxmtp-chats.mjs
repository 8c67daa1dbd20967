// libxmtp alone, what is said: 1:1 chats, groups, every content type, roles and permissions, metadata,
// members coming and going, expiry, leaving, every kind of stream, and the commit log.
import { randomBytes } from 'node:crypto'
import { becomes, equal, ok, refused } from '../lib/check.mjs'
import { until } from '../lib/wait.mjs'

export const name = 'libxmtp-chats'

export const cases = [{ A: 'libxmtp', Bo: 'libxmtp', Caro: 'libxmtp', Dan: 'libxmtp' }]

const peers = (...clients) => clients.map((c) => ({ inboxId: c.inboxId }))
const hex = (n) => randomBytes(n).toString('hex')

const ATTACHMENT = {
  url: 'https://localhost/files/1', contentDigest: hex(32), secret: hex(32), salt: hex(32), nonce: hex(12),
  scheme: 'https://', contentLength: 9, filename: 'a.txt',
}

// Content to send, and the content type that must arrive.
const contents = (reference, referenceInboxId) => [
  [{ type: 'text', text: 'plain' }, 'text'],
  [{ type: 'markdown', text: '# loud' }, 'markdown'],
  [{ type: 'reply', reference, referenceInboxId, text: 'indeed' }, 'reply'],
  [{ type: 'reaction', reference, emoji: '👍', action: 'added' }, 'reaction'],
  [{ type: 'reaction', reference, emoji: '👍', action: 'removed' }, 'reaction'],
  [{ type: 'reaction', reference, emoji: '❤', action: 'added' }, 'reaction'],
  [{ type: 'attachment', filename: 'a.txt', mimeType: 'text/plain', data: '0061ff' }, 'attachment'],
  [{ type: 'remoteAttachment', ...ATTACHMENT }, 'remoteStaticAttachment'],
  [{ type: 'multiRemoteAttachment', attachments: [ATTACHMENT, ATTACHMENT] }, 'multiRemoteStaticAttachment'],
  [{ type: 'transactionReference', value: { networkId: '1', reference: '0x12' } }, 'transactionReference'],
  [{ type: 'walletSendCalls', value: { version: '1', chainId: '1', from: '0x12', calls: [] } }, 'walletSendCalls'],
  [{ type: 'actions', value: { id: 'a', description: 'd', actions: [{ id: '1', label: 'one' }] } }, 'actions'],
  [{ type: 'intent', value: { id: 'a', actionId: '1' } }, 'intent'],
  // A type of nobody's: authority example.org, type hello, version 3.1, fallback "hi", one byte of content.
  [{ type: 'encoded', hex: '0a180a0b6578616d706c652e6f7267120568656c6c6f180320011a02686922017f' }, 'hello'],
  [{ type: 'readReceipt' }, 'readReceipt'],
]

const typeOf = (m) => m.contentType.split('/')[1]?.split(':')[0]

async function everyContentType(A, Bo, id) {
  const reference = await A.send(id, 'the one referred to')
  const sent = []
  for (const [content, type] of contents(reference, A.inboxId))
    sent.push([(await A.call('conversation.send', { id, content })).messageId, type])
  await Bo.call('conversation.sync', { id })
  const got = await Bo.messages(id)
  equal(got.filter((m) => sent.some(([s]) => s === m.id)).map((m) => [m.id, typeOf(m)]), sent, 'content types at Bo, in order')
  const mine = await A.messages(id)
  equal(got.map((m) => [m.id, m.content]).slice(-sent.length), mine.map((m) => [m.id, m.content]).slice(-sent.length),
        'the same content on both sides')
  const enriched = (await Bo.call('conversation.enriched', { id })).find((m) => m.id === reference)
  equal([enriched.senderInstallationId, enriched.replies, enriched.reactions.length], [A.installationId, 1, 3],
        'what hangs on the text referred to')
  const reads = await Bo.call('conversation.lastReads', { id })
  ok(reads[A.inboxId], 'A has read')
}

async function waysOfSending(A, Bo, id) {
  const first = await A.call('conversation.send', { id, text: 'optimistic', optimistic: true })
  equal(first.status, 'unpublished', 'an optimistic text')
  await A.call('conversation.publish', { id })
  const { messageId } = await A.call('conversation.prepare', { id, text: 'prepared' })
  await A.call('conversation.publishStored', { id, messageId })
  await Bo.call('conversation.sync', { id })
  equal((await Bo.texts(id)).slice(-2), ['optimistic', 'prepared'], 'texts sent in two steps')
}

async function groupMadeOffline(A, Bo) {
  const { id } = await A.call('conversations.newGroupOptimistic', { name: 'later' })
  await A.call('conversation.send', { id, text: 'before anybody', optimistic: true })
  await A.call('conversation.addMembers', { id, peers: peers(Bo) })
  const { messageId } = await A.call('conversation.send', { id, text: 'welcome' })
  await until('Bo has the group', async () => (await Bo.call('conversations.list')).some((c) => c.id === id))
  await Bo.call('conversation.sync', { id })
  ok((await Bo.texts(id)).includes('welcome'), 'the text after the group was published')
  equal(await A.call('conversations.deleteMessage', { messageId }), { deleted: 1 }, 'deleting one of the own texts, here alone')
  ok(!(await A.texts(id)).includes('welcome'), 'the deleted text is gone at A')
  await A.call('client.reconnectDatabase')
  ok((await A.texts(id)).length > 0, 'A reads its database again')
}

async function metadata(A, Bo, id) {
  await A.call('conversation.update', {
    id, name: 'Nomen', description: 'Omen', imageUrl: 'https://localhost/i.png', appData: '{"a":1}',
  })
  await Bo.call('conversation.sync', { id })
  const at = await Bo.call('conversation.get', { id })
  equal([at.name, at.description, at.imageUrl, at.appData], ['Nomen', 'Omen', 'https://localhost/i.png', '{"a":1}'], 'metadata at Bo')
  await Bo.call('conversation.update', { id, name: 'Nomen II' })
  await A.call('conversation.sync', { id })
  equal((await A.call('conversation.get', { id })).name, 'Nomen II', 'the name that Bo, a member, gave')
}

async function rolesAndPermissions(A, Bo, Caro, id) {
  const level = async (client, of) =>
    (await client.call('conversation.members', { id })).find((m) => m.inboxId === of.inboxId).level
  await refused(Bo.call('conversation.removeMembers', { id, peers: peers(Caro) }), 'a removal by a member')
  await A.call('conversation.setRole', { id, peer: { inboxId: Bo.inboxId }, role: 'admin' })
  await Bo.call('conversation.sync', { id })
  equal(await level(Bo, Bo), 'admin', 'Bo')
  await refused(Bo.call('conversation.setRole', { id, peer: { inboxId: Caro.inboxId }, role: 'admin' }), 'an appointment by an admin')
  await A.call('conversation.setRole', { id, peer: { inboxId: Bo.inboxId }, role: 'superAdmin' })
  await Bo.call('conversation.sync', { id })
  equal(await level(Bo, Bo), 'superAdmin', 'Bo')
  await Bo.call('conversation.permissions', { id, set: { name: 'admin', addMember: 'admin' } })
  await Caro.call('conversation.sync', { id })
  const { policies } = await Caro.call('conversation.permissions', { id })
  equal([policies.updateGroupNamePolicy, policies.addMemberPolicy], ['admin', 'admin'], 'permissions at Caro')
  await refused(Caro.call('conversation.update', { id, name: 'no' }), 'a name from a member')
  await A.call('conversation.setRole', { id, peer: { inboxId: Bo.inboxId }, role: 'member' })
  await Bo.call('conversation.sync', { id })
  equal(await level(Bo, Bo), 'member', 'Bo')
}

async function comingAndGoing(A, Bo, Caro, Dan, id) {
  await A.call('conversation.addMembers', { id, peers: peers(Dan) })
  await becomes('Dan is in', true, async () => (await Dan.call('conversations.list')).some((c) => c.id === id))
  await Dan.send(id, 'Dan here')
  await A.call('conversation.removeMembers', { id, peers: peers(Dan) })
  await Dan.call('conversation.sync', { id }).catch(() => {})
  equal((await Dan.call('conversation.get', { id })).active, false, 'the group at Dan, who was removed')
  await refused(Dan.send(id, 'still here?'), 'a text by somebody removed')
  await A.call('conversation.addMembers', { id, peers: peers(Dan) })
  await becomes('Dan is in again', true, async () => {
    await Dan.call('conversations.syncAll')
    return (await Dan.call('conversation.get', { id })).active
  })
  await Dan.send(id, 'Dan is back')
  for (const client of [A, Bo, Caro]) {
    await client.call('conversation.sync', { id })
    equal((await client.texts(id)).slice(-2), ['Dan here', 'Dan is back'], `Dan's texts at ${client.name}`)
  }
  await Dan.call('conversation.leave', { id })
  await until('the group has let Dan go', async () => {
    await A.call('conversation.sync', { id })
    return (await A.call('conversation.members', { id })).length === 3
  })
}

async function expiry(A, Bo, id) {
  await A.call('conversation.update', { id, disappearing: { fromNs: '1', inNs: '300000000' } })
  await Bo.call('conversation.sync', { id })
  await A.send(id, 'gone soon')
  await Bo.call('conversation.sync', { id })
  await until('the text expires at Bo', async () => !(await Bo.texts(id)).includes('gone soon'))
  await A.call('conversation.update', { id, disappearing: null })
  await Bo.call('conversation.sync', { id })
  await A.send(id, 'here to stay')
  await Bo.call('conversation.sync', { id })
  ok((await Bo.texts(id)).includes('here to stay'), 'a text after expiry was turned off')
}

async function streams(A, Bo, Caro) {
  const { subscription } = await Bo.call('stream.start')
  const group = await A.call('conversations.newGroup', { peers: peers(Bo, Caro), name: 'streamed' })
  await Bo.waitEvent('the new group', (e) => e.kind === 'conversation' && e.data.id === group.id)
  const texts = Array.from({ length: 20 }, (_, i) => `s${i}`)
  for (const text of texts)
    await A.send(group.id, text)
  const got = []
  for (const text of texts)
    got.push((await Bo.waitEvent(text, (e) => e.kind === 'message' && e.data.content.text?.startsWith('s'))).data.content.text)
  equal(got, texts, 'streamed texts, in order')
  await Bo.call('preferences.setConsent', { records: [{ entityType: 'inboxId', entity: A.inboxId, state: 'denied' }] })
  await Bo.waitEvent('own consent', (e) => e.kind === 'consent' && e.data.entity === A.inboxId && e.data.state === 'denied')
  // The name arrives by a commit, which the stream turns into a message.
  await A.call('conversation.update', { id: group.id, name: 'renamed' })
  await Bo.waitEvent('the rename', (e) => e.kind === 'message' && e.data.kind === 'membershipChange' &&
    e.data.content.metadataChanges?.some((c) => c.newValue === 'renamed'))
  await Bo.call('stream.stop', { subscription })
  return group
}

async function pages(A, Bo, id) {
  // More than two pages of what the node gives at once.
  const texts = Array.from({ length: 230 }, (_, i) => `p${i}`)
  for (const text of texts)
    await A.call('conversation.send', { id, text, optimistic: true })
  await A.call('conversation.publish', { id })
  await Bo.call('conversation.sync', { id })
  equal((await Bo.texts(id)).filter((t) => t.startsWith('p') && t !== 'plain' && t !== 'prepared'), texts, 'many pages of texts')
  await A.send(id, 'x'.repeat(700000))
  await Bo.call('conversation.sync', { id })
  equal((await Bo.texts(id)).at(-1).length, 700000, 'length of a long text at Bo')
}

// The worker publishes and reads the commit log when it starts, so a client that is opened again has it.
async function commitLog(A, Bo, id) {
  for (const client of [A, Bo, A, Bo]) {
    await client.stop()
    await client.open()
    await client.call('conversation.sync', { id })
  }
  for (const client of [A, Bo])
    equal((await client.call('conversation.debug', { id })).forked, false, `the group at ${client.name} is forked`)
}

export async function run(world, roles) {
  const [A, Bo, Caro, Dan] = [await world.client('A', roles.A), await world.client('Bo', roles.Bo),
                              await world.client('Caro', roles.Caro), await world.client('Dan', roles.Dan)]
  const dm = await A.call('conversations.newDm', { peer: { address: Bo.address } })
  await A.send(dm.id, 'first')
  await Bo.call('conversations.syncAll')
  const group = await A.call('conversations.newGroup', { peers: peers(Bo, Caro), name: 'three' })
  for (const client of [Bo, Caro])
    await client.call('conversations.syncAll')

  for (const id of [dm.id, group.id]) {
    await everyContentType(A, Bo, id)
    await waysOfSending(A, Bo, id)
  }
  await groupMadeOffline(A, Bo)
  equal(await A.call('conversation.duplicates', { id: dm.id }), [], 'duplicates of the only chat')
  await metadata(A, Bo, group.id)
  await rolesAndPermissions(A, Bo, Caro, group.id)
  await comingAndGoing(A, Bo, Caro, Dan, group.id)
  await expiry(A, Bo, group.id)
  await expiry(A, Bo, dm.id)
  await streams(A, Bo, Caro)
  await pages(A, Bo, dm.id)
  await commitLog(A, Bo, group.id)
}
