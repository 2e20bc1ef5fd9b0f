// Writes the payloads of this folder: npm install sparkplug-payload && node record.js
const fs = require("fs");
const { encodePayload } = require("sparkplug-payload").get("spBv1.0");
const time = 1700000000000;

function record(name, payload) {
  fs.writeFileSync(`${__dirname}/${name}.bin`, encodePayload(payload));
}

const types = [
  ["i8", "Int8", -5], ["i16", "Int16", -300], ["i32", "Int32", -70000],
  ["i64", "Int64", -5000000000], ["u8", "UInt8", 200], ["u16", "UInt16", 60000],
  ["u32", "UInt32", 4000000000], ["u64", "UInt64", 9000000000000000],
  ["float", "Float", 1.5], ["double", "Double", -0.1], ["bool", "Boolean", true],
  ["string", "String", "grün"], ["when", "DateTime", time], ["text", "Text", "long text"],
];
record("nbirth", {
  timestamp: time,
  seq: 0,
  metrics: [
    { name: "bdSeq", type: "UInt64", value: 0, timestamp: time },
    { name: "Node Control/Rebirth", type: "Boolean", value: false, timestamp: time },
    ...types.map(([name, type, value], i) => ({ name, type, value, alias: i + 1, timestamp: time })),
    { name: "nothing", type: "Int32", value: null, isNull: true, timestamp: time },
    { name: "raw", type: "Bytes", value: new Uint8Array([1, 2, 3]), timestamp: time },
  ],
});
record("ndata_alias", {
  timestamp: time + 1000,
  seq: 1,
  metrics: [{ alias: 9, type: "Float", value: 2.25, timestamp: time + 900 }],
});
record("dbirth", {
  timestamp: time + 2000,
  seq: 2,
  metrics: [{ name: "temp", alias: 100, type: "Double", value: 20.5 }],
});
record("ddata_name", {
  timestamp: time + 3000,
  seq: 3,
  metrics: [{ name: "temp", type: "Double", value: 21.5 }],
});
record("ddata_skipped_seq", {
  timestamp: time + 4000,
  seq: 5,
  metrics: [{ name: "temp", type: "Double", value: 22.5 }],
});
record("ndeath", { timestamp: time, metrics: [{ name: "bdSeq", type: "UInt64", value: 0 }] });
