// Content types: between the EncodedContent of the bindings and the objects of the JSON-RPC interface.
import { all, fields, last, text } from './protobuf.mjs'

const inboxes = (list, number) => all(list, number).map((inbox) => text(last(fields(inbox), 1)))

function decodeReaction(encoded) {
  if (encoded.type.versionMajor === 1) {
    const json = JSON.parse(Buffer.from(encoded.content).toString('utf8'))
    return { emoji: json.content, reference: json.reference, action: json.action }
  }
  const f = fields(encoded.content)
  return {
    emoji: text(last(f, 4)), reference: text(last(f, 1)),
    action: { 1: 'added', 2: 'removed' }[Number(last(f, 3) ?? 0)] ?? 'unknown',
  }
}

function decodeGroupUpdated(encoded) {
  const f = fields(encoded.content)
  const textOrNull = (value) => value === undefined ? null : text(value)
  return {
    initiatedBy: text(last(f, 1)),
    addedInboxes: inboxes(f, 2), removedInboxes: inboxes(f, 3),
    metadataChanges: all(f, 4).map((change) => {
      const c = fields(change)
      return { field: text(last(c, 1)), old: textOrNull(last(c, 2)), new: textOrNull(last(c, 3)) }
    }),
    leftInboxes: inboxes(f, 5), addedAdmins: inboxes(f, 6), removedAdmins: inboxes(f, 7),
    addedSuperAdmins: inboxes(f, 8), removedSuperAdmins: inboxes(f, 9),
  }
}

// A serialised EncodedContent as the object form that the bindings use.
export function parseEncoded(bytes) {
  const f = fields(bytes)
  const t = fields(last(f, 1) ?? [])
  const parameters = {}
  for (const entry of all(f, 2)) {
    const e = fields(entry)
    parameters[text(last(e, 1))] = text(last(e, 2))
  }
  const fallback = last(f, 3)
  return {
    type: {
      authorityId: text(last(t, 1)), typeId: text(last(t, 2)),
      versionMajor: Number(last(t, 3) ?? 0), versionMinor: Number(last(t, 4) ?? 0),
    },
    parameters,
    ...(fallback === undefined ? {} : { fallback: text(fallback) }),
    content: last(f, 4) ?? Buffer.alloc(0),
  }
}

export function typeName(type) {
  return type ? `${type.authorityId}/${type.typeId}:${type.versionMajor}.${type.versionMinor}` : ''
}

// `content` of a Message.  A body that does not decode shows as its fallback, like an unknown type.
export function decode(encoded) {
  const body = Buffer.from(encoded.content)
  try {
    switch (encoded.type?.typeId) {
    case 'text': case 'markdown':
      return { text: body.toString('utf8') }
    case 'reply': {
      const inner = parseEncoded(body)
      return { ...(decode(inner)), reference: encoded.parameters.reference }
    }
    case 'reaction':
      return decodeReaction(encoded)
    case 'group_updated':
      return decodeGroupUpdated(encoded)
    case 'attachment':
      return {
        filename: encoded.parameters.filename, mimeType: encoded.parameters.mimeType, size: body.length,
        fallback: encoded.fallback ?? null,
      }
    case 'deleteMessage':
      return { reference: text(last(fields(body), 1)) }
    default:
      return { fallback: encoded.fallback ?? null }
    }
  } catch {
    return { fallback: encoded.fallback ?? null }
  }
}
