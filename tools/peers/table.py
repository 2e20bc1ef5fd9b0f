"""Rows of the comparison, as a table and for JSON."""

import statistics

from peers.questions import KINDS

FIELDPOST = "fieldpost"


def row(what, unit, values, more_is_better=False):
    """With fieldpost's advantage over each of the others: above 1 is ahead."""
    ahead = {}
    if own := values.get(FIELDPOST):
        for name, value in values.items():
            if name != FIELDPOST and value:
                ahead[name] = own / value if more_is_better else value / own
    return {"what": what, "unit": unit, "values": values, "ahead": ahead}


def told(what, unit, values):
    """A row without a better and a worse."""
    return {"what": what, "unit": unit, "values": values, "ahead": {}}


def median_of(written, number):
    return {name: statistics.median(number(one) for one in rounds)
            for name, rounds in written.items()}


def written_rows(result, shapes):
    written = result["written"]
    rows = [row("written, all", "readings/s", median_of(
        written, lambda one: one["readings"] / sum(one["seconds"].values())), True)]
    for shape in shapes:
        rows.append(row(f"written, {shape.name}", "readings/s", median_of(
            written, lambda one, of=shape: of.readings / one["seconds"][of.name]), True))
    rows.append(row("CPU until received", "s/M readings", median_of(
        written, lambda one: one["cpu_s"] / one["readings"] * 1e6)))
    rows.append(told("the client's own CPU", "s/M readings", median_of(
        written, lambda one: one["client_cpu_s"] / one["readings"] * 1e6)))
    return rows


def settled_rows(result, readings):
    def each(number):
        return {name: number(one) for name, one in result["settled"].items()}
    return [
        row("CPU with flush and compaction", "s/M readings",
            each(lambda one: one["cpu_s"] / readings * 1e6)),
        told("waited for flush and compaction", "s", each(lambda one: one["waited_s"])),
        row("on disk, settled", "bytes/reading", each(lambda one: one["disk_bytes"] / readings)),
        told("on disk besides, the agent's spool", "bytes/reading",
             each(lambda one: one["spool_bytes"] / readings)),
        row("peak RSS while writing", "MB", median_of(
            result["written"], lambda one: one["peak_rss_bytes"] / 1e6)),
        row("peak RSS while asked", "MB",
            {name: peak / 1e6 for name, peak in result["asked"]["peak_rss_bytes"].items()})]


def rows_of(result, shapes):
    rows = written_rows(result, shapes)
    rows += settled_rows(result, sum(shape.readings for shape in shapes))
    for kind, text in KINDS.items():
        for part in ("p50", "p99"):
            rows.append(row(f"{text}, {part}", "ms", {
                name: times[f"{part}_ms"]
                for name, times in result["asked"]["latency"][kind].items()}))
    for what in ("acknowledged", "lost"):
        rows.append(told(f"kill -9 in mid-write: {what}", "readings",
                         {name: one[what] for name, one in result["killed"].items()}))
    return rows


def number(value):
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def as_text(rows, names):
    """In the form of docs/performance.md."""
    others = [name for name in names if name != FIELDPOST and FIELDPOST in names]
    lines = ["| what | unit | " + " | ".join(names) + "".join(
        f" | ahead of {name}" for name in others) + " |"]
    lines.append("| --- " * (2 + len(names) + len(others)) + "|")
    for each in rows:
        cells = [each["what"], each["unit"]]
        cells += [number(each["values"][name]) for name in names]
        cells += [f"{each['ahead'][name]:.2f}×" if name in each["ahead"] else "–"
                  for name in others]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
