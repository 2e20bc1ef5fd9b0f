// Ways out of quarantine: what is there is looked at again, or given up.
#include <map>
#include <memory>
#include <utility>

#include "coordinator/coordinator.h"

namespace fieldpost::coordinator {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Status;

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
