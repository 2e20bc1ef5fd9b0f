"use strict";
// Nodes, gaps and latest values of one coordinator. Everything shown arrives as data and is set as
// text. Lists are read over the API; what changes arrives over /api/v1/live.

const seriesMax = 1000;      // of one live stream
const gapsMax = 100;         // shown
const pointsMax = 60;        // of a spark line
const refreshMs = 15000;     // lists are read again
const retryMostMs = 30000;   // between tries to connect
const quietAfterS = 300;     // a value older than this is shown as old

const nodes = new Map();     // id -> node
const gaps = new Map();      // id -> gap
const series = new Map();    // id -> {info, row, points, time}
const groups = new Map();    // node -> {details, list, count}
const dirty = new Set();     // ids of series to draw
let live = null;             // EventSource
let liveKey = "";            // ids that it follows
let retryMs = 1000;
let clockSkewMs = 0;         // the coordinator's clock minus ours
let moreSeries = false;
let moreGaps = false;

const byId = (id) => document.getElementById(id);

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

// Words for numbers

const count = (n) => n.toLocaleString("en-US");
const plural = (n, one, many) => `${count(n)} ${n === 1 ? one : many}`;
const millis = (time) => Date.parse(time.slice(0, 23).replace(/Z?$/, "Z"));
const now = () => Date.now() + clockSkewMs;

function duration(s) {
  s = Math.max(0, Math.round(s));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor(s % 3600 / 60)} min`;
  return `${count(Math.floor(s / 86400))} d ${Math.floor(s % 86400 / 3600)} h`;
}

function ago(time) {
  const s = (now() - millis(time)) / 1000;
  return s < 1.5 ? "now" : `${duration(s)} ago`;
}

function bytes(n) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let at = 0;  // of units
  while (n >= 1024 && at < units.length - 1) { n /= 1024; at += 1; }
  return `${at === 0 ? count(n) : n.toFixed(n < 10 ? 2 : n < 100 ? 1 : 0)} ${units[at]}`;
}

function clockTime(time) {
  const date = new Date(millis(time));
  const pad = (n) => String(n).padStart(2, "0");
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())} ` +
         `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
}

// The body that a text tells of, as proto/wire/body.h writes it; null: it tells of none.
function bodyIn(text) {
  if (!text.startsWith('{"fieldpost_blob":1,')) return null;
  try {
    const body = JSON.parse(text);
    return typeof body.type === "string" && typeof body.size === "number" ? body : null;
  } catch {
    return null;
  }
}

function wordsOf(text) {
  const body = bodyIn(text);
  return body ? `${body.type}, ${bytes(body.size)}` : text;
}

function valueText(value, type, unit) {
  if (value === null) return "–";
  if (unit === "B" && typeof value === "number" && value >= 1024) return bytes(value);
  if (type === "bool") return value ? "true" : "false";
  if (type === "string") return wordsOf(value);
  if (type !== "f64" || Number.isInteger(value)) {
    return Math.abs(value) < 1e15 ? count(value) : value.toExponential(4);
  }
  const size = Math.abs(value);
  if (size >= 1e9 || size < 1e-4) return value.toExponential(3);
  return value.toLocaleString("en-US", {maximumSignificantDigits: size >= 1000 ? 7 : 4});
}

// Nodes

function clockWords(clock) {
  if (clock.synchronised === null) return ["not told yet", ""];
  const size = Math.abs(clock.offset_s || 0);
  const offset = clock.offset_s === null || size < 0.05 ? "" :
    `, ${size < 60 ? `${size.toFixed(1)} s` : duration(size)} ${clock.offset_s > 0 ? "ahead" : "behind"}`;
  return clock.synchronised ? [`synchronised${offset}`, ""] : [`not synchronised${offset}`, "doubtful"];
}

function spoolWords(spool) {
  if (spool.records === 0) return "empty";
  return `${plural(spool.records, "record", "records")}, ${bytes(spool.bytes)}, ` +
         `oldest ${duration(spool.oldest_age_s)}`;
}

function forecastWords(spool) {
  if (spool.forecast_s === null) return "no end in sight";
  const then = spool.forecast_class ? `, then class ${spool.forecast_class} goes first` : "";
  return `${duration(spool.forecast_s)} at today's rate${then}`;
}

function addFact(list, name, text, className) {
  list.append(make("dt", "", name), make("dd", className, text));
}

