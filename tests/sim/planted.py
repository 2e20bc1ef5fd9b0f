#!/usr/bin/env python3
"""Proves the checkers of the delivery simulation: plants known bugs and expects them to be found.

usage: planted.py --check                        every patch still applies to the source
       planted.py [--build DIR] [--seeds N] [--jobs N] [BUG...]

Each bug is a small source patch: texts that must occur exactly once, and what replaces them. The
second form copies the tree to DIR/tree and builds sim_run there as it is, which must pass unless
BUGs are named; then plants one bug at a time, rebuilds and runs up to N seeds (default 200). Exit 1
when a bug is not caught.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# bug -> [(file, text, replacement)...]
BUGS = {
    "receipt-before-commit": [
        (
            "coordinator/coordinator_arrivals.cpp",
            "  auto settled = std::make_shared<rt::Result<std::vector<Settled>>>"
            "(std::vector<Settled>{});\n  run_store(\n      [arrivals, settled,",
            """  std::vector<Settled> early;
  for (const Arrival& each : *arrivals) {
    early.push_back({.node = each.node, .nonce = each.envelope.nonce, .name = each.envelope.name,
                     .lane = each.envelope.lane, .verdict = wire::Verdict::kStored});
  }
  send_receipts(early);
  auto settled = std::make_shared<rt::Result<std::vector<Settled>>>(std::vector<Settled>{});
  run_store(
      [arrivals, settled,""",
        ),
    ],
    "delete-on-puback": [
        (
            "agent/uplink/uplink.h",
            "  std::vector<wire::NameRange> marks_;  ///< to tell\n",
            "  std::vector<wire::NameRange> marks_;  ///< to tell\n"
            "  std::unordered_map<std::uint64_t, wire::Name> unacknowledged_;\n",
        ),
        (
            "agent/uplink/uplink.h",
            "#include <unordered_set>\n",
            "#include <unordered_map>\n#include <unordered_set>\n",
        ),
        (
            "agent/uplink/uplink.cpp",
            "  if (outbox_.on_puback(token, loop_.now())) last_progress_ = loop_.now();\n",
            """  if (outbox_.on_puback(token, loop_.now())) last_progress_ = loop_.now();
  if (const auto sent = unacknowledged_.find(token); sent != unacknowledged_.end()) {
    const wire::Name& name = sent->second;
    front_.settle({{{name.incarnation, {name.seq, name.seq}}, wire::Verdict::kRefused}});
  }
""",
        ),
        (
            "agent/uplink/uplink_delivery.cpp",
            "  counters_.wire_bytes += size;\n",
            "  counters_.wire_bytes += size;\n  unacknowledged_[*sent] = item.record.name;\n",
        ),
    ],
    "seq-used-again": [
        # A process goes on in the incarnation of the one before.
        (
            "agent/spool/spool.cpp",
            "  if (auto done = spool.transact([&] { return spool.draw_incarnation(",
            """  if (!spool.incarnations_.empty()) {
    const IncarnationRow& last = spool.incarnations_.back();
    spool.live_no_ = last.no;
    spool.live_ = {last.id, last.lease, last.ordinal};
    return spool;
  }
  if (auto done = spool.transact([&] { return spool.draw_incarnation(""",
        ),
        (
            "agent/spool/spool.h",
            "  [[nodiscard]] wire::SpoolId id() const { return spool_id_; }\n",
            "  [[nodiscard]] wire::SpoolId id() const { return spool_id_; }\n"
            "  std::uint64_t highest() const { return incarnations_.back().highest; }\n",
        ),
        (
            "agent/spool/spool_front.cpp",
            "  age_base_ms_ = spool_->age_ms();\n",
            "  age_base_ms_ = spool_->age_ms();\n  *next_seq_ = spool_->highest() + 1;\n",
        ),
    ],
    "name-settled-outside": [
        (
            "coordinator/ingest/ingest.cpp",
            "  if (auto done = ledger_.settle(incarnation.no, {seq, seq}, Verdict::kStored);",
            """  if (auto done = db_.commit(); !done) return done;
  if (auto done = db_.begin(); !done) return done;
  if (auto done = ledger_.settle(incarnation.no, {seq, seq}, Verdict::kStored);""",
        ),
    ],
    "name-settled-before-its-data": [
        (
            "coordinator/ingest/ingest.cpp",
            "  auto meant = try_apply(incarnation, seq, record, now, out);\n",
            """  auto early = ledger_.settle(incarnation.no, {seq, seq}, Verdict::kStored);
  if (early) early = ledger_.keep_hash(incarnation.no, seq, hash);
  if (early) early = db_.commit();
  if (!early) return early;
  if (auto done = db_.begin(); !done) return done;
  auto meant = try_apply(incarnation, seq, record, now, out);
""",
        ),
        (
            "coordinator/ingest/ingest.cpp",
            "  if (auto done = ledger_.settle(incarnation.no, {seq, seq}, Verdict::kStored);"
            " !done) return done;\n"
            "  if (auto done = ledger_.keep_hash(incarnation.no, seq, hash); !done) return done;\n",
            "",
        ),
    ],
    "readings-lost-at-the-door": [
        # One record in fifty is settled, and its readings are not there.
        (
            "coordinator/ingest/ingest.cpp",
            "  if (auto done = readings_.add_batch(batch, now); !done) return done;\n",
            """  if (seq % 50 != 0) {
    if (auto done = readings_.add_batch(batch, now); !done) return done;
  }
""",
        ),
    ],
    "gapped-is-stored-after-all": [
        (
            "coordinator/ingest/ingest.cpp",
            "  auto done = settled->verdict == Verdict::kNone\n",
            """  if (settled->verdict == Verdict::kGapped) {
    const auto record = wire::decode_record(envelope.record);
    if (record && record->kind == 1) {
      (void)store_readings(incarnation, envelope.name.seq, *record, now, out);
    }
  }
  auto done = settled->verdict == Verdict::kNone
""",
        ),
    ],
    "gap-dropped-under-pressure": [
        (
            "agent/spool/shedding.cpp",
            "  if (auto done = insert_gaps(spool, std::move(gaps), stamp, next_seq); !done) "
            "return done;\n",
            "  if (spool.totals().gap_bytes_held > options.gap_reserve) {\n"
            "    return spool.add_shed(report.readings - readings);\n  }\n"
            "  if (auto done = insert_gaps(spool, std::move(gaps), stamp, next_seq); !done) "
            "return done;\n",
        ),
    ],
    "payload-changed-under-its-name": [
        # What is published again gets the time of now.
        (
            "agent/uplink/uplink_delivery.cpp",
            "  const wire::Envelope envelope = envelope_of(item);\n",
            """  wire::Envelope envelope = envelope_of(item);
  if (item.tries > 0) {
    auto again = wire::decode_record(envelope.record);
    if (again) {
      again->stamp = now();
      envelope.record = wire::encode(*again);
    }
  }
""",
        ),
    ],
    "receipt-of-another-store": [
        (
            "agent/uplink/uplink.cpp",
            "    if (decoded && decoded->store_id == front_.pin().store_id) return",
            "    if (decoded) return",
        ),
    ],
    "receipt-of-another-session": [
        (
            "agent/uplink/uplink_delivery.cpp",
            "  if (state_ != State::kUp || receipt.nonce != nonce_ || receipt.generation",
            "  if (state_ != State::kUp || receipt.generation",
        ),
    ],
    "receipt-of-another-generation": [
        (
            "agent/uplink/uplink_delivery.cpp",
            " || receipt.nonce != nonce_ || receipt.generation != generation_) {\n",
            " || receipt.nonce != nonce_) {\n",
        ),
    ],
    "arrival-order-wins": [
        (
            "coordinator/ingest/ingest.cpp",
            "  batch.rank = *rank;\n",
            """  static std::uint64_t arrivals = 1'000'000;
  batch.rank = wire::Rank{++arrivals, seq};
""",
        ),
    ],
    "undecodable-never-settled": [
        (
            "coordinator/ingest/ingest.cpp",
            "  if (!meant && is_content_fault(meant.error())) {\n",
            "  if (!meant && is_content_fault(meant.error()) && record.kind > 2) return ok();\n"
            "  if (!meant && is_content_fault(meant.error())) {\n",
        ),
    ],
    "late-hello-believed": [
        (
            "coordinator/coordinator_handshake.cpp",
            "        *agrees = *same;\n",
            """        *agrees = *same;
        const auto concluded = store.concluder().conclude(*statement, {now});
        if (!concluded) return concluded.error();
""",
        ),
        (
            "coordinator/coordinator_handshake.cpp",
            "      [statement, agrees](Store& store)",
            "      [statement, agrees, now = clock_.now()](Store& store)",
        ),
    ],
    "damaged-hello-believed": [
        (
            "coordinator/coordinator_handshake.cpp",
            "  if (answer->statement != session.statement->hash) {\n",
            "  if (answer->statement.is_zero()) {\n",
        ),
    ],
    "reading-before-its-body": [
        # A body's reading is accepted when half of its fragments are.
        (
            "agent/sources/body_writer.cpp",
            "    work_->offset >= work_->offer.reference.size ? tell(work_) : read_on();\n",
            "    work_->offset * 2 >= work_->offer.reference.size ? tell(work_) : read_on();\n",
        ),
    ],
    "fragment-lost-at-the-door": [
        (
            "coordinator/store/body_store.cpp",
            "  if (!*body) return false;\n",
            "  if (!*body) return false;\n"
            "  if (fragment.offset > 0 && fragment.bytes[0] % 8 == 0) return true;\n",
        ),
    ],
    "body-stored-before-it-is-synced": [
        (
            "coordinator/store/body_assembly.cpp",
            "  // Synced as it grows, so that no sync takes long.\n"
            "  return files_->sync(temporary());\n",
            "  return ok();\n",
        ),
    ],
    "body-not-checked": [
        # What was there of a fragment stays in the file, though other bytes came for it.
        (
            "coordinator/store/body_assembly.cpp",
            "  while (work.offset < end) {\n",
            "  while (work.offset < end) {\n"
            "    if (work.offset == 0 && now_and_then_++ % 8 == 3) work.offset += 1;\n",
        ),
        (
            "coordinator/store/body_assembly.cpp",
            "  const bool is_it = assembly_->hash.digest() == row.hash && "
            "assembly_->offset == row.size;\n",
            "  const bool is_it = true;\n",
        ),
        (
            "coordinator/store/body_store.h",
            "  unsigned swept_ = 0;            ///< directories, of kDirectories\n",
            "  unsigned swept_ = 0;            ///< directories, of kDirectories\n"
            "  int now_and_then_ = 0;\n",
        ),
    ],
    "begun-bodies-wait-too": [
        (
            "coordinator/store/body_store.cpp",
            "  auto body = find(node, fragment);\n",
            "  auto body = find(node, fragment);\n"
            "  if (body && *body && wire::fragment_count(fragment.size) > 2) return false;\n",
        ),
    ],
    "incarnation-written-late": [
        # It is on disk with its first record, not before its first name.
        (
            "agent/spool/spool.cpp",
            """  if (auto done = write_incarnation_row(db_, row); !done) return done;
  live_no_ = row.no;
""",
            "  row.no = row.parent_no + 1;\n  live_no_ = row.no;\n",
        ),
        (
            "agent/spool/spool.cpp",
            "    if (!*row) return ok();\n"
            "    const auto incarnation = read_incarnation_row(rows);\n",
            """    if (!*row) {
      const bool has_live = !incarnations_.empty() && incarnations_.back().no >= live_no_;
      if (!has_live && live_no_ != 0) {
        IncarnationRow unwritten;
        unwritten.no = live_no_;
        unwritten.id = live_.id;
        unwritten.parent_no = incarnations_.empty() ? 0 : incarnations_.back().no;
        unwritten.ordinal = live_.ordinal;
        unwritten.lease = live_.lease;
        incarnations_.push_back(unwritten);
      }
      return ok();
    }
    const auto incarnation = read_incarnation_row(rows);
""",
        ),
    ],
}


def apply(tree, bug):
    """Plants `bug`; returns the texts as they were, by path."""
    before = {}
    texts = {}
    for name, text, replacement in BUGS[bug]:
        path = tree / name
        texts.setdefault(name, path.read_text(encoding="utf-8"))
        before.setdefault(name, texts[name])
        if texts[name].count(text) != 1:
            found = texts[name].count(text)
            raise SystemExit(f"{bug}: a text occurs {found} times in {name}, not once:\n{text}")
        texts[name] = texts[name].replace(text, replacement)
    return before, texts


def write(tree, texts):
    for name, text in texts.items():
        (tree / name).write_text(text, encoding="utf-8")


def copy_tree(tree):
    """The files that git knows, as they are here; unchanged ones keep their time."""
    names = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-coz", "--exclude-standard"],
        check=True,
        capture_output=True,
    ).stdout.decode().split("\0")
    for name in filter(None, names):
        source, target = ROOT / name, tree / name
        if not source.is_file():
            continue
        content = source.read_bytes()
        if target.is_file() and target.read_bytes() == content:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def build(tree, output, jobs):
    if not (output / "build.ninja").is_file():
        subprocess.run(
            ["cmake", "--preset", "dev", "-B", output, "-DFIELDPOST_TEST_KINDS=sim"],
            check=True, stdout=subprocess.DEVNULL, cwd=tree,
        )
    done = subprocess.run(
        ["cmake", "--build", output, "-j", str(jobs), "--target", "sim_run"],
        capture_output=True, text=True, check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"does not build:\n{done.stdout[-3000:]}")


def catch(output, seeds):
    """(seed, what the checker said), or None when every seed passes."""
    done = subprocess.run(
        [output / "bin" / "sim_run", "--seeds", str(seeds), "--first"],
        capture_output=True, text=True, errors="replace", check=False,
    )
    if done.returncode == 0:
        return None
    failed = re.search(r"^seed (\d+) FAILED(?:.*\n)+?    ((?! *\d+ ms ).*)$", done.stdout, re.M)
    if failed is None:
        said = done.stdout[-500:] + done.stderr[-500:]
        raise SystemExit(f"sim_run ended with {done.returncode}:\n{said}")
    return int(failed.group(1)), failed.group(2).strip()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="only: do all patches apply?")
    parser.add_argument("--build", type=Path, help="scratch directory, kept")
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    parser.add_argument("bugs", nargs="*", metavar="BUG", help=", ".join(BUGS))
    options = parser.parse_args()
    unknown = set(options.bugs) - set(BUGS)
    if unknown:
        parser.error(f"no such bug: {', '.join(sorted(unknown))}")
    if options.check:
        for bug in BUGS:
            apply(ROOT, bug)
        print(f"{len(BUGS)} planted bugs apply")
        return 0
    with tempfile.TemporaryDirectory(prefix="planted.") as temporary:
        return plant_all(options, options.build or Path(temporary))


def plant_all(options, scratch):
    tree, output = scratch / "tree", scratch / "build"
    copy_tree(tree)
    build(tree, output, options.jobs)
    healthy = None if options.bugs else catch(output, options.seeds)
    if healthy is not None:
        print(f"without a planted bug seed {healthy[0]} fails already: {healthy[1]}")
        return 1
    missed = 0
    for bug in options.bugs or BUGS:
        before, planted = apply(tree, bug)
        write(tree, planted)
        try:
            build(tree, output, options.jobs)
            caught = catch(output, options.seeds)
        finally:
            write(tree, before)
        if caught is None:
            missed += 1
            print(f"{bug:32} NOT CAUGHT within {options.seeds} seeds", flush=True)
        else:
            print(f"{bug:32} seed {caught[0]:<4} {caught[1]}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
