// Three readers of Parquet that nobody here wrote: each answers columns by name, with big integers
// for times (ns) and integers, numbers, booleans, strings and nulls.
import { readFileSync } from 'node:fs'

import { tableFromIPC } from 'apache-arrow'
import { asyncBufferFromFile, parquetRead } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { readParquet } from 'parquet-wasm/node'

/// Times lose what is below a microsecond: DuckDB keeps no more of a time with a zone.
export async function readDuckDb(db, path) {
  const result = await db.runAndReadAll(
    `select * replace (epoch_us(time) * 1000 as time) from read_parquet('${path}')`)
  const columns = result.getColumns()
  return Object.fromEntries(result.columnNames().map((name, i) => [name, columns[i] ?? []]))
}

/// Arrow's implementation in Rust. Integers come out of its buffers, for get() gives milliseconds.
export async function readArrow(path) {
  const table = tableFromIPC(readParquet(readFileSync(path)).intoIPCStream())
  const exact = (vector) => vector.data.flatMap((data) =>
    Array.from(data.values.subarray(0, data.length), (value, i) =>
      data.getValid(i) ? value : null))
  return Object.fromEntries(table.schema.fields.map((field, i) => {
    const vector = table.getChildAt(i)
    const isExact = /^(Timestamp|Int64|Uint64)/.test(String(field.type))
    return [field.name, isExact ? exact(vector) : Array.from(vector)]
  }))
}

export async function readHyparquet(path) {
  const columns = {}
  await parquetRead({
    file: await asyncBufferFromFile(path),
    compressors,
    parsers: { timestampFromNanoseconds: (nanos) => nanos },
    onChunk({ columnName, columnData, rowStart }) {
      columns[columnName] ??= []
      Array.from(columnData).forEach((value, i) => {
        columns[columnName][rowStart + i] = value ?? null
      })
    },
  })
  return columns
}