function nodeCard(node) {
  const card = make("article", "card");
  const title = make("h3", "", node.id);
  title.append(make("span", "version", node.version));
  const seen = node.last_seen === null ? "never seen" : !node.agent ? `over HTTP, last write ${ago(node.last_seen)}` :
    node.online ? `online, heard ${ago(node.last_seen)}` : `offline, last seen ${ago(node.last_seen)}`;
  const delivered = make("p", "delivered");
  const share = make("span", "", ` of ${count(node.accepted)} delivered,`);
  share.prepend(make("b", "", count(node.delivered)));
  delivered.append(share, " ",
                   make("span", node.unexplained > 0 ? "wrong" : "", `${count(node.unexplained)} unexplained`));
  const progress = make("progress");
  progress.max = Math.max(1, node.accepted);
  progress.value = node.accepted === 0 ? 1 : node.delivered;
  progress.setAttribute("aria-label", "delivered");
  const facts = make("dl");
  if (node.held > 0) addFact(facts, "Waiting", `${plural(node.held, "reading", "readings")} at the node`);
  addFact(facts, "Spool", spoolWords(node.spool));
  addFact(facts, "Room for", forecastWords(node.spool));
  addFact(facts, "Clock", ...clockWords(node.clock));
  addFact(facts, "Gaps", node.gaps === 0 ? "none" :
    `${plural(node.gaps, "gap", "gaps")}, ${plural(node.readings_lost, "reading", "readings")} known lost`,
    node.gaps === 0 ? "" : "doubtful");
  if (node.labels.length > 0) addFact(facts, "Labels", node.labels.join(", "));
  card.append(title, make("div", `state ${node.online || !node.agent ? "up" : "down"}`, seen), delivered, progress, facts);
  return card;
}

function troubles(node) {
  const list = node.alarms.map((text) => [`${node.id}: ${text}`, "bad"]);
  if (node.unexplained > 0) {
    list.push([`${node.id}: ${plural(node.unexplained, "reading", "readings")} unexplained`, "bad"]);
  }
  if (node.unknown_from !== null) {
    list.push([`${node.id}: what it took after ${clockTime(node.unknown_from)} is not known`, ""]);
  }
  if (node.agent && !node.online && node.last_seen !== null) {
    list.push([`${node.id} is offline for ${duration((now() - millis(node.last_seen)) / 1000)}`, ""]);
  }
  if (node.clock.synchronised === false) list.push([`${node.id}: its clock is not synchronised`, ""]);
  return list;
}

function drawNodes() {
  const sorted = [...nodes.values()].sort((a, b) => a.id < b.id ? -1 : 1);
  byId("nodes").replaceChildren(...sorted.map(nodeCard));
  byId("nodes-empty").hidden = sorted.length > 0;
  byId("site").textContent = sorted.length > 0 ? sorted[0].site : "";
  const all = sorted.flatMap(troubles).sort((a, b) => (b[1] === "bad") - (a[1] === "bad"));
  byId("attention-list").replaceChildren(...all.map(([text, className]) => make("li", className, text)));
  byId("attention").hidden = all.length === 0;
}

// Gaps

function gapRow(gap) {
  const row = make("tr", gap.state === "closed" ? "closed" : "");
  const time = (value) => value === null ? "not known" : clockTime(value);
  for (const text of [gap.node, time(gap.from), time(gap.to),
                      gap.readings === null ? "not known" : count(gap.readings),
                      gap.cause.replaceAll("_", " "), gap.state]) {
    row.append(make("td", "", text));
  }
  return row;
}

function drawGaps() {
  const sorted = [...gaps.values()].sort((a, b) => b.id - a.id);
  byId("gap-rows").replaceChildren(...sorted.slice(0, gapsMax).map(gapRow));
  byId("gaps").hidden = sorted.length === 0;
  byId("gaps-empty").hidden = sorted.length > 0;
  byId("gaps-more").hidden = !moreGaps && sorted.length <= gapsMax;
  byId("gaps-more").textContent = "There are more: /api/v1/gaps lists them all.";
}

// Values

function groupOf(node) {
  let group = groups.get(node);
  if (group) return group;
  const details = make("details");
  details.open = true;
  const summary = make("summary", "", `${node} `);
  const label = make("span");
  summary.append(label);
  const list = make("div", "series");
  details.append(summary, list);
  group = {details, list, label};
  groups.set(node, group);
  byId("values").append(...[...groups.keys()].sort().map((key) => groups.get(key).details));
  return group;
}

function makeRow(info) {
  const row = make("div", info.type === "string" ? "row text" : "row");
  const name = make("div", "name", `${info.measurement} ${info.field}`);
  const tags = Object.entries(info.tags).map(([key, value]) => `${key}=${value}`).join(" ");
  name.append(make("span", "tags", tags));
  name.title = `series ${info.id}: ${info.measurement} ${tags} ${info.field} (${info.type})`;
  const spark = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  spark.setAttribute("class", "spark");
  spark.setAttribute("viewBox", "0 0 72 24");
  spark.setAttribute("preserveAspectRatio", "none");
  spark.setAttribute("aria-hidden", "true");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  spark.append(line);
  const right = make("div", "value");
  const value = make("span", "", "–");
  right.append(value, make("span", "unit", info.unit && info.unit !== "B" ? ` ${info.unit}` : ""), make("span", "age"));
  row.append(name, spark, right);
  return {row, line, value, age: right.lastChild};
}

function addSeries(info) {
  const known = series.get(info.id);
  if (known) { known.info = info; return; }
  const entry = {info, ...makeRow(info), points: [], time: null, shown: null};
  entry.words = `${info.node} ${info.measurement} ${info.field} ${entry.row.textContent}`.toLowerCase();
  series.set(info.id, entry);
  groupOf(info.node).list.append(entry.row);
}

