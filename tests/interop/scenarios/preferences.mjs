// Preference sync.  Alix on A, then B, then C, and Bo, with every assignment of the two programs to A, B
// and C, and Bo the other kind than A.
//
// A client tries each way by itself: between the change and the moment it knows, it makes calls of that one
// way and reads its own store (getConsent, list without sync), nothing else.
import { becomes, equal, ok } from '../lib/check.mjs'
import { meet } from '../lib/installations.mjs'
import { until } from '../lib/wait.mjs'
import { KINDS, other } from '../lib/world.mjs'

export const name = 'preferences'

export const cases = KINDS.flatMap((A) => KINDS.flatMap((B) => KINDS.map((C) => ({ A, B, C, Bo: other(A) }))))

const allStates = ['unknown', 'allowed', 'denied']

const knows = async (client, id) =>
  (await client.call('conversations.list', { sync: false, consentStates: allStates })).some((c) => c.id === id)

// The three ways in which a conversation reaches a client.  prepare() runs before it is made; arrived() waits.
const chatWays = {
  async 'conversations.list'(client, id) {
    await until(`${client.label}: ${id} by conversations.list`, async () =>
      (await client.call('conversations.list')).some((c) => c.id === id))
  },
  async 'conversations.syncAll'(client, id) {
    await until(`${client.label}: ${id} by conversations.syncAll`, async () => {
      await client.call('conversations.syncAll')
      return knows(client, id)
    })
  },
  async 'stream'(client, id) {
    await client.waitEvent(`conversation ${id}`, (e) => e.kind === 'conversation' && e.data.id === id)
    ok(await knows(client, id), `${client.label} lists ${id} after its stream brought it`)
  },
}

// The three ways in which a decision about an inbox reaches a client.
const consentWays = {
  async 'preferences.sync'(client, inboxId, state) {
    await becomes(`${client.label}: ${state} by preferences.sync`, state, async () => {
      await client.call('preferences.sync')
      return client.consentOf('inboxId', inboxId)
    })
  },
  async 'conversations.syncAll'(client, inboxId, state) {
    await becomes(`${client.label}: ${state} by conversations.syncAll`, state, async () => {
      await client.call('conversations.syncAll')
      return client.consentOf('inboxId', inboxId)
    })
  },
  async 'stream'(client, inboxId, state) {
    await client.waitEvent(`${inboxId} ${state}`, (e) =>
      e.kind === 'consent' && e.data.entity === inboxId && e.data.state === state)
    equal(await client.consentOf('inboxId', inboxId), state, `${client.label} after its stream said so`)
  },
}

// Runs `change`, then lets each [client, way] learn it; the streams among them are opened before.
async function learn(ways, pairs, change, arrived) {
  const streams = []
  for (const [client, way] of pairs) {
    if (way === 'stream') {
      client.events.length = 0
      streams.push([client, (await client.call('stream.start')).subscription])
    }
  }
  const subject = await change()
  await Promise.all(pairs.map(([client, way]) => ways[way](client, ...arrived(subject))))
  for (const [client, subscription] of streams)
    await client.call('stream.stop', { subscription })
}

async function setConsent(client, inboxId, state) {
  await client.call('preferences.setConsent', { records: [{ entityType: 'inboxId', entity: inboxId, state }] })
}

// Preferences groups that come while a stream runs.  A watches with nothing but its stream when B appears,
// and B decides something.  libxmtp's stream misses the group (a known lag), so there its own end syncs.
async function streamSeesLaterInstallation(A, makeB) {
  const { subscription } = await A.call('stream.start')
  const B = await makeB()
  const someone = 'ab'.repeat(32)
  await setConsent(B, someone, 'denied')
  if (A.kind === 'libxmtp')
    await consentWays['preferences.sync'](A, someone, 'denied')
  else
    await consentWays.stream(A, someone, 'denied')
  await A.call('stream.stop', { subscription })
  return B
}

async function hmacKeysConverge(clients) {
  await until('the HMAC keys of A, B and C are equal', async () => {
    for (const client of clients)
      await client.call('preferences.sync')
    const [first, ...rest] = await Promise.all(clients.map((client) => client.call('conversations.hmacKeys')))
    const text = (keys) => JSON.stringify(Object.entries(keys).sort())
    return Object.keys(first).length > 0 && rest.every((keys) => text(keys) === text(first))
  }, { everyMs: 200 })
}

export async function run(world, roles) {
  const A = await world.client('A', roles.A)
  const Bo = await world.client('Bo', roles.Bo)

  // A 1:1 chat, both ways.
  const dm = await A.call('conversations.newDm', { peer: { address: Bo.address } })
  await A.send(dm.id, 'hello Bo')
  await Bo.call('conversations.syncAll')
  equal(await Bo.texts(dm.id), ['hello Bo'], 'what Bo got')
  await Bo.send(dm.id, 'hello Alix')
  await A.call('conversation.sync', { id: dm.id })
  equal(await A.texts(dm.id), ['hello Bo', 'hello Alix'], 'what A got')

  const B = await streamSeesLaterInstallation(A, () => world.client('B', roles.B, { sameAs: A }))
  const C = await world.client('C', roles.C, { sameAs: A })
  equal(new Set([A.inboxId, B.inboxId, C.inboxId]).size, 1, 'number of inboxes of A, B and C')

  // The older installations learn of C; the chat with Bo comes to B and C; then one HMAC key for all.
  await meet(A, C)
  await meet(B, C)
  for (const client of [B, C])
    await until(`${client.label}: the chat with Bo`, async () =>
      (await client.call('conversations.list', { consentStates: allStates })).some((c) => c.id === dm.id), { everyMs: 200 })
  await hmacKeysConverge([A, B, C])
  // A text sent in an older epoch is for those who were members then, so Bo first learns of B and C.
  await Bo.call('conversation.sync', { id: dm.id })
  await Bo.send(dm.id, 'hello everybody')
  for (const client of [A, B, C])
    await becomes(`${client.label}: the text to everybody`, true, async () => {
      await client.call('conversation.sync', { id: dm.id })
      return (await client.texts(dm.id)).includes('hello everybody')
    })

  // A new 1:1 chat and a new group, each way on each client.
  const ways = Object.keys(chatWays)
  for (let turn = 0; turn < 3; turn++) {
    const pairs = [A, B, C].map((client, i) => [client, ways[(i + turn) % 3]])
    const pal = await world.client(`Pal${turn}`, roles.Bo)
    await learn(chatWays, pairs, () => pal.call('conversations.newDm', { peer: { inboxId: A.inboxId } }),
                (made) => [made.id])
    await learn(chatWays, pairs, () => pal.call('conversations.newGroup', { peers: [{ inboxId: A.inboxId }], name: `group ${turn}` }),
                (made) => [made.id])
    await pal.stop()
  }

  // A blocks Bo, B and C learn it; B allows, A and C follow; each way on each client.
  const prefWays = Object.keys(consentWays)
  for (let turn = 0; turn < 3; turn++) {
    const way = (i) => prefWays[(i + turn) % 3]
    await learn(consentWays, [[B, way(0)], [C, way(1)]], () => setConsent(A, Bo.inboxId, 'denied'),
                () => [Bo.inboxId, 'denied'])
    await learn(consentWays, [[A, way(2)], [C, way(0)]], () => setConsent(B, Bo.inboxId, 'allowed'),
                () => [Bo.inboxId, 'allowed'])
  }

  await hmacKeysConverge([A, B, C])
}
