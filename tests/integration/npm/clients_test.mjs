// Clients that nobody here wrote, against agent, coordinator and broker as they ship.
// usage: FIELDPOST_BIN=… node --test clients_test.mjs
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

import { InfluxDB, Point } from '@influxdata/influxdb-client'
import mqtt from 'mqtt'
import sparkplug from 'sparkplug-client'

import { getJson, Site, until } from './site.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..')
const bin = process.env.FIELDPOST_BIN ?? join(root, 'build/release/bin')
const began = 1_700_000_000_000 // ms

const sources = `
[[source]]
kind = "mqtt_topics"
topic = "plant/{room}/{field}"
measurement = "plant"
[[source]]
kind = "mqtt_topics"
topic = "weather/{station}"
format = "json"
measurement = "weather"
fields = { temperature = "/t", wet = "/rain" }
time_pointer = "/at"
time_precision = "ms"
[[source]]
kind = "mqtt_topics"
topic = "spBv1.0/hall/#"
format = "sparkplug"
measurement = "hall"
`

let site

before(async () => {
  site = await Site.start(root, bin, sources)
})
after(async () => {
  await site?.stop()
})

function publish(topic, payload) {
  execFileSync('mosquitto_pub', ['-p', String(site.brokerPort), '-V', '5', '-q', '1', '-t', topic,
    '-m', payload])
}

async function expectValues(filter, wanted) {
  let last = []
  await until(`${JSON.stringify(filter)} has ${wanted.length} readings`, async () => {
    last = await site.readings(filter)
    return last.length >= wanted.length
  }).catch((error) => {
    assert.fail(`${error.message}, but ${last.length}\n${site.logs()}`)
  })
  assert.deepEqual(last.map((reading) => reading[1]), wanted)
  return last
}

/** Who writes to InfluxDB 2.x, and how the same client writes to 1.8. */
const v2 = { token: 'any', org: 'org', bucket: 'bucket' }
const v1 = { token: 'user:pass', org: '', bucket: 'mydb/autogen' }

/** Writes `count` points with the InfluxDB client and waits until the server took them all. */
async function writePoints(url, { token, org, bucket }, measurement, count) {
  const writer = new InfluxDB({ url, token }).getWriteApi(org, bucket, 'ms',
    { batchSize: 500, maxRetries: 0 })
  for (let i = 0; i < count; i++) {
    writer.writePoint(new Point(measurement).tag('room', 'a b,c=d').floatField('t', i / 8)
      .intField('n', i).booleanField('on', i % 2 === 0).stringField('s', `"${i}\\`)
      .timestamp(began + i))
  }
  await writer.close()
}

for (const [name, url] of [['agent', () => site.agent], ['coordinator', () => site.coordinator]]) {
  for (const [version, who] of [['2.x', v2], ['1.8', v1]]) {
    test(`the InfluxDB client writes to the ${name} as to ${version}`, async () => {
      const count = 2000
      const measurement = `v${version[0]}_client_${name}`
      await writePoints(url(), who, measurement, count)
      const numbers = Array.from({ length: count }, (_, i) => i)
      const readings = await expectValues({ measurement, field: 't' }, numbers.map((i) => i / 8))
      assert.equal(readings[1][0], (began + 1) * 1_000_000)
      await expectValues({ measurement, field: 'n' }, numbers)
      await expectValues({ measurement, field: 'on' }, numbers.map((i) => i % 2 === 0))
      await expectValues({ measurement, field: 's' }, numbers.map((i) => `"${i}\\`))
      const series = (await getJson(`${site.coordinator}/api/v1/series?measurement=${measurement}`))
      assert.deepEqual(series.items[0].tags, { room: 'a b,c=d' })
      assert.equal(series.items[0].node, name === 'agent' ? 'n1' : 'http')
    })
  }

  test(`what an InfluxDB 1.x client sends reaches the ${name}, gzipped and twice`, async () => {
    const measurement = `v1_${name}`
    const body = gzipSync(`${measurement},k=v x=1.5 1700000000\n${measurement},k=v x=2.5 1700000001\n`)
    for (let i = 0; i < 2; i++) {
      const response = await fetch(`${url()}/write?db=mydb&rp=autogen&precision=s`,
        { method: 'POST', body, headers: { 'Content-Encoding': 'gzip' } })
      assert.equal(response.status, 204, await response.text())
    }
    await expectValues({ measurement }, [1.5, 2.5])
  })

  test(`the ${name} says what is wrong with a line, and keeps the others`, async () => {
    const measurement = `bad_${name}`
    const response = await fetch(`${url()}/write?precision=s`,
      { method: 'POST', body: `${measurement} x=1 1\n${measurement} x= 2\n${measurement} x=3 3\n` })
    assert.equal(response.status, 400)
    assert.match((await response.json()).error, /2/)
    await expectValues({ measurement }, [1, 3])
  })

  test(`the ${name} answers what InfluxDB clients ask first`, async () => {
    assert.equal((await fetch(`${url()}/ping`)).status, 204)
    const created = await fetch(`${url()}/query?q=${encodeURIComponent('CREATE DATABASE mydb')}`,
      { method: 'POST' })
    assert.equal(created.status, 200)
    assert.ok((await created.json()).results)
  })
}

