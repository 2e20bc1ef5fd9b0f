#!/usr/bin/env python3
"""What tools/bench_peers compares is the same for all three, and a difference is seen."""

import json
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "tools"))
from peers import questions, readings, table  # noqa: E402
from peers.fieldpost import Fieldpost  # noqa: E402
from peers.influxdb import InfluxDb  # noqa: E402
from peers.victoriametrics import VictoriaMetrics  # noqa: E402

BEGIN_MS = readings.WALK_BEGIN * 1000
SERIES = readings.Series("env", (("host", "h1"),), "f0")
BEFORE = {("", BEGIN_MS, ""): 50.25, ("", BEGIN_MS + 1000, ""): 50.5}


def changed(key, value):
    return {**BEFORE, key: value}


class AgreementTest(unittest.TestCase):
    def test_equal_answers_agree(self):
        self.assertEqual(questions.disagreement(BEFORE, dict(BEFORE)), "")

    def test_sums_in_another_order_agree(self):
        other = changed(("", BEGIN_MS, ""), 50.25 * (1 + 1e-12))
        self.assertEqual(questions.disagreement(BEFORE, other), "")

    def test_the_last_printed_digit_matters(self):
        other = changed(("", BEGIN_MS, ""), 50.2501)
        self.assertIn("50.2501", questions.disagreement(BEFORE, other))

    def test_a_value_too_few_is_seen(self):
        other = {("", BEGIN_MS, ""): 50.25}
        self.assertIn("1 of 2 values are missing", questions.disagreement(BEFORE, other))

    def test_a_value_too_many_is_seen(self):
        other = changed(("", BEGIN_MS + 2000, ""), 1)
        self.assertIn("1 are more", questions.disagreement(BEFORE, other))

    def test_a_bucket_at_another_time_is_seen(self):
        other = {(name, time + 1, what): value for (name, time, what), value in BEFORE.items()}
        self.assertIn("2 of 2 values are missing", questions.disagreement(BEFORE, other))


class AnswerTest(unittest.TestCase):
    """The three forms of one answer, written by hand, become the same dictionary."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        directory = pathlib.Path(scratch.name)
        self.influx, self.victoria, self.fieldpost = (
            kind("", directory / kind.name) for kind in (InfluxDb, VictoriaMetrics, Fieldpost))

    def check(self, question, expected, influx, victoria, fieldpost):
        for system, body in ((self.influx, influx), (self.victoria, victoria),
                             (self.fieldpost, fieldpost)):
            with self.subTest(system.name):
                self.assertEqual(system.answer(question, json.dumps(body)), expected)

    def test_minimum_and_maximum(self):
        question = questions.Question("min_max", (SERIES,), "", BEGIN_MS, 2500, 2)
        end_s = (BEGIN_MS + 2499) / 1000
        self.check(
            question, {("", BEGIN_MS, "min"): 1.5, ("", BEGIN_MS, "max"): 2.5},
            {"results": [{"series": [{"columns": ["time", "min", "max"],
                                      "values": [[BEGIN_MS, 1.5, 2.5]]}]}]},
            {"data": {"result": [
                {"metric": {"rollup": "min_over_time"}, "values": [[end_s, "1.5"]]},
                {"metric": {"rollup": "max_over_time"}, "values": [[end_s, "2.5"]]}]}},
            {"items": [{"tags": {}, "field": "f0",
                        "buckets": [[BEGIN_MS * 1_000_000, 2, 1.5, 2.5, 2.0, 1.5, 2.5]]}]})

    def test_last_values_of_many_series(self):
        question = questions.Question("last", (SERIES,), ".*", BEGIN_MS, 1000)
        self.check(
            question, {("h1/f0", BEGIN_MS, ""): 2.5},
            {"results": [{"series": [{"tags": {"host": "h1"}, "columns": ["time", "last_f0"],
                                      "values": [[BEGIN_MS, 2.5]]}]}]},
            {"data": {"result": [{"metric": {"__name__": "env_f0", "host": "h1"},
                                  "value": [(BEGIN_MS + 999) / 1000, "2.5"]}]}},
            {"items": [{"tags": {"host": "h1"}, "field": "f0",
                        "time": BEGIN_MS * 1_000_000, "value": 2.5}]})

    def test_raw_readings(self):
        question = questions.Question("raw", (SERIES,), "", BEGIN_MS, 2000)
        times = [BEGIN_MS, BEGIN_MS + 1000]
        self.check(
            question, BEFORE,
            {"results": [{"series": [{"columns": ["time", "f0"],
                                      "values": [[times[0], 50.25], [times[1], 50.5]]}]}]},
            {"metric": {}, "values": [50.25, 50.5], "timestamps": times},
            {"items": [{"readings": [[times[0] * 1_000_000, 50.25],
                                     [times[1] * 1_000_000, 50.5]]}]})

    def test_no_answer_is_an_empty_one(self):
        question = questions.Question("mean", (SERIES,), "", BEGIN_MS, 1000)
        self.check(question, {}, {"results": [{}]}, {"data": {"result": []}}, {"items": []})


class ReadingsTest(unittest.TestCase):
    def test_a_walk_is_a_thousand_series_in_batches_of_ten_thousand_lines(self):
        shape = readings.walk(60_000)
        self.assertEqual([batch.readings for batch in shape.batches], [50_000, 10_000])
        self.assertEqual(shape.batches[0].body.count(b"\n"), 10_000)
        self.assertEqual((len(shape.series), shape.readings), (1000, 60_000))
        first = shape.batches[0].body.split(b"\n")[0].decode()
        self.assertRegex(first, r"^env,host=h0 f0=\d+\.\d\d,f1=\d+\.\d\d,f2=\d+\.\d,"
                                r"f3=\d+\.\d,f4=\d+\.\d{3} \d{19}$")

    def test_every_run_writes_the_same(self):
        self.assertEqual(readings.host_metrics(1000), readings.host_metrics(1000))

    def test_copies_of_recordings_are_other_series_at_other_times(self):
        directory = ROOT / "tests" / "data" / "nab"
        once, thrice = readings.recorded(1, directory), readings.recorded(100_000, directory)
        self.assertEqual(thrice.readings, 3 * once.readings)
        self.assertEqual(len(thrice.series), 3 * len(once.series))
        keys = [line.split(b" ")[0::2] for batch in thrice.batches
                for line in batch.body.splitlines()]
        self.assertEqual(len({tuple(key) for key in keys}), thrice.readings)


class TableTest(unittest.TestCase):
    def test_ahead_is_above_one_whatever_is_better(self):
        rate = table.row("", "", {"fieldpost": 4, "other": 2}, more_is_better=True)
        size = table.row("", "", {"fieldpost": 1, "other": 2})
        self.assertEqual((rate["ahead"], size["ahead"]), ({"other": 2}, {"other": 2}))


if __name__ == "__main__":
    unittest.main()
