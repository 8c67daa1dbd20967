// libxmtp alone, what is said: 1:1 chats, groups, every content type, roles and permissions, metadata,
// members coming and going, expiry, leaving, every kind of stream, and the commit log.
import { randomBytes } from 'node:crypto'
import { equal, ok, refused } from '../lib/check.mjs'
import { comingAndGoing, everyContentType, expiry, metadata, pages, peers, roles, streams } from '../lib/talk.mjs'
import { until } from '../lib/wait.mjs'

export const name = 'libxmtp-chats'

export const cases = [{ A: 'libxmtp', Bo: 'libxmtp', Caro: 'libxmtp', Dan: 'libxmtp' }]

const hex = (n) => randomBytes(n).toString('hex')

const ATTACHMENT = {
  url: 'https://localhost/files/1', contentDigest: hex(32), secret: hex(32), salt: hex(32), nonce: hex(12),
  scheme: 'https://', contentLength: 9, filename: 'a.txt',
}

// Content types that only libxmtp sends.
const MORE = [
  [{ type: 'remoteAttachment', ...ATTACHMENT }, 'remoteStaticAttachment'],
  [{ type: 'multiRemoteAttachment', attachments: [ATTACHMENT, ATTACHMENT] }, 'multiRemoteStaticAttachment'],
  [{ type: 'transactionReference', value: { networkId: '1', reference: '0x12' } }, 'transactionReference'],
  [{ type: 'walletSendCalls', value: { version: '1', chainId: '1', from: '0x12', calls: [] } }, 'walletSendCalls'],
  [{ type: 'actions', value: { id: 'a', description: 'd', actions: [{ id: '1', label: 'one' }] } }, 'actions'],
  [{ type: 'intent', value: { id: 'a', actionId: '1' } }, 'intent'],
]

async function everyContent(A, Bo, id) {
  const reference = await everyContentType(A, Bo, id, MORE)
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

async function permissions(A, Bo, Caro, id) {
  await A.call('conversation.permissions', { id, set: { name: 'admin', addMember: 'admin' } })
  await Caro.call('conversation.sync', { id })
  const { policies } = await Caro.call('conversation.permissions', { id })
  equal([policies.updateGroupNamePolicy, policies.addMemberPolicy], ['admin', 'admin'], 'permissions at Caro')
  await refused(Caro.call('conversation.update', { id, name: 'no' }), 'a name from a member')
  await Bo.call('conversation.sync', { id })
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

export async function run(world, played) {
  const [A, Bo, Caro, Dan] = [await world.client('A', played.A), await world.client('Bo', played.Bo),
                              await world.client('Caro', played.Caro), await world.client('Dan', played.Dan)]
  const dm = await A.call('conversations.newDm', { peer: { address: Bo.address } })
  await A.send(dm.id, 'first')
  await Bo.call('conversations.syncAll')
  const group = await A.call('conversations.newGroup', { peers: peers(Bo, Caro), name: 'three' })
  for (const client of [Bo, Caro])
    await client.call('conversations.syncAll')

  for (const id of [dm.id, group.id]) {
    await everyContent(A, Bo, id)
    await waysOfSending(A, Bo, id)
  }
  await groupMadeOffline(A, Bo)
  equal(await A.call('conversation.duplicates', { id: dm.id }), [], 'duplicates of the only chat')
  await metadata(A, Bo, group.id)
  await roles(A, Bo, Caro, group.id)
  await permissions(A, Bo, Caro, group.id)
  await comingAndGoing(A, Bo, Caro, Dan, group.id)
  await expiry(A, Bo, group.id)
  await expiry(A, Bo, dm.id)
  await streams(A, Bo, Caro)
  await pages(A, Bo, dm.id)
  await commitLog(A, Bo, group.id)
}
