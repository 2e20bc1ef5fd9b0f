// Parquet files of ours in the hands of others, and theirs in ours.
// usage: FIELDPOST_PARQUET_FILES=… node --test parquet_test.mjs
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { asyncBufferFromFile, parquetMetadataAsync } from 'hyparquet'

import { readArrow, readDuckDb, readHyparquet } from './parquet_readers.mjs'
import { flatQuery, openDuckDb, writeForeign, writeOdd } from './parquet_samples.mjs'

const program = process.env.FIELDPOST_PARQUET_FILES
const names = ['time', 'i64', 'u64', 'f64', 'flag', 'text', 'größe']
const high = (1n << 64n) - 1n

let directory
let db

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'parquet-'))
  execFileSync(program, ['write', directory])
  db = await openDuckDb()
})
after(() => {
  db?.closeSync()
  rmSync(directory, { recursive: true, force: true })
})

const file = (name) => join(directory, `${name}.parquet`)

/// By the same arithmetic as parquet_files.cpp.
function rowOf(row) {
  const big = BigInt(row)
  const time = 1_700_000_000_000_000_000n + big * 1_000_000_000n + (big % 1009n) * 997n
  if (row % 7 === 3) return [time, null, null, null, null, null, null]
  return [time, big * big - 5_000_000n, high - big, row / 8 - 1000, row % 3 === 0,
    `wert ${row % 5000}`, `gerät-${Math.floor(row / 1000)}`]
}

function columnsOf(rows) {
  return Object.fromEntries(names.map((name, i) => [name, rows.map((row) => row[i])]))
}

const edges = {
  time: [-1n, 0n, 1n, 999n, 1000n, -1500n, 4_102_444_800_000_000_001n,
    1_700_000_000_123_456_789n, 5n, 5n, 5n],
  i64: [null, -(1n << 63n), -1n, 0n, 1n, (1n << 63n) - 1n, 9_007_199_254_740_993n, null],
  u64: [0n, 1n, high, 1n << 63n, (1n << 63n) - 1n, 7n, null, null],
  f64: [null, null, -0, NaN, Infinity, -Infinity, 5e-324, 0.1],
  flag: [false, true, false, true, false, true, null, null],
  text: ['', 'a', '日本語', 'x'.repeat(65), '"\'\n\t', '𝄞', null, null],
  größe: [null, 'an', 'an', 'an', 'aus', 'an', 'an', null],
}
for (const name of names.slice(1)) edges[name].push(null, null, null)

/// Object.is tells -0 from 0 and takes NaN for itself.
function checkColumns(columns, expected, reader) {
  assert.deepEqual(Object.keys(columns).sort(), Object.keys(expected).sort(), reader)
  for (const [name, values] of Object.entries(expected)) {
    assert.equal(columns[name].length, values.length, `${reader}: rows of ${name}`)
    const at = values.findIndex((value, i) => !Object.is(columns[name][i], value))
    assert.equal(at, -1, `${reader}: ${name}[${at}] is ${columns[name][at]}, not ${values[at]}`)
  }
}

async function checkFile(path, expected) {
  checkColumns(await readArrow(path), expected, 'Arrow')
  checkColumns(await readHyparquet(path), expected, 'hyparquet')
  const toMicros = expected.time?.map((time) => (time / 1000n) * 1000n)
  checkColumns(await readDuckDb(db, path), { ...expected, time: toMicros }, 'DuckDB')
}

test('every kind with its ends and nulls is read as it was written', () =>
  checkFile(file('edges'), edges))

test('a million rows of several row groups are read as they were written', () =>
  checkFile(file('large'), columnsOf(Array.from({ length: 1_000_000 }, (_, row) => rowOf(row)))))

test('columns without nulls are read as they were written', () =>
  checkFile(file('required'),
    columnsOf(Array.from({ length: 1000 }, (_, row) => row).filter((row) => row % 7 !== 3)
      .map(rowOf))))

