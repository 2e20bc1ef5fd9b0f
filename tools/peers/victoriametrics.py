"""VictoriaMetrics 1.79.5 on its defaults: it has no WAL and answers before anything is on disk."""

import json
import urllib.parse

from peers.client import Client, answers
from peers.program import Program, free_port
from peers.questions import label_of
from peers.system import System


def seconds(ms):
    # It reads a double and cuts it to whole ms: a third of one more keeps the cut where it belongs.
    return f"{ms // 1000}.{ms % 1000:03}3"


class VictoriaMetrics(System):
    name = "VictoriaMetrics"
    write_target = "/write"
    durability = ("defaults: no WAL, readings are in memory for seconds after the answer; "
                  "retentionPeriod 100y (the default drops what is older than a month)")

    def start(self):
        self.write_port = self.query_port = free_port()
        self.add(Program([self.binary, f"-storageDataPath={self.data}",
                          f"-httpListenAddr=127.0.0.1:{self.write_port}", "-retentionPeriod=100y"],
                         self.log_path))
        self.wait_ready(lambda: answers(self.write_port, "/health"))

    def after_writing(self):
        self.flush()

    def flush(self):
        Client(self.query_port).get("/internal/force_flush")

    def begin_settling(self):
        self.flush()
        Client(self.query_port).get("/internal/force_merge")

    def is_busy(self):
        text = Client(self.query_port).get("/metrics").decode()
        return any(line.startswith("vm_active_merges{") and not line.endswith(" 0")
                   for line in text.splitlines())

    def target(self, question):
        # Without nocache the range is moved to multiples of the step: other buckets.
        window = f"[{question.step_ms}ms]"
        if question.kind == "raw":
            return "/api/v1/export?" + urllib.parse.urlencode(
                {"match[]": self.selector(question), "start": seconds(question.start_ms),
                 "end": seconds(question.end_ms - 1)})
        name = {"mean": "avg_over_time", "last": "last_over_time",
                "hour_max": "max_over_time"}.get(question.kind)
        text = (f"{name}({self.selector(question)}{window})" if name else
                f'aggr_over_time(("min_over_time","max_over_time"),'
                f"{self.selector(question)}{window})")
        if question.kind == "last":
            return "/api/v1/query?" + urllib.parse.urlencode(
                {"query": text, "time": seconds(question.end_ms - 1), "nocache": 1})
        # A window is open at its begin and closed at its end; times are whole ms.
        return "/api/v1/query_range?" + urllib.parse.urlencode(
            {"query": text, "start": seconds(question.start_ms + question.step_ms - 1),
             "end": seconds(question.end_ms - 1), "step": f"{question.step_ms}ms", "nocache": 1})

    def selector(self, question):
        one = question.series[0]
        if question.kind == "last":
            return f'{{__name__=~"{one.measurement}_f[0-4]"}}'
        if question.kind == "hour_max":
            return f'{one.measurement}_{one.field}{{host=~"{question.hosts}"}}'
        tags = ",".join(f'{key}="{value}"' for key, value in one.tags)
        return f"{one.measurement}_{one.field}{{{tags}}}"

    def answer(self, question, body):
        if question.kind == "raw":
            return {("", time, ""): value
                    for line in body.splitlines() for part in [json.loads(line)]
                    for time, value in zip(part["timestamps"], part["values"])}
        found = {}
        for series in json.loads(body)["data"]["result"]:
            tags = series["metric"]
            name = ""
            if question.kind in ("last", "hour_max"):
                name = label_of(tags, tags["__name__"].partition("_")[2])
            what = tags.get("rollup", "").removesuffix("_over_time")
            for time, value in series.get("values") or [series["value"]]:
                begin = round(time * 1000) - question.step_ms + 1
                found[name, begin, what] = float(value)
        return found

    def count_walk(self, begin, end):
        text = f'sum(count_over_time({{__name__=~"env_f[0-4]"}}[{end - begin}s]))'
        body = Client(self.query_port).get("/api/v1/query?" + urllib.parse.urlencode(
            {"query": text, "time": seconds(end * 1000 - 1), "nocache": 1}))
        result = json.loads(body)["data"]["result"]
        return int(result[0]["value"][1]) if result else 0
