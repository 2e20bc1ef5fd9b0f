"""The readings that all three are given: the same lines, cut into the same batches."""

import csv
import dataclasses
import datetime
import itertools
import random

BATCH_LINES = 10_000
BATCH_READINGS = 50_000  # lines with more than five fields: fewer of them
DAY = 86_400
HOST_BEGIN = 19_675 * DAY  # s since 1970: a midnight of November 2023
WALK_BEGIN = HOST_BEGIN + DAY
WALK_HOSTS = 200
WALK_DECIMALS = (2, 2, 1, 1, 3)
WALK_READINGS_PER_S = WALK_HOSTS * len(WALK_DECIMALS)
COPY_SHIFT = 7  # s between two copies of a recorded series
SHARES = {"host_metrics": 0.26, "recorded": 0.14}  # of all readings; the walk is the rest


@dataclasses.dataclass(frozen=True)
class Series:
    measurement: str
    tags: tuple  # of (key, value)
    field: str


@dataclasses.dataclass(frozen=True)
class Batch:
    body: bytes
    readings: int


@dataclasses.dataclass(frozen=True)
class Shape:
    name: str
    batches: list
    series: list
    begin: int  # s since 1970, included
    end: int    # excluded
    spans: dict = dataclasses.field(default_factory=dict)  # of series that do not span all of it

    def span(self, series):
        return self.spans.get(series, (self.begin, self.end))

    @property
    def readings(self):
        return sum(batch.readings for batch in self.batches)


def into_batches(lines):
    """Of pairs (line, its readings)."""
    batches, texts, readings = [], [], 0
    for text, count in lines:
        if len(texts) == BATCH_LINES or readings + count > BATCH_READINGS:
            batches.append(Batch("".join(texts).encode(), readings))
            texts, readings = [], 0
        texts.append(text)
        readings += count
    if texts:
        batches.append(Batch("".join(texts).encode(), readings))
    return batches


# ---- host_metrics at 1 s, in the shape of the agent's own source ----

def percent(chance, busy):
    # What a CPU with 100 jiffies a second and core makes of its counters.
    return repr(100 * min(chance.randrange(busy) * chance.randrange(2), 200) /
                chance.choice((199, 200, 200, 200, 201)))


def counter(step, chance_of_step):
    value = 1_000_000

    def advance(chance):
        nonlocal value
        if chance.random() < chance_of_step:
            value += chance.randrange(step)
        return f"{value}i"
    return advance


def pages(start, step):
    value = start

    def advance(chance):
        nonlocal value
        value += chance.randrange(-step, step + 1) if step and chance.random() < 0.6 else 0
        return f"{value * 4096}i"
    return advance


def share(start):
    value = start

    def advance(chance):
        nonlocal value
        value += chance.randrange(-40, 41)
        return repr(100 * value / 6_000_000)
    return advance


def load(weight):
    value = 0.3

    def advance(chance):
        nonlocal value
        value += (chance.random() - value) * weight
        return f"{value:.2f}"
    return advance


def always(text):
    return lambda chance: text


def host_groups():
    modes = {"user": 60, "nice": 1, "system": 20, "idle": 180, "iowait": 4, "irq": 1,
             "softirq": 3, "steal": 2, "guest": 1, "guest_nice": 1}
    return [
        ("cpu", (("cpu", "cpu-total"),),
         {f"usage_{mode}": (lambda busy: lambda chance: percent(chance, busy))(busy)
          for mode, busy in modes.items()}),
        ("mem", (), {"total": always("25769803776i"), "free": pages(3_000_000, 60),
                     "available": pages(5_000_000, 60), "buffered": pages(90_000, 1),
                     "cached": pages(1_900_000, 9), "active": pages(1_000_000, 20),
                     "inactive": pages(1_500_000, 20), "dirty": pages(90_000, 8),
                     "slab": pages(60_000, 3), "used": pages(1_200_000, 60),
                     "used_percent": share(1_200_000)}),
        ("swap", (), {"total": always("0i"), "free": always("0i"), "used": always("0i"),
                      "used_percent": always("0")}),
        ("system", (), {"load1": load(0.02), "load5": load(0.004), "load15": load(0.001),
                        "uptime": counter(2, 1)}),
        ("net", (("interface", "eth0"),),
         {"bytes_recv": counter(9_000, 0.9), "packets_recv": counter(60, 0.9),
          "err_in": always("0i"), "drop_in": always("0i"), "bytes_sent": counter(5_000, 0.9),
          "packets_sent": counter(50, 0.9), "err_out": always("0i"), "drop_out": always("0i")}),
        ("diskio", (("name", "vda"),),
         {"reads": counter(9, 0.1), "merged_reads": counter(3, 0.02),
          "read_bytes": counter(90_000, 0.1), "read_time": counter(9, 0.1),
          "writes": counter(40, 0.5), "merged_writes": counter(20, 0.4),
          "write_bytes": counter(400_000, 0.5), "write_time": counter(30, 0.5),
          "iops_in_progress": always("0i"), "io_time": counter(20, 0.5),
          "weighted_io_time": counter(40, 0.5)}),
        ("disk", (("device", "vda"), ("fstype", "ext4"), ("path", "/")),
         {"total": always("270582939648i"), "free": pages(30_000_000, 5),
          "used": pages(33_000_000, 5), "used_percent": share(3_000_000)}),
    ]


