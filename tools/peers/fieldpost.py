"""Agent, broker and coordinator as a user would run them, every fsync on."""

import json
import os
import shutil
import time

from peers.client import Client, answers
from peers.program import Failure, Program, disk_bytes, free_port
from peers.questions import label_of
from peers.system import System

PATIENCE = 60  # s without progress
NODE = "bench"
NS_PER_MS = 1_000_000


class Fieldpost(System):
    name = "fieldpost"
    write_target = "/write"
    durability = ("defaults: in the agent's spool and fsynced before the answer; timed to the "
                  "coordinator's receipt, which follows its own fsync")

    def start(self, compact_soon=False):
        broker_port, self.write_port, self.query_port = free_port(), free_port(), free_port()
        self.write_configurations(broker_port, compact_soon)
        broker = shutil.which("mosquitto", path=os.environ["PATH"] + ":/usr/sbin")
        if broker is None:
            raise Failure("mosquitto is not installed: tools/install_deps")
        self.add(Program([broker, "-c", str(self.directory / "broker.conf")], self.log_path))
        for name in ("coordinator", "agent"):
            self.add(Program([f"{self.binary}/fieldpost-{name}", "--config",
                              str(self.directory / f"{name}.toml")], self.log_path))
        self.wait_ready(self.is_welcomed)
        self.asker = Client(self.query_port)

    def write_configurations(self, broker_port, compact_soon):
        (self.directory / "broker.conf").write_text(  # systemd/mosquitto.conf, on another port
            f"listener {broker_port} 127.0.0.1\nallow_anonymous true\npersistence false\n"
            "max_packet_size 270336\nmax_queued_messages 0\nmax_queued_bytes 402653184\n"
            "max_inflight_messages 100\nlog_dest stderr\nlog_type error\n")
        common = f'[mqtt]\nurl = "mqtt://127.0.0.1:{broker_port}"\n'
        (self.directory / "coordinator.toml").write_text(
            f'{common}[http]\nlisten = "127.0.0.1:{self.query_port}"\n'
            f'[store]\nurl = "sqlite://{self.data}"\n' +
            ('[compaction]\nevery = "500ms"\nbatches_min = 1\nage_max = "1s"\n'
             if compact_soon else ""))
        (self.directory / "agent.toml").write_text(
            f'{common}[node]\nid = "{NODE}"\nsite = "lab"\n'
            f'[spool]\npath = "{self.directory}/spool"\n'
            f'[listen]\nsocket = "{self.directory}/agent.sock"\n'
            f'http = "127.0.0.1:{self.write_port}"\n')

    def is_welcomed(self):
        if not answers(self.query_port, "/metrics") or not answers(self.write_port, "/ping"):
            return False
        lines = Client(self.query_port).get("/metrics").decode().splitlines()
        return any(line.startswith("fieldpost_welcomes_total ") and not line.endswith(" 0")
                   for line in lines)

    def delivered(self):
        for node in json.loads(self.asker.get("/api/v1/nodes"))["items"]:
            if node["id"] == NODE:
                return node["delivered"]
        return 0

    def wait_received(self, readings):
        before, moved = -1, time.monotonic()
        while (have := self.delivered()) < readings:
            if have != before:
                before, moved = have, time.monotonic()
            if time.monotonic() - moved > PATIENCE:
                raise Failure(f"{have} of {readings} readings are stored, and no more come")
            time.sleep(0.005)

    def begin_settling(self):
        self.stop()
        self.start(compact_soon=True)

    def disk(self):
        return {"readings": disk_bytes(self.data), "spool": disk_bytes(self.directory / "spool")}

    def prepare(self, shapes):
        """A client lists the series once and then asks by their ids."""
        self.ids, cursor = {}, ""
        while cursor is not None:
            page = json.loads(self.asker.get(
                f"/api/v1/series?node={NODE}&limit=1000" + (f"&cursor={cursor}" if cursor else "")))
            for item in page["items"]:
                key = (item["measurement"], tuple(sorted(item["tags"].items())), item["field"])
                self.ids[key] = item["id"]
            cursor = page.get("next_cursor")

    def id_of(self, series):
        return self.ids[series.measurement, tuple(sorted(series.tags)), series.field]

    def target(self, question):
        if question.kind == "last":
            return f"/api/v1/readings/last?measurement={question.series[0].measurement}&times=ns"
        ids = ",".join(str(self.id_of(series)) for series in question.series)
        asked = (f"series={ids}&from={question.start_ms * NS_PER_MS}"
                 f"&to={question.end_ms * NS_PER_MS}&times=ns")
        if question.kind == "raw":
            return f"/api/v1/readings?{asked}&limit=100000"
        return f"/api/v1/readings/aggregate?{asked}&points={question.points}"

    def answer(self, question, body):
        found = {}
        for item in json.loads(body)["items"]:
            if question.kind == "last":
                found[label_of(item["tags"], item["field"]), question.start_ms, ""] = item["value"]
                continue
            if question.kind == "raw":
                found.update({("", time // NS_PER_MS, ""): value
                              for time, value in item["readings"]})
                continue
            many = question.kind == "hour_max"
            name = label_of(item["tags"], item["field"]) if many else ""
            for time, _, least, most, mean, _, _ in item["buckets"]:
                at = time // NS_PER_MS
                if question.kind == "min_max":
                    found[name, at, "min"], found[name, at, "max"] = least, most
                else:
                    found[name, at, ""] = most if many else mean
        return found

    def count_walk(self, begin, end):
        self.prepare([])
        ids = ",".join(str(number) for key, number in self.ids.items() if key[0] == "env")
        if not ids:
            return 0
        body = self.asker.get(f"/api/v1/readings/aggregate?series={ids}&from={begin}000000000"
                              f"&to={end}000000000&points=1")
        return sum(bucket[1] for item in json.loads(body)["items"] for bucket in item["buckets"])
