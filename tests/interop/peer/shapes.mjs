// The objects of the JSON-RPC interface, made from those of the bindings; numbers of the bindings' enums.
import { decode, typeName } from './content.mjs'

export const CONSENT = ['unknown', 'allowed', 'denied']
export const ENTITY = ['conversationId', 'inboxId']
export const LEVEL = ['member', 'admin', 'superAdmin']
export const TYPE = ['dm', 'group', 'sync', 'oneshot']
const KIND = ['application', 'membershipChange']
const STATUS = ['unpublished', 'published', 'failed']

export function number(names, name, what) {
  const n = names.indexOf(name)
  if (n < 0)
    throw new Error(`${what}: ${name} is none of ${names.join(', ')}`)
  return n
}

export const states = (names) => names?.map((name) => number(CONSENT, name, 'consentStates'))

export function message(m) {
  return {
    id: m.id, conversationId: m.convoId, senderInboxId: m.senderInboxId,
    sentAtNs: String(m.sentAtNs), insertedAtNs: String(m.insertedAtNs),
    kind: KIND[m.kind], status: STATUS[m.deliveryStatus],
    contentType: typeName(m.content.type), content: decode(m.content), fallback: m.content.fallback ?? null,
    replyTo: m.content.type?.typeId === 'reply' ? m.content.parameters.reference : null,
  }
}

// lastMessage: as the list has it, or undefined.
export async function conversation(c, lastMessage) {
  const type = TYPE[(await c.groupMetadata()).conversationType()]
  return {
    id: c.id(), type,
    name: type === 'group' ? c.groupName() : '', description: type === 'group' ? c.groupDescription() : '',
    imageUrl: type === 'group' ? c.groupImageUrlSquare() : '', appData: type === 'group' ? c.appData() : '',
    peerInboxId: type === 'dm' ? c.dmPeerInboxId() : null,
    createdAtNs: String(c.createdAtNs()), addedByInboxId: c.addedByInboxId(),
    consent: CONSENT[c.consentState()], active: c.isActive(),
    epoch: Number((await c.debugInfo()).epoch),
    lastMessage: lastMessage ? message(lastMessage) : null,
  }
}

export function member(m) {
  return {
    inboxId: m.inboxId, addresses: m.accountIdentifiers.map((a) => a.identifier.toLowerCase()),
    installations: m.installationIds, level: LEVEL[m.permissionLevel], consent: CONSENT[m.consentState],
  }
}

export function record(r) {
  return { entityType: ENTITY[r.entityType], entity: r.entity, state: CONSENT[r.state] }
}

export function hmacKeys(keys) {
  const out = {}
  for (const [id, list] of Object.entries(keys))
    out[id] = list.map(({ key, epoch }) => ({ epoch: Number(epoch), key: Buffer.from(key).toString('hex') }))
  return out
}