def key_of(measurement, tags):
    return ",".join([measurement] + [f"{key}={value}" for key, value in tags])


def host_metrics(readings):
    """One machine at 1 s, for a day at most."""
    groups = host_groups()
    seconds = max(1, min(DAY, readings // sum(len(fields) for _, _, fields in groups)))
    chance = random.Random(7)

    def lines():
        keys = [key_of(measurement, tags) for measurement, tags, _ in groups]
        for second in range(HOST_BEGIN, HOST_BEGIN + seconds):
            for key, (_, _, fields) in zip(keys, groups):
                values = ",".join([f"{name}={draw(chance)}" for name, draw in fields.items()])
                yield f"{key} {values} {second}123456789\n", len(fields)

    series = [Series(measurement, tags, field)
              for measurement, tags, fields in groups for field in fields]
    return Shape("host_metrics", into_batches(lines()), series, HOST_BEGIN, HOST_BEGIN + seconds)


# ---- recorded series, many sites at once ----

def recorded_rows(path):
    """(s since 1970, value as it is written); of equal times the last."""
    rows = {}
    with open(path, newline="") as file:
        for row in itertools.islice(csv.reader(file), 1, None):
            when = datetime.datetime.fromisoformat(row[0]).replace(tzinfo=datetime.timezone.utc)
            rows[int(when.timestamp())] = row[1]
    return rows.items()


def recorded(readings, directory):
    """Each recording as so many series as it takes, each some seconds later; in order of time, as
    so many sites would have sent them."""
    rows = sorted((second, path.stem, value) for path in sorted(directory.glob("*.csv"))
                  for second, value in recorded_rows(path))
    copies = max(1, round(readings / len(rows)))

    def lines():
        for second, name, value in rows:
            for copy in range(copies):
                yield (f"nab,copy=c{copy},series={name} value={value} "
                       f"{second + copy * COPY_SHIFT}000000000\n"), 1

    spans = {}
    for name in sorted({name for _, name, _ in rows}):
        times = [second for second, of, _ in rows if of == name]
        for copy in range(copies):
            series = Series("nab", (("copy", f"c{copy}"), ("series", name)), "value")
            shift = copy * COPY_SHIFT
            spans[series] = (times[0] + shift, times[-1] + shift + 1)
    return Shape("recorded", into_batches(lines()), list(spans), rows[0][0],
                 rows[-1][0] + copies * COPY_SHIFT, spans)


# ---- random walk ----

def walk(readings):
    """200 hosts with five walks each, steps N(0, 0.3), printed as sensors print, at 1 s."""
    seconds = max(1, readings // WALK_READINGS_PER_S)
    chance = random.Random(42)
    levels = [[50.0] * len(WALK_DECIMALS) for _ in range(WALK_HOSTS)]
    form = ",".join(f"f{i}=%.{decimals}f" for i, decimals in enumerate(WALK_DECIMALS))

    def lines():
        for second in range(WALK_BEGIN, WALK_BEGIN + seconds):
            for host, before in enumerate(levels):
                now = [level + chance.gauss(0, 0.3) for level in before]
                levels[host] = now
                yield f"env,host=h{host} {form % tuple(now)} {second}000000000\n", len(now)

    series = [Series("env", (("host", f"h{host}"),), f"f{i}")
              for host in range(WALK_HOSTS) for i in range(len(WALK_DECIMALS))]
    return Shape("walk", into_batches(lines()), series, WALK_BEGIN, WALK_BEGIN + seconds)


def all_shapes(readings, directory):
    host = host_metrics(int(readings * SHARES["host_metrics"]))
    sites = recorded(int(readings * SHARES["recorded"]), directory)
    return [host, sites, walk(readings - host.readings - sites.readings)]
