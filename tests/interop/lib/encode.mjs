// Builds the payloads that no honest program sends: EncodedContent and device sync content, byte by byte.
import { field } from '../peer/protobuf.mjs'

// A serialised EncodedContent as hex, for content {type: 'encoded', hex}.
export function encodedContent({ type, version = [1, 0], authority = 'xmtp.org', parameters = {}, fallback, content = '' }) {
  const parts = [field(1, Buffer.concat([field(1, authority), field(2, type), field(3, version[0]), field(4, version[1])]))]
  for (const [key, value] of Object.entries(parameters))
    parts.push(field(2, Buffer.concat([field(1, key), field(2, value)])))
  if (fallback !== undefined)
    parts.push(field(3, fallback))
  parts.push(field(4, content))
  return Buffer.concat(parts).toString('hex')
}

// One preference update about an inbox; the enums are those of the wire (inbox 2; denied 3, allowed 2).
export function consentUpdate({ entityType = 2, state, entity, atNs }) {
  return field(1, Buffer.concat([field(1, entityType), field(2, state), field(3, entity), field(4, BigInt(atNs))]))
}

export function hmacUpdate({ key, atNs }) {
  return field(2, Buffer.concat([field(1, key), field(2, BigInt(atNs))]))
}

// What the preferences group carries: the given updates in one message.
export function preferenceUpdates(updates) {
  const content = field(4, Buffer.concat(updates.map((update) => field(1, update))))
  return encodedContent({ type: 'application/x-protobuf', content })
}