test('a file without rows has its columns', async () => {
  const described = await db.runAndReadAll(`describe from '${file('empty')}'`)
  assert.deepEqual(described.getRows().map(([name, type]) => [name, type]), [
    ['time', 'TIMESTAMP WITH TIME ZONE'], ['i64', 'BIGINT'], ['u64', 'UBIGINT'],
    ['f64', 'DOUBLE'], ['flag', 'BOOLEAN'], ['text', 'VARCHAR'], ['größe', 'VARCHAR']])
  assert.deepEqual(await readHyparquet(file('empty')), {})
  checkColumns(await readArrow(file('empty')), columnsOf([]), 'Arrow')
})

test('texts beyond a full dictionary are read as they were written', async () => {
  const expected = { text: Array.from({ length: 200_000 }, (_, row) => `text ${row >> 1}`) }
  checkColumns(await readArrow(file('many_texts')), expected, 'Arrow')
  checkColumns(await readHyparquet(file('many_texts')), expected, 'hyparquet')
  const result = await db.runAndReadAll(`from '${file('many_texts')}'`)
  checkColumns({ text: result.getColumns()[0] }, expected, 'DuckDB')
})

test('the footer says who wrote it, what the caller gave, and how it is sorted', async () => {
  const metadata = await parquetMetadataAsync(await asyncBufferFromFile(file('large')))
  assert.equal(metadata.created_by, 'fieldpost version 0.1.0')
  assert.deepEqual(metadata.key_value_metadata, [{ key: 'fieldpost.site', value: 'lab' },
    { key: 'fieldpost.note', value: 'größer als “1”\n' }])
  assert.deepEqual(metadata.row_groups.map((group) => Number(group.num_rows)),
    [300_000, 300_000, 300_000, 100_000])
  assert.deepEqual(metadata.row_groups[0].sorting_columns,
    [{ column_idx: 0, descending: false, nulls_first: false }])
  const pairs = await db.runAndReadAll(
    `select key::varchar, value::varchar from parquet_kv_metadata('${file('large')}')`)
  assert.equal(pairs.getRows()[0][1], 'lab')
})

test('dictionaries stand in front of the pages that use them', async () => {
  const metadata = await parquetMetadataAsync(await asyncBufferFromFile(file('large')))
  for (const { columns } of metadata.row_groups) {
    columns.forEach(({ meta_data: chunk }, i) => {
      const has = names[i] === 'größe'
      assert.equal(chunk.encodings.includes('RLE_DICTIONARY'), has)
      assert.equal(chunk.dictionary_page_offset !== undefined, has)
      if (has) assert.ok(chunk.dictionary_page_offset < chunk.data_page_offset)
    })
  }
})

/// The smallest and largest, by the order of the values or of UTF-8 bytes.
function boundsOf(values) {
  const there = values.filter((value) => value !== null)
  const before = (a, b) => typeof a === 'string'
    ? Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0 : a < b
  return there.reduce(([least, most], value) =>
    [before(value, least) ? value : least, before(most, value) ? value : most],
  [there[0], there[0]])
}

test('each row group has the statistics of its values', async () => {
  const metadata = await parquetMetadataAsync(await asyncBufferFromFile(file('large')),
    { parsers: { timestampFromNanoseconds: (nanos) => nanos } })
  let begin = 0
  for (const group of metadata.row_groups) {
    const rows = Array.from({ length: Number(group.num_rows) }, (_, i) => rowOf(begin + i))
    begin += rows.length
    group.columns.forEach(({ meta_data: { statistics } }, i) => {
      const values = rows.map((row) => row[i])
      assert.equal(Number(statistics.null_count), values.filter((v) => v === null).length)
      const [least, most] = boundsOf(values)
      const unsigned = (value) => names[i] === 'u64' ? BigInt.asUintN(64, value) : value
      assert.deepEqual([statistics.min_value, statistics.max_value].map(unsigned), [least, most],
        names[i])
    })
  }
})

