// A whole study as its people run it: command line, two nodes of which one is offline for a third
// of it, buttons pressed while it is, and an export that DuckDB reads.
// usage: FIELDPOST_BIN=… node --test study_test.mjs
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { DuckDBInstance } from '@duckdb/node-api'

import { readDuckDb } from './parquet_readers.mjs'
import { getJson, Site, until } from './site.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..')
const bin = process.env.FIELDPOST_BIN ?? join(root, 'build/release/bin')
const sensors = [
  { name: 'air', type: 'climate', measurement: 'air', field: 't', unit: '°C', rate_hz: 5,
    calibration: { scale: 0.5, offset: -40 } },
  { name: 'door', type: 'door', measurement: 'door', field: 'open' },
  { name: 'eye', type: 'camera', measurement: 'cam', field: 'frame' },
]

let site
let other // a coordinator that what was exported moves to
let far // the node whose link is cut
const written = { n1: [], far: [] } // [time in ns, value] of `air`
let last = 0n

before(async () => {
  site = await Site.start(root, bin, '[[source]]\nkind = "host_metrics"\nevery = "60s"\n')
  far = await site.addAgent(bin, 'far')
})
after(async () => {
  await site?.stop()
  await other?.stop()
})

function fieldpost(...args) {
  return execFileSync(join(bin, 'fieldpost'), ['--url', site.coordinator, ...args],
    { encoding: 'utf8' })
}

function json(...args) {
  return JSON.parse(fieldpost('--json', ...args))
}

/** A time that no reading had yet, as near to now as can be. */
function stamp() {
  const now = BigInt(Date.now()) * 1_000_000n
  last = now > last ? now : last + 1n
  return last
}

async function send(http, lines) {
  const response = await fetch(`${http}/write`, { method: 'POST', body: lines.join('\n') })
  assert.equal(response.status, 204, await response.text())
}

/** Some readings of both nodes; each is answered when it is on the node's disk. */
async function sample(count) {
  for (let i = 0; i < count; i++) {
    for (const [node, http] of [['n1', site.agent], ['far', far.http]]) {
      const time = stamp()
      const value = written[node].length + 100
      written[node].push([time, value])
      await send(http, [`air t=${value} ${time}`, `door open=${value % 2 === 0} ${time}`])
    }
  }
}

/** Two of them: one of many pieces, and one that comes again. */
const frames = [randomBytes(300_000), Buffer.from('a small frame')]

async function shoot(http) {
  for (const bytes of [...frames, frames[1]]) {
    const response = await fetch(
      `${http}/api/v1/blobs?measurement=cam&time=${stamp()}&name=eye.jpg`,
      { method: 'POST', headers: { 'Content-Type': 'image/jpeg' }, body: bytes })
    assert.equal(response.status, 201, await response.text())
  }
}

const press = (action, tags = '') =>
  send(far.http, [`fieldpost_recording,button=red${tags} action="${action}" ${stamp()}`])
const study = () => json('experiment', 'show', 'drought')
const recordings = () => json('recording', 'list', 'drought')
const nanos = (text) => {
  const [, second, fraction] = /^(.*)\.(\d{9})Z$/.exec(text)
  return BigInt(Date.parse(`${second}Z`)) * 1_000_000n + BigInt(fraction)
}

test('a study is recorded, and what was offline is in it', { timeout: 240_000 }, async () => {
  const file = join(site.directory, 'sensors.json')
  writeFileSync(file, JSON.stringify({ sensors }))
  fieldpost('experiment', 'config', 'house', '--create', '--sensors', file)
  fieldpost('experiment', 'create', 'drought', '--config', 'house', '--owner', 'anna')
  fieldpost('experiment', 'add', 'drought', '--participant', 'P01', '--participant', 'P02',
    '--task', 'dry', '--operator', 'bo')
  const refused = spawnSync(join(bin, 'fieldpost'),
    ['--url', site.coordinator, 'recording', 'start', 'drought'], { encoding: 'utf8' })
  assert.equal(refused.status, 1)
  assert.match(refused.stderr, /it is a draft: make it ready first/)
  fieldpost('experiment', 'state', 'drought', 'ready')
  await sample(5) // before the first recording: in none

  fieldpost('recording', 'start', 'drought', '--participant', 'P01', '--task', 'dry',
    '--operator', 'bo')
  assert.equal(study().state, 'recording')
  await sample(20)
  far.cut()
  await shoot(far.http)
  await sample(20)
  await press('start', ',participant=P02')
  await sample(5)
  await press('stop', ',participant=P02')
  const photo = join(site.directory, 'mast.jpg')
  writeFileSync(photo, 'a photo of the mast')
  fieldpost('logbook', 'write', 'drought', 'the link of far is down', '--author', 'anna',
    '--attach', photo)
  fieldpost('recording', 'stop', 'drought')
  assert.equal(recordings().length, 1)
  assert.equal(study().complete, false)
  far.mend()
  await until('the presses of the far node have arrived', () => recordings().length === 2)
  fieldpost('recording', 'start', 'drought', '--participant', 'P01', '--task', 'dry')
  await sample(20)
  fieldpost('experiment', 'state', 'drought', 'finished')
  await sample(5) // after the last one: in none
  fieldpost('experiment', 'progress', 'drought', '--participant', 'P01', '--task', 'dry',
    '--state', 'done')
  await until('nothing is outstanding', () => study().complete)
  fieldpost('experiment', 'state', 'drought', 'archived')
})

