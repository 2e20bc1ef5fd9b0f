#!/usr/bin/env python3
"""Runs tools/load_srs small: against daemons of its own, and against a coordinator behind a proxy
that loses, repeats, changes, refuses or delays single writes, each of which it has to tell.

usage: check_load_srs.py ROOT BINARIES
"""

import collections
import http.client
import http.server
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
import unittest

ROOT, BINARIES = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "tools"))
from peers.client import answers  # noqa: E402
from peers.program import Program, free_port, wait_until  # noqa: E402

PATIENCE = 100  # s
SLOW = 0.3      # s, of every answer
STALL = 1.0     # s, of one
Answer = collections.namedtuple("Answer", "status headers body")


class Proxy(http.server.BaseHTTPRequestHandler):
    """Hands everything on to the coordinator, but for the writes that `faults` names by number."""
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet
    coordinator_port = 0
    faults = {}
    writes = 0
    writers = set()  # connections that wrote
    lock = threading.Lock()

    def log_message(self, *_):
        pass

    def ask(self, method, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.coordinator_port, timeout=60)
        connection.request(method, self.path, body)
        answer = connection.getresponse()
        answer = Answer(answer.status, answer.headers, answer.read())
        connection.close()
        return answer

    def tell(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        answer = self.ask("GET")
        self.tell(answer.status, answer.body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with Proxy.lock:
            number = Proxy.writes
            Proxy.writes += 1
            Proxy.writers.add(self.client_address)
        fault = Proxy.faults.get(number, Proxy.faults.get("each"))
        getattr(self, f"write_{fault or 'well'}")(body)

    def write_well(self, body):
        answer = self.ask("POST", body)
        self.tell(answer.status, answer.body)

    def write_lost(self, body):
        self.tell(204)

    def write_twice(self, body):
        self.ask("POST", body)
        self.write_well(body)

    def write_changed(self, body):
        self.write_well(body.replace(b"value=", b"value=1"))

    def write_refused(self, body):
        self.tell(503, headers=[("Retry-After", "1")])

    def write_failed(self, body):
        self.ask("POST", body)
        self.tell(500)

    def write_cut(self, body):
        self.ask("POST", body)
        self.close_connection = True

    def write_stalled(self, body):
        time.sleep(STALL)
        self.write_well(body)

    def write_slowly(self, body):
        time.sleep(SLOW)
        self.write_well(body)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True


def play(*options):
    """Exit code and runs."""
    done = subprocess.run([ROOT / "tools" / "load_srs", "--json", *options], text=True,
                          stdout=subprocess.PIPE, timeout=PATIENCE,
                          env={**os.environ, "FIELDPOST_BIN": str(BINARIES)})
    return done.returncode, json.loads(done.stdout) if done.stdout else []


class OwnDaemonsTest(unittest.TestCase):
    def test_all_that_is_due_is_accepted_and_stored(self):
        code, runs = play("--users", "2,5", "--seconds", "3")
        self.assertEqual(code, 0, runs)
        self.assertEqual([(run["users"], run["samples_a_request"], run["due"]) for run in runs],
                         [(2, 1, 120), (5, 1, 300), (2, 10, 12), (5, 10, 30)])
        for run in runs:
            self.assertEqual(run["accepted"], run["due"])
            self.assertEqual(run["samples"], {"accepted": run["due"] * run["samples_a_request"],
                                              "missing": 0, "twice": 0, "strange": 0,
                                              "stored_without_204": 0})
            times = run["latency_ms"]
            self.assertTrue(0 < times["p50"] <= times["p95"] <= times["p99"] <= times["max"], times)
            self.assertGreater(run["daemons"]["coordinator"]["pss_bytes"], 0)

    def test_a_wrong_option_is_usage(self):
        for options in (["--users", "0"], ["--every", "soon"], ["--url", "127.0.0.1"]):
            self.assertEqual(play(*options)[0], 2)


class PlantedTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        Proxy.coordinator_port = free_port()
        config = pathlib.Path(scratch.name, "coordinator.toml")
        config.write_text(
            f'[mqtt]\nurl = "mqtt://127.0.0.1:{free_port()}"\n'  # nobody: HTTP needs no broker
            f'[http]\nlisten = "127.0.0.1:{Proxy.coordinator_port}"\n'
            f'[store]\nurl = "sqlite://{scratch.name}/store"\n')
        coordinator = Program([str(BINARIES / "fieldpost-coordinator"), "--config", str(config)],
                              pathlib.Path(scratch.name, "log"))
        cls.addClassCleanup(coordinator.stop)
        wait_until(lambda: answers(Proxy.coordinator_port, "/healthz"), "the coordinator")
        server = Server(("127.0.0.1", 0), Proxy)
        cls.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        cls.addClassCleanup(server.server_close)
        cls.addClassCleanup(server.shutdown)

    def play(self, faults, kind="single", seconds=1):
        Proxy.faults, Proxy.writes, Proxy.writers = faults, 0, set()
        code, runs = play("--url", self.url, "--users", "1", "--seconds", str(seconds), "--only",
                          kind)
        return code, runs[0]

    def check_samples(self, faults, code, **told):
        ended, run = self.play(faults)
        wanted = {"accepted": 20, "missing": 0, "twice": 0, "strange": 0, "stored_without_204": 0,
                  **told}
        self.assertEqual((ended, run["samples"]), (code, wanted))
        return run

    def test_nothing_planted_is_sound_and_goes_over_one_connection(self):
        self.check_samples({}, 0)
        self.assertEqual((Proxy.writes, len(Proxy.writers)), (20, 1))

    def test_a_loss_is_found(self):
        self.check_samples({7: "lost"}, 1, missing=1)

    def test_a_lost_batch_is_all_of_its_samples(self):
        code, run = self.play({1: "lost"}, "batched")
        self.assertEqual((code, run["samples"]["missing"]), (1, 10))

    def test_a_repetition_is_found(self):
        self.check_samples({7: "twice"}, 1, twice=1)

    def test_a_loss_is_not_made_up_for_by_a_repetition(self):
        self.check_samples({7: "lost", 8: "twice"}, 1, missing=1, twice=1)

    def test_a_changed_value_is_found(self):
        self.check_samples({7: "changed"}, 1, missing=1, strange=1)

    def test_a_refusal_is_no_error_and_promises_nothing(self):
        run = self.check_samples({7: "refused"}, 0, accepted=19)
        self.assertEqual((run["refused"], run["errors"]), (1, {}))

    def test_an_error_may_be_stored_but_is_told(self):
        run = self.check_samples({7: "failed"}, 1, accepted=19, stored_without_204=1)
        self.assertEqual(run["errors"], {"answered 500": 1})

    def test_a_cut_connection_may_be_stored_and_is_opened_anew(self):
        run = self.check_samples({7: "cut"}, 1, accepted=19, stored_without_204=1)
        self.assertEqual((run["unanswered"], sum(run["errors"].values())), (1, 1))
        self.assertEqual(len(Proxy.writers), 2)

    def test_a_stall_makes_late_what_was_due_meanwhile(self):
        code, run = self.play({10: "stalled"}, seconds=3)
        self.assertEqual((code, run["accepted"]), (0, 60))
        # A third of the requests were due while one took a second.
        self.assertGreater(run["latency_ms"]["p95"], STALL * 1000 / 2)
        self.assertLess(run["latency_from_sending_ms"]["p95"], STALL * 1000 / 2)

    def test_what_cannot_be_sent_in_time_is_said(self):
        code, run = self.play({"each": "slowly"}, seconds=3)
        self.assertEqual((code, run["accepted"] + run["unsent"]), (0, 60))
        self.assertGreater(run["unsent"], 40)
        self.assertGreater(run["latency_ms"]["p50"], 1000)  # what was not sent waited, too


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
