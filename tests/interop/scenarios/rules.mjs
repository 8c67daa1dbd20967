// Rules of synchronisation that a user notices when they are broken: what is fetched by which call, what a
// blocked conversation does, implicit consent, the last of several decisions, echoes of own texts on other
// installations, permissions, signatures, two 1:1 chats of one pair, and a new HMAC key after a revocation.
import { becomes, equal, ok, refused } from '../lib/check.mjs'
import { meet } from '../lib/installations.mjs'
import { until } from '../lib/wait.mjs'

export const name = 'rules'

export const cases = [
  { A: 'xmtui', B: 'libxmtp', Bo: 'libxmtp' },
  { A: 'libxmtp', B: 'xmtui', Bo: 'xmtui' },
  { A: 'xmtui', B: 'xmtui', Bo: 'libxmtp' },
]

const all = ['unknown', 'allowed', 'denied']
const ids = async (client, params = {}) => (await client.call('conversations.list', params)).map((c) => c.id)

async function setConsent(client, entityType, entity, state) {
  await client.call('preferences.setConsent', { records: [{ entityType, entity, state }] })
}

async function follows(client, entityType, entity, state) {
  await becomes(`${client.label}: ${entityType} ${state}`, state, async () => {
    await client.call('preferences.sync')
    return client.consentOf(entityType, entity)
  })
}

// preferences.sync brings new conversations, but no messages of theirs.
async function preferencesSyncIsLight(A, Bo) {
  const { id } = await Bo.call('conversations.newGroup', { peers: [{ inboxId: A.inboxId }], name: 'light' })
  await until(`${A.label}: the group by preferences.sync`, async () => {
    await A.call('preferences.sync')
    return (await ids(A, { sync: false })).includes(id)
  })
  await Bo.send(id, 'heavy')
  await A.call('preferences.sync')
  equal(await A.texts(id), [], 'texts after preferences.sync')
  await A.call('conversations.syncAll')
  equal(await A.texts(id), ['heavy'], 'texts after syncAll')
  return id
}

// Nobody asked: unknown.  A reply says yes, and the other installation hears of it.
async function implicitConsent(A, B, id) {
  equal(await A.consentOf('conversationId', id), 'unknown', 'a group that somebody else made')
  await A.send(id, 'I am here')
  equal(await A.consentOf('conversationId', id), 'allowed', 'the group after a reply')
  await follows(B, 'conversationId', id, 'allowed')
}

// A denied conversation is out of sight and not fetched, until it is allowed again.
async function deniedConversation(A, B, Bo, id) {
  await setConsent(A, 'conversationId', id, 'denied')
  await follows(B, 'conversationId', id, 'denied')
  for (const client of [A, B]) {
    ok(!(await ids(client)).includes(id), `${client.label} lists a denied conversation`)
    ok((await ids(client, { consentStates: ['denied'] })).includes(id), `${client.label} lists it among the denied`)
  }
  await Bo.send(id, 'while denied')
  await B.call('conversations.syncAll')
  ok(!(await B.texts(id)).includes('while denied'), 'syncAll fetches a denied conversation')
  await setConsent(B, 'conversationId', id, 'allowed')
  await follows(A, 'conversationId', id, 'allowed')
  for (const client of [A, B])
    await becomes(`${client.label}: the text sent while denied`, true, async () => {
      await client.call('conversations.syncAll')
      return (await client.texts(id)).includes('while denied')
    })
}

// What one installation sends, the others see once, with the same id; preference traffic they see never.
async function echoes(A, B, Bo, id) {
  await B.call('stream.start', { kinds: ['messages', 'conversations'] })
  B.events.length = 0
  const sent = await A.send(id, 'echo')
  const event = await B.waitEvent('the echo', (e) => e.kind === 'message' && e.data.content.text === 'echo')
  equal([event.data.id, event.data.senderInboxId], [sent, A.inboxId], 'id and sender of the echo')
  await Bo.call('conversation.sync', { id })
  equal((await Bo.messages(id)).filter((m) => m.content.text === 'echo').map((m) => m.id), [sent],
        'the same text at Bo')
  await setConsent(A, 'inboxId', 'cd'.repeat(32), 'denied')
  await Bo.send(id, 'after the decision')
  await B.waitEvent('the text after', (e) => e.kind === 'message' && e.data.content.text === 'after the decision')
  equal(B.events.filter((e) => e.kind === 'message' || e.kind === 'conversation'), [], 'other things on the stream')
  const types = new Set((await B.call('conversations.list', { consentStates: all })).map((c) => c.type))
  equal([...types].filter((t) => t !== 'dm' && t !== 'group'), [], 'types in the list beside dm and group')
}

// Many decisions in a row, and one on each side at the same time: all end with the last.
async function lastDecisionWins(A, B, Bo) {
  for (const state of ['denied', 'allowed', 'denied', 'allowed', 'denied'])
    await setConsent(A, 'inboxId', Bo.inboxId, state)
  // One installation's decisions arrive in order, so this one tells that the others are there.
  const mark = '12'.repeat(32)
  await setConsent(A, 'inboxId', mark, 'denied')
  await follows(B, 'inboxId', mark, 'denied')
  equal(await B.consentOf('inboxId', Bo.inboxId), 'denied', 'the last of many decisions')
  await setConsent(B, 'inboxId', Bo.inboxId, 'allowed')
  await follows(A, 'inboxId', Bo.inboxId, 'allowed')
  // Not within one network round: libxmtp keeps the time of the first record of all, so that for truly
  // simultaneous decisions it may end with the earlier.
}

