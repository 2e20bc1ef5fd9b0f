"""What all three are asked, and when their answers agree."""

import dataclasses

from peers.readings import DAY, WALK_HOSTS, Series

POINTS = 1000
HOUR_MS = 3_600_000
LAST_WITHIN_MS = 300_000
RAW_MS = HOUR_MS
# Doubles come back as they were written, within what VictoriaMetrics' decimal form keeps of 17
# digits (some 1e-15); a mean is a sum in another order (at most 1e4 values: some 1e-13). A thousand
# times that is still far below the last digit that any sensor here prints.
TOLERANCE = 1e-10


@dataclasses.dataclass(frozen=True)
class Question:
    """`points` buckets of `step_ms` from `start_ms` of each series. Answers are dictionaries from
    (series, bucket's begin in ms, what) to a number; empty buckets are left out."""
    kind: str      # of KINDS
    series: tuple  # of Series
    hosts: str     # expression for the tag `host` that selects them, when there are many
    start_ms: int
    step_ms: int
    points: int = 1

    @property
    def end_ms(self):
        return self.start_ms + self.step_ms * self.points


KINDS = {"mean": "one day of one series to 1,000 points, mean",
         "last": "last value of 1,000 series",
         "raw": "one hour of one series, raw",
         "hour_max": "maximum per hour of 100 series",
         "min_max": "whole range of one series to 1,000 points, minimum and maximum"}


def label_of(tags, field):
    """How answers name a series among many."""
    return f"{tags.get('host', '')}/{field}"


def in_points(kind, series, begin, end):
    step_ms = -(-(end - begin) * 1000 // POINTS)
    return Question(kind, (series,), "", begin * 1000, step_ms, POINTS)


def variants(kind, shapes, turn):
    """The question, of another series each turn, so that no cache of answers can help."""
    host, sites, walk = shapes
    if kind == "mean":
        of = host.series[turn % len(host.series)]
        return in_points(kind, of, host.begin, min(host.begin + DAY, host.end))
    if kind == "min_max":
        long_ones = [each for each in sites.series
                     if ("series", "machine_temperature_system_failure") in each.tags]
        of = long_ones[turn % len(long_ones)]
        return in_points(kind, of, *sites.span(of))
    if kind == "last":
        return Question(kind, tuple(walk.series), ".*", walk.end * 1000 - LAST_WITHIN_MS,
                        LAST_WITHIN_MS)
    if kind == "raw":
        of = walk.series[turn * 7 % len(walk.series)]
        return Question(kind, (of,), "", walk.begin * 1000, RAW_MS)
    field = f"f{turn % 5}"
    series = tuple(Series("env", (("host", f"h{host}"),), field) for host in range(WALK_HOSTS // 2))
    hours = -(-(walk.end - walk.begin) * 1000 // HOUR_MS)
    return Question(kind, series, "h[0-9]{1,2}", walk.begin * 1000, HOUR_MS, hours)


def disagreement(answer, other):
    """What differs, in words; empty when nothing does."""
    missing, more = answer.keys() - other.keys(), other.keys() - answer.keys()
    if missing or more:
        return (f"{len(missing)} of {len(answer)} values are missing ({sorted(missing)[:2]}), "
                f"{len(more)} are more ({sorted(more)[:2]})")
    for key, value in answer.items():
        if abs(value - other[key]) > TOLERANCE * max(abs(value), abs(other[key])):
            return f"at {key}: {value!r} and {other[key]!r}"
    return ""
