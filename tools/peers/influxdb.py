"""InfluxDB 1.6.7 on its defaults: every write is in the WAL and fsynced before the answer."""

import json
import urllib.parse

from peers.client import Client, answers
from peers.program import Program, free_port, wait_until
from peers.questions import label_of
from peers.system import System

# Its own compaction, when it is to happen now instead of after 10 minutes and 4 hours.
COLD = '  cache-snapshot-write-cold-duration = "1s"\n  compact-full-write-cold-duration = "1s"\n'


class InfluxDb(System):
    name = "InfluxDB"
    write_target = "/write?db=bench"
    durability = ("defaults: WAL with wal-fsync-delay 0s, index inmem; monitor.store-enabled off "
                  "(its own statistics would count as disk)")

    def start(self, compact_soon=False):
        self.write_port = self.query_port = free_port()
        (self.directory / "influxdb.conf").write_text(
            'reporting-disabled = true\nbind-address = "127.0.0.1:0"\n'
            f'[meta]\n  dir = "{self.data}/meta"\n'
            f'[data]\n  dir = "{self.data}/data"\n  wal-dir = "{self.data}/wal"\n'
            f'{COLD if compact_soon else ""}'
            '[monitor]\n  store-enabled = false\n'
            f'[http]\n  bind-address = "127.0.0.1:{self.write_port}"\n')
        self.add(Program([self.binary, "-config", str(self.directory / "influxdb.conf")],
                         self.log_path))
        self.wait_ready(lambda: answers(self.write_port, "/ping"))
        Client(self.write_port).post("/query?" + urllib.parse.urlencode(
            {"q": "CREATE DATABASE bench"}))

    def begin_settling(self):
        self.stop()
        self.start(compact_soon=True)

    def target(self, question):
        return "/query?" + urllib.parse.urlencode(
            {"db": "bench", "epoch": "ms", "q": self.text(question)})

    def text(self, question):
        one = question.series[0]
        field = f'"{one.field}"'
        where = f"time >= {question.start_ms}ms AND time < {question.end_ms}ms"
        if question.kind == "last":
            return f'SELECT last(*) FROM "{one.measurement}" WHERE {where} GROUP BY host'
        by_time = f"time({question.step_ms}ms, {question.start_ms % question.step_ms}ms)"
        if question.kind == "hour_max":
            return (f'SELECT max({field}) FROM "{one.measurement}" WHERE {where} AND '
                    f"host =~ /^{question.hosts}$/ GROUP BY {by_time}, host fill(none)")
        what = {"mean": f"mean({field})", "raw": field,
                "min_max": f"min({field}), max({field})"}[question.kind]
        tags = "".join(f" AND \"{key}\" = '{value}'" for key, value in one.tags)
        group = "" if question.kind == "raw" else f" GROUP BY {by_time} fill(none)"
        return f'SELECT {what} FROM "{one.measurement}" WHERE {where}{tags}{group}'

    def answer(self, question, body):
        found = {}
        for series in json.loads(body)["results"][0].get("series", []):
            tags = series.get("tags", {})
            for row in series["values"]:
                for column, value in zip(series["columns"][1:], row[1:]):
                    self.note(found, question, tags, column, row[0], value)
        return found

    def note(self, found, question, tags, column, time, value):
        field = question.series[0].field
        if question.kind == "last":
            found[label_of(tags, column.removeprefix("last_")), question.start_ms, ""] = value
        elif question.kind == "hour_max":
            found[label_of(tags, field), time, ""] = value
        else:
            found["", time, column if question.kind == "min_max" else ""] = value

    def count_walk(self, begin, end):
        text = f"SELECT count(*) FROM env WHERE time >= {begin}s AND time < {end}s"
        body = Client(self.query_port).get("/query?" + urllib.parse.urlencode(
            {"db": "bench", "q": text}))
        series = json.loads(body)["results"][0].get("series", [])
        return sum(series[0]["values"][0][1:]) if series else 0
