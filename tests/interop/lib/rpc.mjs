// A program that speaks line JSON-RPC 2.0 on its standard input and output: `xmtui rpc`, or peer.mjs.
//
// Requests may overlap.  Notifications are kept in the order they came, so a waiter never misses one that
// arrived before it began to wait.
import { spawn } from 'node:child_process'
import { DEADLINE_MS } from './wait.mjs'
import { onLines } from './lines.mjs'

// What the other program answered: `code` as in interface `data.code`, or the JSON-RPC number.
export class RpcError extends Error {
  constructor(method, error) {
    super(`${method}: ${error.message}${error.data?.code ? ` [${error.data.code}]` : ''}`)
    this.code = error.data?.code ?? error.code
    this.data = error.data
  }
}

export class RpcProcess {
  // name: for messages; command: program and arguments; env: added to the environment.
  constructor(name, command, { env = {}, deadlineMs = DEADLINE_MS, logFile } = {}) {
    this.name = name
    this.deadlineMs = deadlineMs
    this.logFile = logFile
    this.events = []
    this.waiters = new Set()
    this.pending = new Map()
    this.nextId = 1
    this.stderr = ''
    this.exit = null
    this.child = spawn(command[0], command.slice(1), {
      env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.child.stdin.on('error', () => {})       // the exit handler reports a dead program
    this.child.stderr.setEncoding('utf8')
    this.child.stderr.on('data', (text) => {
      this.stderr = (this.stderr + text).slice(-8000)
      logFile?.write(text)
    })
    onLines(this.child.stdout, (line) => this.#receive(line))
    this.exited = new Promise((resolve) => {
      this.child.on('error', (error) => this.#gone(String(error), resolve))
      this.child.on('close', (code, signal) => this.#gone(signal ?? code, resolve))
    })
  }

  get pid() {
    return this.child.pid
  }

  // The result of one call; rejects with RpcError, or when the program died or took too long.
  call(method, params = {}, { deadlineMs = this.deadlineMs } = {}) {
    if (this.exit !== null)
      return Promise.reject(this.#dead(method))
    const id = this.nextId++
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.pending.delete(id)
        reject(new Error(`${this.name}: no answer to ${method} within ${deadlineMs} ms\n${this.stderr}`))
      }, deadlineMs)
      this.pending.set(id, { method, resolve, reject, timer })
      this.child.stdin.write(JSON.stringify({ jsonrpc: '2.0', id, method, params }) + '\n')
    })
  }

  // The first notification, kept or coming, for which match(params) is true; it is taken from the list.
  waitEvent(what, match, { deadlineMs = this.deadlineMs } = {}) {
    const found = this.events.findIndex(match)
    if (found >= 0)
      return Promise.resolve(this.events.splice(found, 1)[0])
    if (this.exit !== null)
      return Promise.reject(this.#dead(what))
    return new Promise((resolve, reject) => {
      const waiter = { match, resolve, reject }
      waiter.timer = setTimeout(() => {
        this.waiters.delete(waiter)
        const seen = this.events.map((event) => `${event.kind} ${JSON.stringify(event.data)}`.slice(0, 300))
        reject(new Error(`${this.name}: no such event within ${deadlineMs} ms: ${what}\n` +
                         `other events: ${seen.join('\n  ') || 'none'}\n${this.stderr}`))
      }, deadlineMs)
      this.waiters.add(waiter)
    })
  }

  // Ends it as a person would: end of input, then its own exit.
  async stop() {
    if (this.exit === null)
      this.child.stdin.end()
    const timer = setTimeout(() => this.child.kill('SIGKILL'), this.deadlineMs)
    await this.exited
    clearTimeout(timer)
    return this.exit
  }

  async kill() {
    if (this.exit === null)
      this.child.kill('SIGKILL')
    await this.exited
  }

  #receive(line) {
    let message
    try {
      message = JSON.parse(line)
    } catch {
      this.badLine = line
      for (const { reject, timer } of this.pending.values()) {
        clearTimeout(timer)
        reject(new Error(`${this.name}: not JSON on standard output: ${line.slice(0, 200)}`))
      }
      this.pending.clear()
      return
    }
    if (message.jsonrpc !== '2.0') {             // libxmtp's own log, when peer.mjs was told to keep one
      this.logFile?.write(`${this.name} ${line}\n`)
      return
    }
    if (message.id === undefined || message.id === null) {
      if (message.method === 'stream.event')
        this.#event(message.params)
      return
    }
    const call = this.pending.get(message.id)
    if (!call)
      return
    this.pending.delete(message.id)
    clearTimeout(call.timer)
    if (message.error) {
      const error = new RpcError(call.method, message.error)
      error.message = `${this.name}: ${error.message}`
      call.reject(error)
    } else {
      call.resolve(message.result)
    }
  }

  #event(params) {
    params.atMs = performance.now()
    for (const waiter of this.waiters) {
      if (waiter.match(params)) {
        this.waiters.delete(waiter)
        clearTimeout(waiter.timer)
        waiter.resolve(params)
        return
      }
    }
    this.events.push(params)
  }

  #dead(what) {
    return new Error(`${this.name}: ended (${this.exit}) before ${what}\n${this.stderr}`)
  }

  #gone(how, resolve) {
    if (this.exit !== null)
      return
    this.exit = how
    for (const { method, reject, timer } of this.pending.values()) {
      clearTimeout(timer)
      reject(this.#dead(method))
    }
    this.pending.clear()
    for (const { reject, timer } of this.waiters) {
      clearTimeout(timer)
      reject(this.#dead('an awaited event'))
    }
    this.waiters.clear()
    resolve(how)
  }
}