test('DuckDB sees the same statistics, and finds what it looks for by them', async () => {
  const seen = await db.runAndReadAll(`select stats_null_count, stats_min_value, stats_max_value
    from parquet_metadata('${file('large')}')
    where row_group_id = 3 and path_in_schema in ('i64', 'text')`)
  assert.deepEqual(seen.getRows().map((row) => row.map(String)), [
    ['14286', String(900_001n ** 2n - 5_000_000n), String(999_999n ** 2n - 5_000_000n)],
    ['14286', 'wert 0', 'wert 999']])
  for (const [condition, count] of [
    [`i64 = ${640_000n ** 2n - 5_000_000n}`, 1n], ["größe = 'gerät-950'", 857n],
    ['u64 > 18446744073709551610', 4n], ['f64 < -999', 7n], ['flag is null', 142_857n],
    ["time >= timestamptz '2023-11-26 00:00:00+00'", 43_200n]]) {
    const found = await db.runAndReadAll(
      `select count(*) from '${file('large')}' where ${condition}`)
    assert.equal(found.getRows()[0][0], count, condition)
  }
  const ends = await db.runAndReadAll(`select count(*) filter (isnan(f64)),
    count(*) filter (f64 = 'inf'), count(*) filter (f64 = 0) from '${file('edges')}'`)
  assert.deepEqual(ends.getRows()[0], [1n, 1n, 1n])
})

function printed(path) {
  const text = execFileSync(program, ['print', path], { maxBuffer: 1 << 30 }).toString()
  const [head, ...rows] = text.trimEnd().split('\n').map((line) => JSON.parse(line))
  return { head, rows }
}

function bitsOf(number) {
  const bytes = new DataView(new ArrayBuffer(8))
  bytes.setFloat64(0, number)
  return bytes.getBigUint64(0).toString(16).padStart(16, '0')
}

/// As parquet_files prints a value of DuckDB's.
function cellOf(value) {
  if (value === null) return 'null'
  if (typeof value === 'number') return bitsOf(value)
  return typeof value === 'string' ? `"${value}"` : String(value)
}

test('files of DuckDB and Arrow are read as they were written', async () => {
  const rows = 30_000
  const result = await db.runAndReadAll(`select * replace (epoch_ns(ns) as ns,
    epoch_ns(us) as us, epoch_ns(ms) as ms, epoch_us(zoned) * 1000 as zoned, i8::bigint as i8,
    i16::bigint as i16, i32::bigint as i32, u8::bigint as u8, u16::bigint as u16,
    u32::bigint as u32, f32::double as f32) from (${flatQuery(rows)})`)
  const expected = result.getRows().map((row) => row.map(cellOf))
  const seen = new Set()
  for (const path of await writeForeign(db, directory, rows)) {
    const { head, rows: lines } = printed(path)
    assert.deepEqual(head.columns.map((column) => column.name), result.columnNames(), path)
    assert.equal(lines.length, rows, path)
    lines.forEach((line, i) => assert.deepEqual(line, expected[i], `${path}, row ${i}`))
    const metadata = await parquetMetadataAsync(await asyncBufferFromFile(path))
    metadata.row_groups.forEach((group) => group.columns.forEach(({ meta_data: chunk }) =>
      [chunk.codec, ...chunk.encodings].forEach((word) => seen.add(word))))
  }
  for (const word of ['UNCOMPRESSED', 'SNAPPY', 'GZIP', 'ZSTD', 'PLAIN', 'RLE_DICTIONARY',
    'DELTA_BINARY_PACKED', 'DELTA_LENGTH_BYTE_ARRAY', 'BYTE_STREAM_SPLIT', 'RLE']) {
    assert.ok(seen.has(word), `no file has ${word}: ${[...seen]}`)
  }
})

test('what cannot be read is named', async () => {
  const odd = await writeOdd(db, directory)
  const refused = (path) => {
    const { status, stderr } = spawnSync(program, ['print', path])
    assert.equal(status, 1)
    return stderr.toString()
  }
  assert.match(refused(odd.lz4), /column "x".*codec LZ4_RAW is not supported; write it with zstd/)
  assert.match(refused(odd.nested), /column "bytes".*not UTF-8/)
})
