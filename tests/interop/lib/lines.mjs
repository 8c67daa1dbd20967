// Splits a byte stream into lines and hands each non-empty one to `each`.
export function onLines(stream, each) {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (text) => {
    rest += text
    let end
    while ((end = rest.indexOf('\n')) >= 0) {
      const line = rest.slice(0, end).trim()
      rest = rest.slice(end + 1)
      if (line)
        each(line)
    }
  })
}
