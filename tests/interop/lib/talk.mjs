// What people do in chats and groups, step by step; run by scenarios with whoever plays the roles.
import { becomes, equal, ok, refused } from './check.mjs'
import { until } from './wait.mjs'

export const peers = (...clients) => clients.map((c) => ({ inboxId: c.inboxId }))

// Content that both programs send, and the content type that must arrive.
export const contents = (reference, referenceInboxId) => [
  [{ type: 'text', text: 'plain' }, 'text'],
  [{ type: 'markdown', text: '# loud' }, 'markdown'],
  [{ type: 'reply', reference, referenceInboxId, text: 'indeed' }, 'reply'],
  [{ type: 'reaction', reference, emoji: '👍', action: 'added' }, 'reaction'],
  [{ type: 'reaction', reference, emoji: '👍', action: 'removed' }, 'reaction'],
  [{ type: 'reaction', reference, emoji: '❤', action: 'added' }, 'reaction'],
  [{ type: 'attachment', filename: 'a.txt', mimeType: 'text/plain', data: '0061ff' }, 'attachment'],
  // A type of nobody's: authority example.org, type hello, version 3.1, fallback "hi", one byte of content.
  [{ type: 'encoded', hex: '0a180a0b6578616d706c652e6f7267120568656c6c6f180320011a02686922017f' }, 'hello'],
  [{ type: 'readReceipt' }, 'readReceipt'],
]

const typeOf = (m) => m.contentType.split('/')[1]?.split(':')[0]

export async function everyContentType(A, Bo, id, more = []) {
  const reference = await A.send(id, 'the one referred to')
  const sent = []
  for (const [content, type] of [...contents(reference, A.inboxId), ...more])
    sent.push([(await A.call('conversation.send', { id, content })).messageId, type])
  await Bo.call('conversation.sync', { id })
  const of = async (client) => (await client.messages(id)).filter((m) => sent.some(([s]) => s === m.id))
  const got = await of(Bo)
  equal(got.map((m) => [m.id, typeOf(m)]), sent, `content types at ${Bo.label}, in order`)
  equal(got.map((m) => [m.id, m.content]), (await of(A)).map((m) => [m.id, m.content]), 'the same content on both sides')
  return reference
}

export async function metadata(A, Bo, id) {
  await A.call('conversation.update', {
    id, name: 'Nomen', description: 'Omen', imageUrl: 'https://localhost/i.png', appData: '{"a":1}',
  })
  await Bo.call('conversation.sync', { id })
  const at = await Bo.call('conversation.get', { id })
  equal([at.name, at.description, at.imageUrl], ['Nomen', 'Omen', 'https://localhost/i.png'], 'metadata at Bo')
  if (at.appData !== undefined)                  // xmtui can set it and has no use for it
    equal(at.appData, '{"a":1}', 'app data at Bo')
  await Bo.call('conversation.update', { id, name: 'Nomen II' })
  await A.call('conversation.sync', { id })
  equal((await A.call('conversation.get', { id })).name, 'Nomen II', 'the name that Bo, a member, gave')
}

const level = async (client, id, of) =>
  (await client.call('conversation.members', { id })).find((m) => m.inboxId === of.inboxId).level

export async function roles(A, Bo, Caro, id) {
  const setRole = (client, peer, role) => client.call('conversation.setRole', { id, peer: { inboxId: peer.inboxId }, role })
  await refused(Bo.call('conversation.removeMembers', { id, peers: peers(Caro) }), 'a removal by a member')
  for (const role of ['admin', 'superAdmin', 'member', 'admin', 'member']) {
    await setRole(A, Bo, role)
    await Bo.call('conversation.sync', { id })
    equal(await level(Bo, id, Bo), role, `Bo's level at ${Bo.label}`)
    if (role === 'admin')
      await refused(setRole(Bo, Caro, 'admin'), 'an appointment by an admin')
  }
}

export async function comingAndGoing(A, Bo, Caro, Dan, id) {
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

export async function expiry(A, Bo, id) {
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

export async function streams(A, Bo, Caro) {
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
    e.data.content.metadataChanges?.some((c) => c.new === 'renamed'))
  await Bo.call('stream.stop', { subscription })
  return group
}

export async function pages(A, Bo, id) {
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