// An installation that was away learns what was decided meanwhile.
async function awayInstallation(A, B) {
  const someone = 'ef'.repeat(32)
  await B.stop()
  await setConsent(A, 'inboxId', someone, 'denied')
  await A.call('preferences.sync')
  await B.open()
  await follows(B, 'inboxId', someone, 'denied')
}

// Each installation opens its own chat with the same person; each side then lists one, with all texts.
async function twoChatsOfOnePair(world, A, B, kind) {
  const Dan = await world.client('Dan', kind)
  const one = await A.call('conversations.newDm', { peer: { inboxId: Dan.inboxId } })
  const two = await B.call('conversations.newDm', { peer: { inboxId: Dan.inboxId } })
  await A.send(one.id, 'by A')
  await B.send(two.id, 'by B')
  for (const [client, peer] of [[A, Dan.inboxId], [B, Dan.inboxId], [Dan, A.inboxId]]) {
    await becomes(`${client.label}: one chat with both texts`, ['by A', 'by B'], async () => {
      await client.call('conversations.syncAll')
      const rows = (await client.call('conversations.list', { type: 'dm' })).filter((c) => c.peerInboxId === peer)
      return rows.length === 1 ? (await client.texts(rows[0].id)).sort() : rows.length
    })
  }
}

async function revocationCyclesHmac(world, A, B, kind) {
  const C = await world.client('C', kind, { sameAs: A })
  await meet(A, C)
  await meet(B, C)
  const text = async (client) => JSON.stringify(Object.entries(await client.call('conversations.hmacKeys')).sort())
  await until('A and B have equal HMAC keys', async () => {
    for (const client of [A, B])
      await client.call('preferences.sync')
    return await text(A) === await text(B)
  }, { everyMs: 200 })
  const before = await text(A)
  await B.call('client.revokeInstallations', { ids: [C.installationId] })
  await until('A and B have equal and new HMAC keys', async () => {
    for (const client of [A, B])
      await client.call('preferences.sync')
    return await text(A) === await text(B) && await text(A) !== before
  }, { everyMs: 200 })
}

// Who may do what, changed by its creator, is what the other program shows and keeps to.
async function permissions(A, Bo) {
  const { id } = await A.call('conversations.newGroup', { peers: [{ inboxId: Bo.inboxId }], name: 'ruled' })
  await until(`${Bo.label}: the ruled group`, async () => (await ids(Bo)).includes(id))
  const before = (await Bo.call('conversation.permissions', { id })).policies
  equal((await A.call('conversation.permissions', { id })).policies, before, 'permissions of a new group at both')
  equal([before.addMemberPolicy, before.removeMemberPolicy, before.addAdminPolicy, before.updateGroupNamePolicy],
        ['allow', 'admin', 'superAdmin', 'allow'], 'permissions of a new group')
  await Bo.call('conversation.update', { id, name: 'by Bo' })
  await A.call('conversation.sync', { id })
  await A.call('conversation.permissions', { id, set: { name: 'admin', addMember: 'superAdmin', removeMember: 'deny' } })
  await Bo.call('conversation.sync', { id })
  const after = { ...before, updateGroupNamePolicy: 'admin', addMemberPolicy: 'superAdmin', removeMemberPolicy: 'deny' }
  for (const client of [A, Bo])
    equal((await client.call('conversation.permissions', { id })).policies, after, `permissions at ${client.label}`)
  await refused(Bo.call('conversation.update', { id, name: 'no' }), 'a name from a member')
  await refused(Bo.call('conversation.permissions', { id, set: { name: 'allow' } }), 'permissions from a member')
  for (const client of [A, Bo]) {
    await client.call('conversation.sync', { id })
    equal((await client.call('conversation.get', { id })).name, 'by Bo', `name at ${client.label}`)
  }
}

// A text that one installation signed is verified by the other program, which holds another one for unsigned.
async function signatures(A, Bo) {
  for (const [signer, verifier] of [[A, Bo], [Bo, A]]) {
    const { signature } = await signer.call('client.sign', { text: 'it is me' })
    const verify = (client, params) => client.call('client.verifySignature', { text: 'it is me', signature, ...params })
    const by = { installationId: signer.installationId }
    equal(await verify(verifier, by), { valid: true }, `${verifier.label} of a text that ${signer.label} signed`)
    equal(await verify(signer, {}), { valid: true }, `${signer.label} of its own`)
    equal(await verify(verifier, {}), { valid: false }, `${verifier.label} of a text as its own`)
    equal(await verify(verifier, { ...by, text: 'it is not me' }), { valid: false }, `${verifier.label} of another text`)
  }
}

export async function run(world, roles) {
  const A = await world.client('A', roles.A)
  const B = await world.client('B', roles.B, { sameAs: A })
  await meet(A, B)
  const Bo = await world.client('Bo', roles.Bo)
  const id = await preferencesSyncIsLight(A, Bo)
  await until(`${B.label}: the group`, async () => (await ids(B)).includes(id))
  await implicitConsent(A, B, id)
  await deniedConversation(A, B, Bo, id)
  await echoes(A, B, Bo, id)
  await lastDecisionWins(A, B, Bo)
  await awayInstallation(A, B)
  await permissions(A, Bo)
  await signatures(A, Bo)
  await twoChatsOfOnePair(world, A, B, roles.Bo)
  await revocationCyclesHmac(world, A, B, roles.A)
}