function sparkPoints(points) {
  const least = Math.min(...points);
  const span = Math.max(...points) - least;
  const step = 72 / Math.max(1, points.length - 1);
  return points.map((y, i) => `${(i * step).toFixed(1)},${(span === 0 ? 12 : 22 - (y - least) / span * 20).toFixed(1)}`).join(" ");
}

function onReading(reading) {
  const entry = series.get(reading.series);
  if (!entry) return;
  if (entry.time !== null && reading.time < entry.time) return;  // an outage that drains
  entry.time = reading.time;
  entry.shown = reading.value;
  const number = typeof reading.value === "boolean" ? Number(reading.value) : reading.value;
  if (typeof number === "number") {
    entry.points.push(number);
    if (entry.points.length > pointsMax) entry.points.shift();
  }
  if (dirty.size === 0) requestAnimationFrame(drawValues);
  dirty.add(reading.series);
}

function drawValues() {
  for (const id of dirty) {
    const entry = series.get(id);
    entry.value.textContent = valueText(entry.shown, entry.info.type, entry.info.unit);
    if (typeof entry.shown === "string") entry.value.title = entry.shown;
    if (entry.points.length > 1) entry.line.setAttribute("points", sparkPoints(entry.points));
    drawAge(entry);
  }
  dirty.clear();
}

function drawAge(entry) {
  if (entry.time === null) return;
  entry.age.textContent = ago(entry.time);
  entry.row.classList.toggle("old", (now() - millis(entry.time)) / 1000 > quietAfterS);
}

function applyFilter() {
  const words = byId("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = new Map();
  for (const entry of series.values()) {
    entry.row.hidden = !words.every((word) => entry.words.includes(word));
    if (!entry.row.hidden) shown.set(entry.info.node, (shown.get(entry.info.node) || 0) + 1);
  }
  for (const [node, group] of groups) {
    group.details.hidden = !shown.has(node);
    group.label.textContent = plural(shown.get(node) || 0, "series", "series");
  }
  byId("values-empty").hidden = series.size > 0;
  byId("values-more").hidden = !moreSeries;
  byId("values-more").textContent = `Only the first ${count(seriesMax)} series are shown here.`;
}

// The API

async function fetchJson(path) {
  const response = await fetch(path, {headers: {Accept: "application/json"}});
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  const date = Date.parse(response.headers.get("Date"));
  // Whole seconds only: a small difference says nothing.
  if (date) clockSkewMs = Math.abs(date - Date.now()) < 2000 ? 0 : date - Date.now();
  return response.json();
}

async function fetchList(path, most) {
  const items = [];
  let cursor = null;
  do {
    const page = await fetchJson(`${path}?limit=${Math.min(1000, most - items.length)}` +
                                 (cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""));
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor && items.length < most);
  return [items, cursor !== null];
}

async function refresh() {
  const [nodeList] = await fetchList("/api/v1/nodes", 10000);
  const [gapList, gapsLeft] = await fetchList("/api/v1/gaps", 5000);
  const [seriesList, seriesLeft] = await fetchList("/api/v1/series", seriesMax);
  nodes.clear();
  for (const node of nodeList) nodes.set(node.id, node);
  for (const gap of gapList) gaps.set(gap.id, gap);
  moreGaps = gapsLeft;
  moreSeries = seriesLeft;
  seriesList.forEach(addSeries);
  drawNodes();
  drawGaps();
  applyFilter();
}

function showLink(text, className) {
  byId("link").textContent = text;
  byId("link").className = `link ${className}`;
}

function follow() {
  const key = [...series.keys()].join(",");
  if (live && live.readyState !== EventSource.CLOSED && key === liveKey) return;
  if (live) live.close();
  liveKey = key;
  live = new EventSource(`/api/v1/live?last=true${key ? `&series=${key}` : ""}`);
  live.onopen = () => { retryMs = 1000; showLink("live", "up"); };
  live.onerror = () => showLink("connection lost, trying again…", "down");
  live.addEventListener("reading", (event) => onReading(JSON.parse(event.data)));
  live.addEventListener("gap", (event) => {
    const gap = JSON.parse(event.data);
    gaps.set(gap.id, gap);
    drawGaps();
  });
  live.addEventListener("node", (event) => {
    const node = JSON.parse(event.data);
    nodes.set(node.id, node);
    drawNodes();
  });
}

async function keepUp() {
  try {
    await refresh();
    follow();
    retryMs = 1000;
    setTimeout(keepUp, refreshMs);
  } catch (error) {
    showLink("connection lost, trying again…", "down");
    setTimeout(keepUp, retryMs);
    retryMs = Math.min(retryMs * 2, retryMostMs);
  }
}

byId("filter").addEventListener("input", applyFilter);
setInterval(() => { for (const entry of series.values()) drawAge(entry); }, 5000);
setInterval(drawNodes, 5000);
keepUp();
