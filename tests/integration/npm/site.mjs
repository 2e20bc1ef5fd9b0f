// Broker, coordinator and agent as they ship, on free ports and in a directory of their own.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const READY_MS = 60_000

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

/** Asks `question` again until it answers something true; throws with `what` after a minute. */
export async function until(what, question) {
  const deadline = Date.now() + READY_MS
  let last
  for (;;) {
    try {
      const answer = await question()
      if (answer) return answer
    } catch (error) {
      last = error
    }
    if (Date.now() > deadline) throw new Error(`not within a minute: ${what}`, { cause: last })
    await new Promise((wake) => setTimeout(wake, 50))
  }
}

export async function getJson(url) {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`)
  return response.json()
}

class Program {
  constructor(name, command, args) {
    this.name = name
    this.output = ''
    this.process = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [this.process.stdout, this.process.stderr])
      stream.on('data', (bytes) => (this.output += bytes))
    this.ended = new Promise((resolve) => this.process.once('close', resolve))
    this.process.once('error', (error) => (this.output += error))
  }

  async stop() {
    this.process.kill('SIGTERM')
    await this.ended
  }
}

/** A TCP proxy to a port of this machine. */
class Link {
  constructor(port) {
    this.port = port
    this.sockets = new Set()
    this.isCut = false
    this.server = createServer((socket) => this.join(socket))
  }

  listen() {
    return new Promise((resolve) => {
      this.server.listen(0, '127.0.0.1', () => resolve(this.server.address().port))
    })
  }

  join(socket) {
    const other = connect(this.port, '127.0.0.1')
    for (const each of [socket, other]) {
      this.sockets.add(each)
      each.on('error', () => {})
      each.on('close', () => {
        this.sockets.delete(each)
        socket.destroy()
        other.destroy()
      })
    }
    if (this.isCut) return socket.destroy()
    socket.pipe(other)
    other.pipe(socket)
  }

  cut() {
    this.isCut = true
    for (const socket of this.sockets) socket.destroy()
  }

  mend() {
    this.isCut = false
  }

  close() {
    this.cut()
    this.server.close()
  }
}

export class Site {
  /** `sources` is TOML that goes to the end of agent.toml. */
  static async start(root, bin, sources) {
    const site = new Site()
    site.directory = mkdtempSync(join(tmpdir(), 'fieldpost-clients-'))
    site.programs = []
    site.links = []
    const [mqtt, web, http] = [await freePort(), await freePort(), await freePort()]
    site.broker = `mqtt://127.0.0.1:${mqtt}`
    site.brokerPort = mqtt
    site.coordinator = `http://127.0.0.1:${web}`
    site.agent = `http://127.0.0.1:${http}`
    const broker = readFileSync(join(root, 'systemd/mosquitto.conf'), 'utf8')
    site.write('mosquitto.conf', broker.replace('listener 1883 ', `listener ${mqtt} `))
    site.write('coordinator.toml', `[mqtt]
url = "${site.broker}"
[http]
listen = "127.0.0.1:${web}"
[store]
url = "sqlite://${site.directory}/coordinator"
`)
    site.writeAgent('agent', { id: 'n1', broker: site.broker, http, sources })
    process.env.PATH += ':/usr/sbin'
    try {
      await site.startAll(bin)
    } catch (error) {
      await site.stop()
      throw new Error(site.logs(), { cause: error })
    }
    return site
  }

  writeAgent(name, { id, broker, http, sources = '' }) {
    this.write(`${name}.toml`, `[node]
id = "${id}"
[mqtt]
url = "${broker}"
[spool]
path = "${this.directory}/${name}"
[listen]
socket = "${this.directory}/${name}.sock"
http = "127.0.0.1:${http}"
${sources}`)
  }

  /** One more agent, whose link goes through a proxy that can be cut: { http, cut, mend }. */
  async addAgent(bin, id) {
    const link = new Link(this.brokerPort)
    const port = await link.listen()
    const http = await freePort()
    this.writeAgent(id, { id, broker: `mqtt://127.0.0.1:${port}`, http })
    this.launch(id, join(bin, 'fieldpost-agent'), ['--config', join(this.directory, `${id}.toml`)])
    this.links.push(link)
    await this.untilOnline(id)
    return { id, http: `http://127.0.0.1:${http}`, cut: () => link.cut(), mend: () => link.mend() }
  }

  async untilOnline(id) {
    await until(`${id} is online`, async () => {
      const node = await getJson(`${this.coordinator}/api/v1/nodes/${id}`)
      return node.online
    })
  }

  write(name, text) {
    writeFileSync(join(this.directory, name), text)
  }

  async startAll(bin) {
    this.launch('broker', 'mosquitto', ['-c', join(this.directory, 'mosquitto.conf')])
    for (const name of ['coordinator', 'agent']) {
      const config = join(this.directory, `${name}.toml`)
      this.launch(name, join(bin, `fieldpost-${name}`), ['--config', config])
    }
    await this.untilOnline('n1')
  }

  launch(name, command, args) {
    this.programs.push(new Program(name, command, args))
  }

  logs() {
    return this.programs.map((p) => `== ${p.name}\n${p.output.slice(-3000)}`).join('\n')
  }

  async stop() {
    for (const program of this.programs.reverse()) await program.stop()
    for (const link of this.links) link.close()
    rmSync(this.directory, { recursive: true, force: true })
  }

  /** Every reading of the series that the filter names: [[time in ns, value], …], oldest first. */
  async readings(filter) {
    const query = new URLSearchParams(filter)
    const series = (await getJson(`${this.coordinator}/api/v1/series?${query}`)).items
    if (series.length === 0) return []
    const ids = series.map((one) => one.id).join(',')
    const readings = []
    let cursor = ''
    do {
      const page = await getJson(`${this.coordinator}/api/v1/readings?series=${ids}&times=ns` +
        `&limit=5000${cursor && `&cursor=${encodeURIComponent(cursor)}`}`)
      for (const item of page.items) readings.push(...item.readings)
      cursor = page.next_cursor
    } while (cursor)
    return readings
  }
}
