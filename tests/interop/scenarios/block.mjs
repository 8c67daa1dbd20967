// Blocking a person, and undoing it.  Bo's 1:1 chats, of which there are two because both sides began one,
// leave every list of Alix and come back, on three installations.
//
// `block` is xmtui's; where libxmtp plays A, peer.mjs writes the same records as an application of it would.
import { becomes, equal } from '../lib/check.mjs'
import { meet } from '../lib/installations.mjs'
import { until } from '../lib/wait.mjs'

export const name = 'block'

export const cases = [
  { A: 'xmtui', B: 'xmtui', C: 'libxmtp', Bo: 'libxmtp' },
  { A: 'xmtui', B: 'libxmtp', C: 'xmtui', Bo: 'xmtui' },
  { A: 'libxmtp', B: 'xmtui', C: 'xmtui', Bo: 'libxmtp' },
]

const chatsWith = async (client, inboxId) =>
  (await client.call('conversations.list', { type: 'dm' })).filter((c) => c.peerInboxId === inboxId).length

// What A decided comes to the others; then `count` rows for Bo in every list.
async function everybodyLists(clients, inboxId, count, state) {
  for (const client of clients) {
    await becomes(`${client.label}: Bo is ${state}`, state, async () => {
      await client.call('preferences.sync')
      return client.consentOf('inboxId', inboxId)
    })
    await becomes(`${client.label}: rows for Bo`, count, () => chatsWith(client, inboxId))
  }
}

async function undo(A, inboxId) {
  if (A.kind === 'libxmtp')
    return A.call('preferences.allow', { targets: [inboxId] })
  const log = await A.call('preferences.log', { limit: 20 })
  const block = log.find((row) => row.entity === inboxId && row.newState === 'denied')
  return A.call('preferences.undo', { id: block.id })
}

export async function run(world, roles) {
  const A = await world.client('A', roles.A)
  const Bo = await world.client('Bo', roles.Bo)

  // Each begins a chat before knowing of the other's.
  const mine = await A.call('conversations.newDm', { peer: { inboxId: Bo.inboxId } })
  const his = await Bo.call('conversations.newDm', { peer: { inboxId: A.inboxId } })
  await A.send(mine.id, 'mine')
  await Bo.send(his.id, 'his')
  for (const client of [A, Bo])
    await client.call('conversations.syncAll')
  equal([await chatsWith(A, Bo.inboxId), await chatsWith(Bo, A.inboxId)], [1, 1], 'rows for two chats of one pair')

  const B = await world.client('B', roles.B, { sameAs: A })
  const C = await world.client('C', roles.C, { sameAs: A })
  const alix = [A, B, C]
  await meet(A, C)
  await meet(B, C)
  for (const client of [B, C])
    await until(`${client.label}: the chat with Bo`, async () => await chatsWith(client, Bo.inboxId) === 1, { everyMs: 200 })

  const { records } = await A.call('preferences.block', { targets: [Bo.inboxId] })
  equal(records.map((r) => [r.entityType, r.entity, r.state]).sort(), [
    ['inboxId', Bo.inboxId, 'denied'], ['conversationId', mine.id, 'denied'], ['conversationId', his.id, 'denied'],
  ].sort(), 'records of a block')
  await everybodyLists(alix, Bo.inboxId, 0, 'denied')

  // He is not told, and what he writes is there when he is let in again.
  await Bo.send(his.id, 'hello?')
  await undo(A, Bo.inboxId)
  await everybodyLists(alix, Bo.inboxId, 1, A.kind === 'libxmtp' ? 'allowed' : 'unknown')
  await becomes('A: what Bo wrote meanwhile', true, async () => {
    await A.call('conversations.syncAll')
    const [chat] = (await A.call('conversations.list', { type: 'dm' })).filter((c) => c.peerInboxId === Bo.inboxId)
    return (await A.texts(chat.id)).includes('hello?')
  })
}