test('its export is what was recorded, says DuckDB', { timeout: 120_000 }, async () => {
  const tar = join(site.directory, 'drought.tar')
  fieldpost('export', 'drought', '-o', tar)
  execFileSync('tar', ['-xf', tar, '-C', site.directory])
  const shown = study()
  const folder = join(site.directory, shown.id)
  const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'))
  assert.equal(manifest.complete, true)
  for (const { path, bytes, sha256 } of manifest.files) {
    const content = readFileSync(join(folder, path))
    assert.equal(content.length, bytes)
    assert.equal(createHash('sha256').update(content).digest('hex'), sha256)
  }
  const stem = manifest.files.map(({ path }) => path)
    .find((path) => path.startsWith('experiment_2'))
  const experiment = JSON.parse(readFileSync(join(folder, stem), 'utf8'))
  assert.equal(experiment.recordings.length, 3)

  const db = await (await DuckDBInstance.create(':memory:', {
    autoinstall_known_extensions: 'false', autoload_known_extensions: 'false' })).connect()
  const names = Object.fromEntries(shown.participants.map(({ id, name }) => [name, id]))
  let readings = 0
  for (const name of ['P01', 'P02']) {
    const spans = experiment.recordings
      .filter(({ participant }) => participant.name === name)
      .map(({ started, stopped }) => [nanos(started), nanos(stopped)])
    const expected = Object.entries(written).flatMap(([node, rows]) => rows
      .filter(([time]) => spans.some(([from, to]) => from <= time && time < to))
      // DuckDB keeps no more than microseconds of such a time.
      .map(([time, value]) => `${node} ${time / 1000n * 1000n} ${value} ${value * 0.5 - 40}`))
    assert.ok(expected.length >= 10)
    const found = await readDuckDb(db, join(folder, names[name], '*_climate_samples.parquet'))
    const rows = found.time.map((time, i) =>
      `${found.node[i]} ${time} ${found.raw_f64[i]} ${found.value[i]}`)
    assert.deepEqual(rows.sort(), expected.sort())
    assert.deepEqual(new Set(found.participant), new Set([name]))
    readings += 2 * rows.length // of the door as many
  }
  const eye = await readDuckDb(db, join(folder, names.P01, '*_camera_samples.parquet'))
  assert.equal(eye.file.length, 3)
  for (const [i, bytes] of [...frames, frames[1]].entries())
    assert.ok(readFileSync(join(folder, eye.file[i])).equals(bytes))
  assert.equal(manifest.files.filter(({ path }) => path.startsWith('blobs/')).length, 3)
  assert.deepEqual(manifest.bodies_missing, [])
  assert.equal(manifest.readings, readings + 3)

  const again = join(site.directory, 'again.tar')
  fieldpost('export', 'drought', '-o', again)
  assert.ok(readFileSync(tar).equals(readFileSync(again)))
  const exports = json('export', 'drought', '--list')
  assert.equal(exports.length, 2)
  fieldpost('export', 'drought', '--id', exports[0].id, '--remove')
  const left = await getJson(
    `${site.coordinator}/api/v1/experiments/drought/exports`)
  assert.deepEqual(left.items.map(({ id }) => id), [exports[1].id])
})

/** What a coordinator answers of the study, without its own numbers of series. */
async function answers(url) {
  const path = `${url}/api/v1/experiments/drought`
  const out = {}
  for (const each of ['', '/recordings', '/logbook', '/progress', '/health'])
    out[each] = await getJson(path + each)
  for (const flag of out['/health'].items) delete flag.series
  out.config = await getJson(`${url}/api/v1/sensor_configs/house`)
  const from = out['/recordings'].items.map(({ started }) => started).sort()[0]
  const to = out['/recordings'].items.map(({ stopped }) => stopped).sort().at(-1)
  for (const measurement of ['air', 'door', 'cam']) {
    const { items } = await getJson(`${url}/api/v1/series?measurement=${measurement}`)
    for (const { id, node, field } of items) {
      const readings = await getJson(
        `${url}/api/v1/readings?series=${id}&from=${from}&to=${to}&limit=10000`)
      out[`${node} ${measurement} ${field}`] = readings.items[0].readings
    }
  }
  return out
}

