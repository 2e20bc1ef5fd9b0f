// What the coordinator does of its own accord: the tick, compaction, erasure, files of bodies.
#include <memory>
#include <utility>

#include "coordinator/coordinator.h"

namespace fieldpost::coordinator {

using rt::Errc;
using rt::ok;
using rt::Status;

namespace {

constexpr rt::Nanos kTick = rt::Seconds(1);
/// A node may have missed it, or met a late will: it is said again.
constexpr rt::Nanos kPresenceEvery = rt::Seconds(30);
constexpr rt::Nanos kEraseEvery = rt::Seconds(5);
constexpr rt::Nanos kAssembleEvery = rt::Seconds(5);
constexpr rt::Nanos kOverdueEvery = rt::Seconds(3600);

}  // namespace

void Coordinator::on_tick() {
  tick_ = loop_.after(kTick, [this] { on_tick(); });
  const rt::Instant now = loop_.now();
  forget_silent();
  balance_credit();
  downlink_.pump();
  if (generation_ != 0 && now - presence_published_ >= kPresenceEvery) publish_presence(true);
  if (now - last_compaction_ >= options_.compaction_every) compact();
  if (now - last_erasure_ >= kEraseEvery) erase();
  if (now - last_assembly_ >= kAssembleEvery) assemble_bodies();
  if (!last_overdue_ || now - *last_overdue_ >= kOverdueEvery) end_overdue();
}

void Coordinator::end_overdue() {
  last_overdue_ = loop_.now();
  const Moment now{clock_.now(), clock_.synchronised()};
  run_store(
      [now, wait = options_.unconfirmed_for](Store& store) { return store.end_overdue(now, wait); },
      [this](Status status) {
        if (!status) log_.warning("ending what is overdue: {}", status.error().message);
      });
  ask_for_damaged();
}

void Coordinator::compact() {
  if (compacting_) return;
  compacting_ = true;
  last_compaction_ = loop_.now();
  auto more = std::make_shared<bool>(false);
  run_store(
      [more, limits = options_.compaction, now = clock_.now()](Store& store) -> Status {
        const auto worked = store.readings().compact_step(limits, now);
        if (!worked) return worked.error();
        *more = *worked;
        return ok();
      },
      [this, more](Status status) {
        compacting_ = false;
        if (!status) log_.warning("compacting: {}", status.error().message);
        if (!status && status.error().code == Errc::kCorrupt) ask_for_damaged();
        // Steps are bounded; commits go between them.
        if (status && *more) compact();
      });
}

void Coordinator::erase() {
  if (erasing_) return;
  erasing_ = true;
  last_erasure_ = loop_.now();
  auto step = std::make_shared<Eraser::Step>();
  const Moment now{clock_.now(), clock_.synchronised()};
  warn_of_clock(now.synchronised);
  run_store(
      [step, rules = options_.retention, now](Store& store) -> Status {
        const auto worked = store.eraser().step(rules, now);
        if (!worked) return worked.error();
        *step = *worked;
        return ok();
      },
      [this, step](Status status) {
        erasing_ = false;
        if (!status) log_.warning("taking readings out: {}", status.error().message);
        if (status) on_erased(*step);
        // Steps are bounded; commits go between them.
        if (status && step->more) erase();
      });
}

void Coordinator::assemble_bodies() {
  if (assembling_) return;
  assembling_ = true;
  last_assembly_ = loop_.now();
  auto step = std::make_shared<BodyStore::Step>();
  auto node = std::make_shared<std::string>();
  run_store(
      [step, node, now = clock_.now()](Store& store) -> Status {
        auto worked = store.bodies().step(now);
        if (!worked) return worked.error();
        *step = std::move(*worked);
        if (!step->broken) return ok();
        auto row = store.ledger().node(step->node);
        if (row) *node = std::move(row->id);
        return row ? ok() : Status(row.error());
      },
      [this, step, node](Status status) {
        assembling_ = false;
        assembly_failed_ = !status;
        if (!status) log_.warning("making files of bodies: {}", status.error().message);
        if (status) on_bodies(*step, *node);
        // Steps are bounded; commits go between them.
        if (status && step->more) assemble_bodies();
      });
}

void Coordinator::on_bodies(const BodyStore::Step& step, const std::string& node) {
  if (step.stored) counters_.bodies += 1;
  for (const wire::Sha256Digest& hash : step.missing) {
    log_.error("the file of body {} is missing: it is shown as not complete", hash.hex());
  }
  if (!step.broken) return;
  if (on_changed_) on_changed_(node, step.gaps);
  counters_.bodies_broken += 1;
  nodes_[node].bodies_broken += 1;
  log_.error(
      "the bytes that came from {} for body {} are others: they are dropped, a gap says so, and it "
      "is shown as not complete until it comes again",
      node, step.broken->hex());
}

void Coordinator::warn_of_clock(bool synchronised) {
  const bool was_told = std::exchange(rules_wait_, !synchronised);
  if (synchronised || was_told || options_.retention.empty()) return;
  log_.warning(
      "the clock is not synchronised: retention goes no further than when it last was, and takes "
      "nothing if it never was");
}

void Coordinator::on_erased(const Eraser::Step& step) {
  if (step.finished_gap != 0) {
    log_.info("gap {}: {} readings deleted, {} bytes in the store", step.finished_gap,
              step.readings, step.bytes);
    return;
  }
  counters_.erased += step.readings;
  if (step.by_rule) outlived_ += step.readings;
  if (!step.more && outlived_ > 0) {
    log_.info("retention took {} readings out", std::exchange(outlived_, 0));
  }
}

}  // namespace fieldpost::coordinator
