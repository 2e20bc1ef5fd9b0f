// What the coordinator does of its own accord and for its HTTP side: the tick, compaction, writes,
// commands.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "coordinator/coordinator.h"
#include "proto/wire/limits.h"
#include "proto/wire/rfc3339.h"

namespace fieldpost::coordinator {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Status;
using wire::TopicKind;

namespace {

constexpr rt::Nanos kTick = rt::Seconds(1);
/// A node may have missed it, or met a late will: it is said again.
constexpr rt::Nanos kPresenceEvery = rt::Seconds(30);
constexpr rt::Nanos kEraseEvery = rt::Seconds(5);
constexpr rt::Nanos kAssembleEvery = rt::Seconds(5);
constexpr rt::Nanos kOverdueEvery = rt::Seconds(3600);
constexpr rt::Nanos kCommandLife = std::chrono::hours(24);
constexpr std::size_t kHttpReadingsMax = 2'000'000;  ///< waiting for a commit

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

/// A node may still have what the store lost.
void Coordinator::ask_for_damaged() {
  auto asked = std::make_shared<std::vector<Store::NodeCommand>>();
  run_store(
      [asked, now = clock_.now()](Store& store) -> Status {
        auto commands = store.ask_for_damaged(now, now + kCommandLife);
        if (!commands) return commands.error();
        *asked = std::move(*commands);
        return ok();
      },
      [this, asked](Status status) {
        if (!status) log_.warning("asking for what is damaged: {}", status.error().message);
        for (Store::NodeCommand& each : *asked) {
          log_.info("node {} is asked for a damaged record: command {}", each.node,
                    each.command.id);
          send_signed_command(each.node, std::move(each.command));
        }
      });
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

void Coordinator::change_studies(std::function<Status(Studies&)> job,
                                 std::function<void(Status)> done) {
  run_store(
      [job = std::move(job)](Store& store) -> Status {
        rt::Transaction transaction(store.database());
        if (auto begun = transaction.begin(); !begun) return begun;
        Studies studies(store.database());
        if (auto changed = job(studies); !changed) return changed;
        return transaction.commit();
      },
      std::move(done));
}

void Coordinator::delete_readings(DeletionRequest request,
                                  std::function<void(rt::Result<std::vector<Deletion>>)> done) {
  auto made = std::make_shared<rt::Result<std::vector<Deletion>>>(std::vector<Deletion>());
  const rt::UnixTime now = clock_.now();
  run_store(
      [made, request, now](Store& store) -> Status {
        *made = store.delete_readings(request, now);
        return *made ? ok() : Status(made->error());
      },
      [this, made, request, done = std::move(done)](Status status) {
        if (!status) return done(status.error());
        for (const Deletion& deletion : **made) {
          log_.warning("gap {}: readings of node {}, measurement \"{}\", {} to {} ns: {}",
                       deletion.gap, deletion.node, request.measurement, request.first_time,
                       request.last_time, request.reason);
          if (on_changed_) on_changed_(deletion.node, {deletion.gap});
        }
        done(std::move(*made));
        erase();
      });
}

void Coordinator::write_http(const std::string& node, wire::ParsedLines lines,
                             std::string idempotency_key,
                             std::function<void(rt::Result<std::size_t>)> done,
                             std::optional<AdoptedBody> body) {
  if (!wire::is_valid_id(node)) {
    done(Error{Errc::kInvalid, "a node's name is [a-z0-9][a-z0-9_-]{0,62}"});
    return;
  }
  if (http_readings_ > kHttpReadingsMax) {
    done(Error{Errc::kBusy, "too many readings are waiting for the disk"});
    return;
  }
  const std::size_t readings = lines.readings;
  http_readings_ += readings;
  auto pending = std::make_shared<PendingHttp>();
  pending->body.node = node;
  pending->body.lines = lines.lines_stored;
  pending->body.idempotency_key = std::move(idempotency_key);
  pending->body.body = std::move(body);
  pending->done = std::move(done);
  auto batch = std::make_shared<wire::ReadingsBatch>();
  batch->stamp = {clock_.now(), loop_.now(), clock_.boot_id(), clock_.synchronised()};
  batch->pieces.push_back(std::move(lines));
  auto status = std::make_shared<Status>(ok());
  encoder_worker_.run(
      [encoder = http_encoder_, batch, pending, status] {
        auto encoded = encoder->encode(std::move(*batch));
        if (!encoded) {
          *status = encoded.error();
          return;
        }
        pending->body.records = std::move(*encoded);
      },
      [this, alive = alive_, pending, status, readings] {
        if (!*alive) return;
        http_readings_ -= readings;
        if (!*status) {
          pending->done(status->error());
          return;
        }
        http_.push_back(std::move(*pending));
        take_turn();
      });
}

void Coordinator::commit_http() {
  if (http_under_way_ || http_.empty()) return;
  http_under_way_ = true;
  auto pending = std::make_shared<std::vector<PendingHttp>>(std::exchange(http_, {}));
  auto bodies = std::make_shared<std::vector<HttpRecords>>();
  for (PendingHttp& each : *pending) bodies->push_back(std::move(each.body));
  auto stored = std::make_shared<std::vector<rt::Result<Store::HttpStored>>>();
  run_store(
      [bodies, stored, now = clock_.now()](Store& store) -> Status {
        *stored = store.store_http(*bodies, now);
        return ok();
      },
      [this, pending, stored](const Status&) {
        http_under_way_ = false;
        std::vector<std::string> errors;
        for (std::size_t i = 0; i < pending->size(); ++i) {
          const rt::Result<Store::HttpStored>& result = (*stored)[i];
          if (!result) {
            errors.push_back(result.error().message);
            (*pending)[i].done(result.error());
            continue;
          }
          for (const StoredReadings& each : result->stored) {
            counters_.readings += each.columns->readings();
            live_.publish(each);
          }
          (*pending)[i].done(result->lines);
        }
        if (!errors.empty()) {
          log_.error("{} writes over HTTP not stored: {}", errors.size(), errors.front());
        }
        take_turn();
      });
}

void Coordinator::replace_readings(Replacement replacement,
                                   std::function<void(rt::Result<Replaced>)> done) {
  auto work = std::make_shared<Replacement>(std::move(replacement));
  auto replaced = std::make_shared<rt::Result<Replaced>>(Replaced());
  run_store(
      [work, replaced, now = clock_.now()](Store& store) -> Status {
        *replaced = store.replace_readings(*work, now);
        return *replaced ? ok() : Status(replaced->error());
      },
      [this, work, replaced, done = std::move(done)](Status status) {
        const ReplayRecord& record = work->record;
        const std::string what =
            fmt::format("replay of {} of node {}, messages of {} to {}, asked for by {}",
                        record.source, record.node, wire::format_rfc3339(rt::UnixTime{record.from}),
                        wire::format_rfc3339(rt::UnixTime{record.to}), record.by);
        if (!status) {
          log_.error("{}: nothing is changed: {}", what, status.error().message);
          return done(status.error());
        }
        log_.info("{}: {} readings in place of {}", what, (*replaced)->added, (*replaced)->removed);
        done(*replaced);
      });
}

void Coordinator::send_command(const std::string& node, const std::string& verb,
                               const std::string& arguments,
                               std::function<void(rt::Result<wire::Command>)> done) {
  const auto session = sessions_.find(node);
  if (session == sessions_.end() || session->second.nonce == 0) {
    return refuse_command(node, std::move(done));
  }
  auto made = std::make_shared<rt::Result<wire::Command>>(wire::Command{});
  const rt::UnixTime now = clock_.now();
  run_store(
      [made, node, spool = session->second.spool, verb, arguments, now](Store& store) -> Status {
        *made = store.add_command(node, spool, verb, arguments, now, now + kCommandLife);
        return *made ? ok() : Status(made->error());
      },
      [this, made, node, done = std::move(done)](Status) {
        if (*made) send_signed_command(node, **made);
        done(std::move(*made));
      });
}

void Coordinator::tell_sampling(const std::string& node, const SamplingIntervals& every_s,
                                std::function<void(rt::Status)> done) {
  const auto session = sessions_.find(node);
  if (session == sessions_.end() || session->second.nonce == 0) {
    return done(Error{Errc::kUnavailable, "node " + node + " is not connected"});
  }
  auto made = std::make_shared<wire::Command>();
  run_store(
      [made, node, spool = session->second.spool, every_s,
       now = clock_.now()](Store& store) -> Status {
        auto command = store.tell_sampling(node, spool, every_s, now, now + kCommandLife);
        if (!command) return command.error();
        *made = *std::move(command);
        return ok();
      },
      [this, made, node, done = std::move(done)](const Status& status) {
        if (status) send_signed_command(node, std::move(*made));
        done(status);
      });
}

void Coordinator::refuse_command(const std::string& node,
                                 std::function<void(rt::Result<wire::Command>)> done) {
  run_store(
      [node](Store& store) -> Status {
        const auto no = store.ledger().find_node(node);
        if (!no) return no.error();
        if (!*no) return Error{Errc::kNotFound, "no such node: " + node};
        return Error{Errc::kUnavailable,
                     "node " + node + " is not connected: a command needs its spool"};
      },
      [done = std::move(done)](Status status) { done(status.error()); });
}

void Coordinator::send_signed_command(const std::string& node, wire::Command command) {
  // A command is signed for the session that is on [cmd-4]; without one it goes with the welcome of
  // the next that has its spool.
  const auto session = sessions_.find(node);
  if (session == sessions_.end() || session->second.nonce == 0 ||
      session->second.spool != command.spool) {
    return;
  }
  command.generation = generation_;
  command.nonce = session->second.nonce;
  send_signed(node, TopicKind::kCommand, wire::encode(command));
}

struct Coordinator::Reprocessing {
  std::string node;
  ReprocessOptions options;
  Reprocessed sum;
  std::function<void(rt::Result<Reprocessed>)> done;
};

void Coordinator::reprocess(const std::string& node, bool give_up,
                            std::function<void(rt::Result<Reprocessed>)> done) {
  auto work = std::make_shared<Reprocessing>();
  work->node = node;
  work->options.give_up = give_up;
  work->done = std::move(done);
  reprocess_step(std::move(work));
}

namespace {

/// What a step added, by the names of nodes.
rt::Result<std::map<std::string, std::vector<std::int64_t>>> gaps_by_name(Ledger& ledger,
                                                                          const Reprocessed& step) {
  std::map<std::string, std::vector<std::int64_t>> out;
  for (const auto& [no, gaps] : step.gaps) {
    const auto node = ledger.node(no);
    if (!node) return node.error();
    if (!gaps.empty()) out[node->id] = gaps;
  }
  return out;
}

}  // namespace

void Coordinator::reprocess_step(std::shared_ptr<Reprocessing> work) {
  auto step = std::make_shared<Reprocessed>();
  auto changed = std::make_shared<std::map<std::string, std::vector<std::int64_t>>>();
  run_store(
      [work, step, changed, now = clock_.now()](Store& store) -> Status {
        if (!work->node.empty()) {
          const auto no = store.ledger().find_node(work->node);
          if (!no) return no.error();
          if (!*no) return Error{Errc::kNotFound, "no such node: " + work->node};
          work->options.node = **no;
        }
        auto done = store.ingest().reprocess(work->options, now);
        if (!done) return done.error();
        *step = std::move(*done);
        auto gaps = gaps_by_name(store.ledger(), *step);
        if (gaps) *changed = std::move(*gaps);
        return gaps ? ok() : Status(gaps.error());
      },
      [this, work, step, changed](Status status) {
        if (!status) return work->done(status.error());
        work->sum.stored += step->stored;
        work->sum.given_up += step->given_up;
        work->sum.left += step->left;
        for (const auto& [node, gaps] : *changed) {
          if (on_changed_) on_changed_(node, gaps);
        }
        if (!step->more) return work->done(std::move(work->sum));
        work->options.after = *step->more;
        reprocess_step(work);  // steps are bounded; commits go between them
      });
}

void Coordinator::retry_quarantined() {
  reprocess("", false, [this](rt::Result<Reprocessed> done) {
    if (!done) {
      log_.warning("looking at the quarantine again: {}", done.error().message);
    } else if (done->stored > 0) {
      log_.info("stored {} records that were quarantined; {} are still not understood",
                done->stored, done->left);
    }
  });
}

void Coordinator::release(const std::string& node, std::function<void(Status)> done) {
  run_store(
      [node, now = clock_.now()](Store& store) -> Status {
        const auto no = store.ledger().find_node(node);
        if (!no) return no.error();
        if (!*no) return Error{Errc::kNotFound, "no such node: " + node};
        return store.concluder().release(**no, now);
      },
      [this, node, done = std::move(done)](Status status) {
        if (status) nodes_[node].alarm.clear();
        done(std::move(status));
      });
}

}  // namespace fieldpost::coordinator