/** Of one node and series only what lies in a recording is exported. */
function recorded(found) {
  const inside = (time) => found['/recordings'].items.some(({ started, stopped }) =>
    started <= time && time < stopped)
  return Object.fromEntries(Object.entries(found).map(([key, value]) =>
    [key, Array.isArray(value) ? value.filter(([time]) => inside(time)) : value]))
}

test('its export moves to another coordinator', { timeout: 120_000 }, async () => {
  other = await Site.start(root, bin, '')
  const to = (...args) => execFileSync(join(bin, 'fieldpost'),
    ['--url', other.coordinator, ...args], { encoding: 'utf8' })
  const tar = join(site.directory, 'drought.tar')
  assert.match(to('import', tar), /drought\.tar: \d+ readings/)
  // It has a node of this name as well, which has to tell first that it holds nothing of then.
  await until('its own n1 has told', async () =>
    (await getJson(`${other.coordinator}/api/v1/experiments/drought`)).complete)
  const expected = recorded(await answers(site.coordinator))
  assert.ok(expected['far air t'].length > 20)
  assert.deepEqual(await answers(other.coordinator), expected)
  const [entry] = expected['/logbook'].items
  const photo = join(site.directory, 'fetched.jpg')
  to('query', '--blob', entry.attachments[0].sha256, '-o', photo)
  assert.equal(readFileSync(photo, 'utf8'), 'a photo of the mast')

  const before = JSON.parse(to('--json', 'import', '--list'))
  to('import', tar)
  assert.deepEqual(JSON.parse(to('--json', 'import', '--list')), before)
  to('export', 'drought', '-o', join(site.directory, 'moved.tar'))
  execFileSync('mkdir', ['-p', join(site.directory, 'moved')])
  execFileSync('tar',
    ['-xf', join(site.directory, 'moved.tar'), '-C', join(site.directory, 'moved')])
  const id = study().id
  const samples = (folder) => JSON.parse(readFileSync(join(folder, id, 'manifest.json'), 'utf8'))
    .files.filter(({ path }) => path.includes('/'))
  assert.deepEqual(samples(join(site.directory, 'moved')), samples(site.directory))
})

test('a node measures as often as an experiment wants, and as configured after it',
  { timeout: 120_000 }, async () => {
    const file = join(site.directory, 'often.json')
    const hinted = (name, measurement, field) =>
      ({ name, measurement, field, node: 'n1', sample_every_s: 1 })
    writeFileSync(file, JSON.stringify([hinted('memory', 'mem', 'used_percent'),
      hinted('load', 'system', 'load1'), hinted('soil', 'soil', 'raw')]))
    fieldpost('experiment', 'config', 'often', '--create', '--sensors', file)
    fieldpost('experiment', 'create', 'often', '--config', 'often')
    const seconds = async (measurement, field) => {
      const readings = await site.readings({ node: 'n1', measurement, field })
      return readings.map(([time]) => Number(BigInt(time) / 1_000_000_000n))
    }
    assert.ok((await seconds('mem', 'used_percent')).length <= 3)

    fieldpost('experiment', 'state', 'often', 'ready')
    await until('the node confirms what it was told', () =>
      json('experiment', 'show', 'often').sampling[0]?.state === 'confirmed')
    assert.match(fieldpost('experiment', 'show', 'often'),
      /n1 is to measure mem every 1 s, soil every 1 s, system every 1 s: confirmed \(soil: no source/)
    fieldpost('recording', 'start', 'often')
    for (const [measurement, field] of [['mem', 'used_percent'], ['system', 'load1']]) {
      await until(`${measurement} comes each second`, async () => {
        const last = (await seconds(measurement, field)).slice(-5)
        return last.length === 5 && last[4] - last[0] === 4
      })
    }
    assert.ok((await seconds('cpu', 'usage_idle')).length <= 3)

    fieldpost('experiment', 'state', 'often', 'finished')
    await until('the node is back at its configuration', () => {
      const { sampling } = json('nodes', 'n1')
      return sampling.state === 'confirmed' && Object.keys(sampling.every_s).length === 0
    })
    const before = (await seconds('mem', 'used_percent')).length
    await new Promise((wake) => setTimeout(wake, 5000))
    assert.ok((await seconds('mem', 'used_percent')).length <= before + 2)
  })
