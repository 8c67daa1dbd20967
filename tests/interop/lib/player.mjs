// Who really plays a role: whether libxmtp's machine code is loaded in a process, or in any that comes from it,
// however far it went: all of them carry the mark that the first one was started with.
import { readFileSync, readdirSync } from 'node:fs'
import { randomUUID } from 'node:crypto'

const MARK = 'XMTUI_INTEROP_ROLE'

function read(file) {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''                                    // ended meanwhile, or somebody else's
  }
}

if (!read('/proc/self/maps'))
  throw new Error('who plays a role cannot be told without /proc')

export const newMark = () => ({ [MARK]: randomUUID() })

// The processes with that mark.
const marked = (mark) => readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) &&
  read(`/proc/${pid}/environ`).split('\0').includes(`${MARK}=${mark[MARK]}`))

export const holdsLibxmtp = (mark) => marked(mark).some((pid) => read(`/proc/${pid}/maps`).includes('bindings_node.'))
