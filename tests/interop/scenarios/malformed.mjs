// Payloads that no honest program sends, out of a real libxmtp: into the preferences group by an installation
// of the own inbox, and into a chat by another person.
import { randomBytes } from 'node:crypto'
import { becomes, equal, ok } from '../lib/check.mjs'
import { consentUpdate, encodedContent, hmacUpdate, preferenceUpdates } from '../lib/encode.mjs'
import { meet, primaryGroup } from '../lib/installations.mjs'
import { until } from '../lib/wait.mjs'

export const name = 'malformed'

export const cases = [{ B: 'libxmtp', Bo: 'libxmtp', A: 'xmtui' }]

const inbox = () => randomBytes(32).toString('hex')
const [DENIED, ALLOWED] = [3, 2]
const nowNs = () => BigInt(Date.now()) * 1000000n

async function badPreferences(A, B, dmId) {
  await meet(A, B)
  const group = await primaryGroup(B)
  const send = (hex) => B.call('conversation.send', { id: group, content: { type: 'encoded', hex, shouldPush: false } })
  const keysBefore = await A.call('conversations.hmacKeys')
  ok(keysBefore[dmId], 'A has HMAC keys of the chat')

  const [beside, wrongEnum, later, good] = [inbox(), inbox(), inbox(), inbox()]
  const t = nowNs()
  await send(encodedContent({ type: 'application/x-protobuf', content: Buffer.from('ffffffff', 'hex') }))
  await send(encodedContent({ type: 'application/x-protobuf' }))
  await send(encodedContent({ type: 'text', content: 'no device sync content' }))
  await send(preferenceUpdates([Buffer.alloc(0)]))
  // Each update of a batch stands alone: what is wrong is left out, the rest counts.
  await send(preferenceUpdates([
    consentUpdate({ entityType: 99, state: DENIED, entity: wrongEnum, atNs: t }),
    consentUpdate({ state: 77, entity: wrongEnum, atNs: t }),
    consentUpdate({ state: 0, entity: wrongEnum, atNs: t }),
    hmacUpdate({ key: Buffer.alloc(10, 1), atNs: t + 3600000000000n }),
    hmacUpdate({ key: Buffer.alloc(42, 2), atNs: 1n }),
    consentUpdate({ state: DENIED, entity: beside, atNs: t }),
  ]))
  // The last decision counts by its time, not by when it came.
  await send(preferenceUpdates([consentUpdate({ state: DENIED, entity: later, atNs: t + 2000n })]))
  await send(preferenceUpdates([consentUpdate({ state: ALLOWED, entity: later, atNs: t + 1000n })]))
  await send(preferenceUpdates([consentUpdate({ state: DENIED, entity: good, atNs: t })]))

  await becomes('A took the good record', 'denied', async () => {
    await A.call('preferences.sync')
    return A.consentOf('inboxId', good)
  })
  equal(await A.consentOf('inboxId', wrongEnum), 'unknown', 'an entity of which only nonsense was said')
  equal(await A.consentOf('inboxId', beside), 'denied', 'the good one of a bad batch')
  equal(await A.consentOf('inboxId', later), 'denied', 'the later of two decisions, which came first')
  equal(await A.call('conversations.hmacKeys'), keysBefore, 'HMAC keys after a short and an old one')
}

// Content for a chat: what must be listed as a message, whatever is inside.
const ODD = [
  { type: 'text', content: Buffer.from('c3280aff00', 'hex') },
  { type: 'text', content: '\u001b]0;title\u0007\u001b[2J\u202eright to left' },
  { type: 'text', parameters: { encoding: 'UTF-16' }, content: 'odd encoding' },
  { type: 'reply', content: Buffer.from('0aff', 'hex'), parameters: { reference: 'zz' } },
  { type: 'reply', content: 'x' },
  { type: 'reaction', version: [2, 0], content: Buffer.from('ff', 'hex') },
  { type: 'reaction', version: [1, 0], content: '{"action":' },
  { type: 'reaction', version: [1, 0], content: '[[[[[[' + '['.repeat(5000) },
  { type: 'attachment', parameters: { filename: '../../../etc/passwd\u0000', mimeType: 'x' }, content: Buffer.alloc(3) },
  { type: 'remoteStaticAttachment', content: 'file:///etc/passwd' },
  { type: 'deleteMessage', content: Buffer.from('0a0200ff', 'hex') },
  { type: 'leave_request', content: '' },
  { type: 'group_updated', content: Buffer.from('0a0161', 'hex') },
  { type: 'x'.repeat(3000), authority: 'example.org', fallback: 'fallback of a stranger' },
  { type: 'hello', authority: '', version: [4294967295, 4294967295] },
  { type: 'text', content: 'the last one' },
]

async function oddMessages(A, Bo, id) {
  const stranger = inbox()
  const sent = []
  const send = (hex) => Bo.call('conversation.send', { id, content: { type: 'encoded', hex } })
  // A preference update in a chat is none, and nothing to show.
  await send(preferenceUpdates([consentUpdate({ state: DENIED, entity: stranger, atNs: nowNs() })]))
  for (const content of ODD)
    sent.push((await send(encodedContent(content))).messageId)
  await A.call('conversations.syncAll')
  const got = await A.messages(id)
  equal(got.filter((m) => m.senderInboxId === Bo.inboxId && m.kind === 'application').map((m) => m.id), sent,
        'ids of odd messages, in order')
  const byId = new Map(got.map((m) => [m.id, m]))
  for (const messageId of sent)
    equal([byId.get(messageId).kind, byId.get(messageId).senderInboxId], ['application', Bo.inboxId], 'kind and sender')
  equal(byId.get(sent.at(-1)).content.text, 'the last one', 'the text after the odd ones')
  equal((await A.call('conversation.members', { id })).length, 2, 'members after a forged group update')
  equal(await A.consentOf('inboxId', stranger), 'unknown', 'consent that came in a chat')
}

export async function run(world, roles) {
  const A = await world.client('A', roles.A)
  const B = await world.client('B', roles.B, { sameAs: A })
  const Bo = await world.client('Bo', roles.Bo)
  const { id } = await Bo.call('conversations.newDm', { peer: { inboxId: A.inboxId } })
  for (const client of [A, B])
    await until(`${client.label}: the chat`, async () => (await client.call('conversations.list')).some((c) => c.id === id))
  // A and B first settle on one HMAC key, so that any later change is the work of what is sent below.
  await until('A and B have the same HMAC keys', async () => {
    const keys = []
    for (const client of [A, B]) {
      await client.call('preferences.sync')
      keys.push(JSON.stringify((await client.call('conversations.hmacKeys'))[id]))
    }
    return keys[0] === keys[1]
  }, { everyMs: 200 })
  await badPreferences(A, B, id)
  await oddMessages(A, Bo, id)
}
