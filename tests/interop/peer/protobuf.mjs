// Just enough protobuf to read and write the content types of XMTP.

// [[field, value]…] in wire order; value: BigInt for varints, Buffer for the rest.
export function fields(bytes) {
  const b = Buffer.from(bytes)
  const out = []
  let at = 0
  const varint = () => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      if (at >= b.length || shift > 63n)
        throw new Error('protobuf: short or long varint')
      const byte = b[at++]
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80)
        return value
    }
  }
  const take = (length) => {
    if (length > b.length - at)
      throw new Error('protobuf: field runs past the end')
    at += length
    return b.subarray(at - length, at)
  }
  while (at < b.length) {
    const key = Number(varint())
    const wire = key & 7
    let value
    if (wire === 0)
      value = varint()
    else if (wire === 1)
      value = take(8)
    else if (wire === 2)
      value = take(Number(varint()))
    else if (wire === 5)
      value = take(4)
    else
      throw new Error(`protobuf: wire type ${wire}`)
    out.push([key >> 3, value])
  }
  return out
}

export const all = (list, number) => list.filter(([n]) => n === number).map(([, value]) => value)
export const last = (list, number) => all(list, number).at(-1)
export const text = (value) => value === undefined ? '' : value.toString('utf8')

function varintBytes(value) {
  const out = []
  let rest = BigInt(value)
  do {
    const more = rest > 0x7fn
    out.push(Number(rest & 0x7fn) | (more ? 0x80 : 0))
    rest >>= 7n
  } while (rest > 0n)
  return Buffer.from(out)
}

// One field: a Buffer or string is length-delimited, a number a varint.
export function field(number, value) {
  if (typeof value === 'number' || typeof value === 'bigint')
    return Buffer.concat([varintBytes(number << 3), varintBytes(value)])
  const body = Buffer.from(value)
  return Buffer.concat([varintBytes((number << 3) | 2), varintBytes(body.length), body])
}
