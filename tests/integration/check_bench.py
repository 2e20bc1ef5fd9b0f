#!/usr/bin/env python3
"""Runs a short benchmark as users do and looks for every row of it: not at how fast it was.

usage: check_bench.py FIELDPOST
"""

import json
import subprocess
import sys

PROCESSES = ("agent", "broker", "coordinator")
SAMPLED = "1,000 readings/s, sampled"
DURABLE = "1,000 readings/s, durable"
IDLE = ("idle, no source", "host_metrics at 1 s", SAMPLED, DURABLE)


def wanted():
    """(scenario, what, unit) of the rows that docs/performance.md quotes."""
    for scenario in IDLE:
        for process in PROCESSES:
            yield scenario, f"CPU of the {process}", "% of a core"
            yield scenario, f"PSS of the {process}", "MB"
            yield scenario, f"written to disk by the {process}", "bytes/s"
    yield SAMPLED, "readings stored", "readings/s"
    yield DURABLE, "readings stored", "readings/s"
    for shape in ("walk, 1000 series", "host, 60 series x 1000"):
        for what in ("lines parsed", "encoded", "decoded"):
            yield "codec, one core", f"{shape}: {what}", "readings/s"


def is_measured(row):
    """A program that runs has memory and the codec has a speed; CPU and writes may be none."""
    return row["value"] > 0 or row["what"].startswith(("CPU", "written"))


def main():
    command = [sys.argv[1], "bench", "--quick", "--seconds", "2", "--json", "codec", "idle"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    rows = json.loads(done.stdout)
    measured = {(row["scenario"], row["what"], row["unit"]) for row in rows if is_measured(row)}
    missing = [row for row in wanted() if row not in measured]
    for scenario, what, unit in missing:
        print(f"not measured: {scenario}: {what}, {unit}")
    print(f"{len(rows)} rows, {len(missing)} missing")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
