// One xmtui-node on a port of its own.  It keeps port and database over a restart, so that clients that
// know it by its URL find it again.
import { spawn } from 'node:child_process'
import path from 'node:path'
import { onLines } from './lines.mjs'
import { DEADLINE_MS, within } from './wait.mjs'

export class Node {
  constructor(command, dir) {
    this.command = command
    this.dir = dir
    this.port = 0                                // the system picks one, and the program says which
    this.stderr = ''
    this.ended = null
  }

  get url() {
    return `http://127.0.0.1:${this.port}`
  }

  get pid() {
    return this.child?.pid
  }

  async start() {
    const [program, ...args] = this.command
    this.ended = null
    this.child = spawn(program, [...args, '--listen', `127.0.0.1:${this.port}`, '--db', path.join(this.dir, 'node.db')],
                       { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, LC_ALL: 'C' } })
    this.child.stderr.setEncoding('utf8')
    this.child.stderr.on('data', (text) => { this.stderr = (this.stderr + text).slice(-8000) })
    this.exited = new Promise((resolve) => {
      this.child.on('error', (error) => { this.stderr += error; resolve(this.ended = String(error)) })
      this.child.on('close', (code, signal) => resolve(this.ended = signal ?? code))
    })
    const listening = new Promise((resolve, reject) => {
      onLines(this.child.stdout, (line) => {
        const port = /^listening on 127\.0\.0\.1:(\d+)$/.exec(line)?.[1]
        if (port)
          resolve(Number(port))
      })
      this.exited.then((how) => reject(new Error(`${this.command.join(' ')} ended (${how}):\n${this.stderr}`)))
    })
    this.port = await within(DEADLINE_MS, 'xmtui-node says where it listens', listening)
    return this
  }

  // Asks it to end and expects that it does so cleanly.
  async stop() {
    if (!this.child || this.ended !== null)
      return
    this.child.kill('SIGTERM')
    const timer = setTimeout(() => this.child.kill('SIGKILL'), DEADLINE_MS)
    const how = await this.exited
    clearTimeout(timer)
    if (how !== 0)
      throw new Error(`xmtui-node did not end cleanly: ${how}\n${this.stderr}`)
  }

  async kill() {
    if (!this.child || this.ended !== null)
      return
    this.child.kill('SIGKILL')
    await this.exited
  }
}
