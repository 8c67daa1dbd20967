// One xmtui-node on a port of its own.  It keeps port and database over a restart, so that clients that
// know it by its URL find it again.
import { spawn } from 'node:child_process'
import net from 'node:net'
import path from 'node:path'
import { until, DEADLINE_MS } from './wait.mjs'

async function freePort() {
  const server = net.createServer()
  await new Promise((resolve, reject) => {
    server.on('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.on('connect', () => { socket.destroy(); resolve(true) })
    socket.on('error', () => resolve(false))
  })
}

export class Node {
  constructor(command, dir) {
    this.command = command
    this.dir = dir
    this.stderr = ''
  }

  get url() {
    return `http://127.0.0.1:${this.port}`
  }

  get pid() {
    return this.child?.pid
  }

  async start() {
    // Somebody else may take the port between looking and listening; then the program ends and another is tried.
    for (let attempt = 0; ; attempt++) {
      const port = this.port ?? await freePort()
      if (await this.#launch(port)) {
        this.port = port
        return this
      }
      if (this.port || attempt >= 4)
        throw new Error(`${this.command.join(' ')} does not start:\n${this.stderr}`)
    }
  }

  async #launch(port) {
    const [program, ...args] = this.command
    this.child = spawn(program, [...args, '--listen', `127.0.0.1:${port}`, '--db', path.join(this.dir, 'node.db')],
                       { stdio: ['ignore', 'ignore', 'pipe'] })
    this.child.stderr.setEncoding('utf8')
    this.child.stderr.on('data', (text) => { this.stderr = (this.stderr + text).slice(-8000) })
    let ended = null
    this.exited = new Promise((resolve) => {
      this.child.on('error', (error) => { ended = String(error); this.stderr += ended; resolve(ended) })
      this.child.on('close', (code, signal) => { ended = signal ?? code; resolve(ended) })
    })
    const end = Date.now() + DEADLINE_MS
    await until('xmtui-node listens', async () => ended !== null || await answers(port),
                { deadlineMs: end - Date.now(), everyMs: 20 })
    this.isEnded = () => ended !== null
    return ended === null
  }

  async stop() {
    if (!this.child || this.isEnded())
      return
    this.child.kill('SIGTERM')
    const timer = setTimeout(() => this.child.kill('SIGKILL'), DEADLINE_MS)
    const how = await this.exited
    clearTimeout(timer)
    if (how !== 0)
      throw new Error(`xmtui-node did not end cleanly: ${how}\n${this.stderr}`)
  }

  async kill() {
    if (!this.child || this.isEnded())
      return
    this.child.kill('SIGKILL')
    await this.exited
  }
}