test('the InfluxDB client is told of a bad line', async () => {
  const writer = new InfluxDB({ url: site.agent, token: 'any' }).getWriteApi('org', 'bucket', 'ns',
    { maxRetries: 0 })
  writer.writeRecord('no fields here')
  await assert.rejects(writer.close(), (error) => error.statusCode === 400)
})

test('curl writes and reads', async () => {
  const curl = (...args) => execFileSync('curl', ['-fsS', ...args], { encoding: 'utf8' })
  curl(`${site.agent}/write?precision=s`, '--data-binary', 'curl,by=hand v=7i 1700000000')
  await expectValues({ measurement: 'curl', 'tag.by': 'hand' }, [7])
  const { items } = JSON.parse(curl(`${site.coordinator}/api/v1/series?measurement=curl`))
  const csv = curl(`${site.coordinator}/api/v1/readings?series=${items[0].id}&format=csv`)
  assert.match(csv, /2023-11-14T22:13:20/)
})

test('mosquitto_pub is a device with plain numbers and JSON', async () => {
  publish('plant/office/temperature', '21.25')
  publish('plant/office/temperature', '21.5')
  publish('plant/office/temperature', 'warm')
  publish('weather/roof', JSON.stringify({ at: began, t: 4.5, rain: true }))
  await expectValues({ measurement: 'plant', 'tag.room': 'office' }, [21.25, 21.5])
  await expectValues({ measurement: 'weather', field: 'temperature' }, [4.5])
  await expectValues({ measurement: 'weather', field: 'wet' }, [true])
})

test('mqtt.js is a device', async () => {
  const device = await mqtt.connectAsync(site.broker, { protocolVersion: 5 })
  for (let i = 0; i < 20; i++) await device.publishAsync('plant/lab/level', String(i), { qos: 1 })
  await device.endAsync()
  await expectValues({ measurement: 'plant', 'tag.room': 'lab' },
    Array.from({ length: 20 }, (_, i) => i))
})

test('a Sparkplug B node and its device are read', async () => {
  const client = sparkplug.newClient({
    serverUrl: site.broker, username: '', password: '', groupId: 'hall', edgeNode: 'press',
    clientId: 'press', version: 'spBv1.0'
  })
  const metric = (name, type, value, i) => ({ name, type, value, timestamp: began + i })
  await new Promise((resolve) => client.once('birth', resolve))
  client.publishNodeBirth({ timestamp: began, metrics: [metric('Uptime', 'Int64', 1, 0)] })
  client.publishDeviceBirth('motor', { timestamp: began, metrics: [metric('rpm', 'Double', 0.5, 0)] })
  for (let i = 1; i <= 10; i++) {
    client.publishDeviceData('motor', { timestamp: began + i,
      metrics: [metric('rpm', 'Double', i + 0.5, i)] })
  }
  await expectValues({ measurement: 'hall', 'tag.device': 'motor', field: 'rpm' },
    Array.from({ length: 11 }, (_, i) => i + 0.5))
  await expectValues({ measurement: 'hall', field: 'Uptime' }, [1])
  client.stop()
})

const tool = join(bin, 'fieldpost')
test('fieldpost decode reads what mosquitto_sub prints', async () => {
  assert.ok(existsSync(tool), `${tool} is not built`)
  const watcher = spawn('mosquitto_sub', ['-p', String(site.brokerPort), '-V', '5', '-t',
    'fieldpost/#', '-F', '%t %x'], { stdio: ['ignore', 'pipe', 'ignore'] })
  const decoder = spawn(tool, ['decode'], { stdio: ['pipe', 'pipe', 'inherit'] })
  watcher.stdout.pipe(decoder.stdin)
  let output = ''
  decoder.stdout.on('data', (bytes) => (output += bytes))
  await until('a record and its receipt are decoded', async () => {
    await fetch(`${site.agent}/write`, { method: 'POST', body: 'decoded v=1' })
    return output.includes('/up/live') && output.includes('/receipt')
  })
  watcher.kill()
  await new Promise((resolve) => decoder.once('close', resolve))
  for (const line of output.trim().split('\n')) assert.ok(JSON.parse(line), line)
})

test('nothing is missing in the end', async () => {
  const node = await until('all is delivered', async () => {
    const now = await getJson(`${site.coordinator}/api/v1/nodes/n1`)
    return now.held === 0 && now.accepted === now.delivered ? now : undefined
  })
  assert.equal(node.unexplained, 0)
  assert.equal(node.gaps, 0)
})
