// Parquet files as other programs write them, small enough to keep.
// usage: node parquet_samples.mjs DIRECTORY
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { DuckDBInstance } from '@duckdb/node-api'
import { Compression, Encoding, Table, WriterPropertiesBuilder, WriterVersion, readParquet,
  writeParquet } from 'parquet-wasm/node'

/// DuckDB with what is built into it: nothing is fetched.
export async function openDuckDb() {
  const instance = await DuckDBInstance.create(':memory:',
    { autoinstall_known_extensions: 'false', autoload_known_extensions: 'false' })
  return instance.connect()
}

/// One row for each i: every type that is read, each column with nulls of its own.
export const flatQuery = (rows) => `
  select make_timestamp_ns(1700000000000000000 + i * 1000000007) as ns,
    make_timestamp(1700000000000000 + i * 1000003) as us,
    epoch_ms(1700000000000 + i)::timestamp_ms as ms,
    make_timestamp(i * 1000003)::timestamp::timestamptz as zoned,
    (i % 256 - 128)::tinyint as i8, (i * 31 % 65536 - 32768)::smallint as i16,
    (i * 7919 - 2147483648)::integer as i32,
    case when i % 5 = 0 then null else (i - 3)::bigint * 1000000000000 end as i64,
    (i % 256)::utinyint as u8, (65535 - i % 65536)::usmallint as u16,
    (4294967295 - i)::uinteger as u32, (18446744073709551615 - i)::ubigint as u64,
    (i / 3)::float as f32,
    case i % 11 when 1 then 'nan'::double when 2 then '-inf'::double when 3 then null
      else (i - 7) / 3 end as f64,
    case when i % 4 = 2 then null else i % 3 = 0 end as flag,
    case when i % 7 = 6 then null else 'größe ' || (i % 6) end as label,
    'text ' || i as "text"
  from range(${rows}) t(i)`

const nestedQuery = `
  select i::bigint as i, [i, i + 1] as list, {'a': i, 'b': {'c': 'x'}} as pair,
    (i / 10)::decimal(9, 1) as price, date '2026-01-01' + i::integer as day,
    'text ' || i as "text", '\\xff'::blob as bytes, uuid() as id
  from range(3) t(i)`

async function copy(db, query, path, options) {
  await db.run(`copy (${query}) to '${path}' (format parquet, ${options})`)
}

/// By DuckDB, in each version and with each codec; then the same by Arrow's implementation in Rust.
export async function writeForeign(db, directory, rows) {
  const path = (name) => join(directory, `${name}.parquet`)
  const query = flatQuery(rows)
  const options = {
    duckdb_plain: 'compression uncompressed, parquet_version V1',
    duckdb_snappy: 'compression snappy, parquet_version V1',
    duckdb_gzip: 'compression gzip, parquet_version V1',
    duckdb_zstd_v2: 'compression zstd, parquet_version V2',
    duckdb_plain_v2: 'compression uncompressed, parquet_version V2',
  }
  for (const [name, option] of Object.entries(options)) await copy(db, query, path(name), option)
  const arrow = {
    arrow_zstd: () => new WriterPropertiesBuilder().setCompression(Compression.ZSTD),
    arrow_plain_v2: () => new WriterPropertiesBuilder().setWriterVersion(WriterVersion.V2)
      .setDictionaryEnabled(false).setEncoding(Encoding.PLAIN),
    arrow_snappy_v2: () => new WriterPropertiesBuilder().setWriterVersion(WriterVersion.V2)
      .setCompression(Compression.SNAPPY).setMaxRowGroupSize(Math.max(1, Math.floor(rows / 3))),
  }
  await copy(db, query, path('of_arrow'), 'compression uncompressed')
  const { readFileSync, rmSync } = await import('node:fs')
  const source = readFileSync(path('of_arrow'))
  rmSync(path('of_arrow'))
  for (const [name, properties] of Object.entries(arrow)) {
    writeFileSync(path(name), writeParquet(readParquet(source), properties().build()))
  }
  return [...Object.keys(options), ...Object.keys(arrow)].map(path)
}

/// What is refused: columns one by one, and a codec.
export async function writeOdd(db, directory) {
  const path = (name) => join(directory, `${name}.parquet`)
  await copy(db, nestedQuery, path('nested'), 'compression uncompressed')
  await copy(db, 'select 1::bigint as x', path('lz4'), 'compression lz4_raw')
  return { nested: path('nested'), lz4: path('lz4') }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const db = await openDuckDb()
  await writeForeign(db, process.argv[2], 24)
  await writeOdd(db, process.argv[2])
}
