// The page's script, with as much of a browser around it as it needs.
// usage: node --test page_test.mjs
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { runInNewContext } from 'node:vm'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const script = readFileSync(join(root, 'coordinator/web/page.js'), 'utf8')

class Element {
  constructor() {
    this.children = []
    this.title = ''
    this.value = ''
    this.classes = new Set()
    this.classList = {
      toggle: (name, on) => (on ? this.classes.add(name) : this.classes.delete(name)),
    }
  }

  get textContent() {
    return this.children.map((child) => child.textContent ?? String(child)).join('')
  }

  set textContent(text) {
    this.children = [text]
  }

  get className() {
    return [...this.classes].join(' ')
  }

  set className(names) {
    this.classes = new Set(names.split(' '))
  }

  get lastChild() {
    return this.children.at(-1)
  }

  append(...children) {
    this.children.push(...children)
  }

  prepend(...children) {
    this.children.unshift(...children)
  }

  replaceChildren(...children) {
    this.children = children
  }

  setAttribute() {}
  addEventListener() {}

  /** All elements below with this class. */
  all(name) {
    return this.children.filter((child) => child instanceof Element).flatMap((child) =>
      [...(child.classes.has(name) ? [child] : []), ...child.all(name)])
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

/** The page of a coordinator that has these series; `show` sends a reading over the live stream. */
async function openPage(series) {
  const byId = new Map()
  const listeners = new Map()
  const element = () => new Element()
  const lists = { '/api/v1/series': series.map((one) => ({ node: 'n', tags: {}, unit: '', ...one })) }
  runInNewContext(script, {
    document: {
      createElement: element,
      createElementNS: element,
      getElementById: (id) => byId.get(id) ?? byId.set(id, element()).get(id),
    },
    fetch: async (path) => ({
      ok: true,
      headers: { get: () => null },
      json: async () => ({ items: lists[path.split('?')[0]] ?? [], next_cursor: null }),
    }),
    EventSource: class {
      addEventListener(kind, listener) {
        listeners.set(kind, listener)
      }
    },
    requestAnimationFrame: setImmediate,
    setTimeout: () => 0,
    setInterval: () => 0,
  })
  for (let i = 0; i < 100 && !listeners.has('reading'); i++) await turn()
  return {
    rows: () => byId.get('values').all('row'),
    show: async (id, value) => {
      const data = JSON.stringify({ series: id, time: '2026-11-27T10:00:00.000000000Z', value })
      listeners.get('reading')({ data })
      await turn()
      await turn()
    },
  }
}

const camera = { id: 1, measurement: 'camera', field: 'frame', type: 'string' }
const reference = (more) =>
  JSON.stringify({ fieldpost_blob: 1, sha256: 'ab'.repeat(32), size: 2970, type: 'image/jpeg', ...more })

test('what tells of a body is shown by its type and size', async () => {
  const page = await openPage([camera])
  const [row] = page.rows()
  const [, , value] = row.children
  for (const text of [reference(), reference({ name: 'a.jpg' })]) {
    await page.show(1, text)
    assert.equal(value.children[0].textContent, 'image/jpeg, 2.90 KiB')
    assert.equal(value.children[0].title, text)
  }
})

test('texts that only look like it are shown as they are', async () => {
  const page = await openPage([camera])
  const value = page.rows()[0].children[2].children[0]
  for (const text of ['{"fieldpost_blob":1,', '{"fieldpost_blob":1,"size":"7","type":"a/b"}',
    '{"a":1}', '']) {
    await page.show(1, text)
    assert.equal(value.textContent, text)
  }
})

test('a long text has all of it as its title, and a row that keeps room for the name', async () => {
  const number = { id: 2, measurement: 'air', field: 't', type: 'f64' }
  const page = await openPage([camera, number])
  const [text, other] = page.rows()
  assert.equal(text.className, 'row text')
  assert.equal(other.className, 'row')
  await page.show(1, 'word '.repeat(500))
  await page.show(2, 21.5)
  assert.equal(text.children[2].children[0].title, 'word '.repeat(500))
  assert.equal(other.children[2].children[0].textContent, '21.5')
  assert.equal(other.children[2].children[0].title, '')
})
