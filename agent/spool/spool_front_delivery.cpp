// Records on their way out: loading them, verdicts, and what proves to be damaged.
#include <utility>

#include "agent/spool/gap_records.h"
#include "agent/spool/spool_front.h"

namespace fieldpost::agent {

using rt::ok;
using rt::Status;

void SpoolFront::load_held(RecordClass from, RecordClass to, std::int64_t after,
                           std::size_t bytes_max, Loaded done) {
  flush_settled();
  auto loaded = std::make_shared<rt::Result<std::vector<SpoolRecord>>>(std::vector<SpoolRecord>{});
  with_spool(
      [loaded, from, to, after, bytes_max](Spool& spool) -> Status {
        *loaded = spool.load_held(from, to, after, bytes_max);
        return *loaded ? ok() : Status(loaded->error());
      },
      [this, loaded, done = std::move(done)](Status) {
        if (*loaded) declare_damaged_among(**loaded);
        done(std::move(*loaded));
      });
}

void SpoolFront::load_names(std::vector<wire::Name> names, Loaded done) {
  auto loaded = std::make_shared<rt::Result<std::vector<SpoolRecord>>>(std::vector<SpoolRecord>{});
  with_spool(
      [loaded, names = std::move(names)](Spool& spool) -> Status {
        std::vector<SpoolRecord> records;
        for (const wire::Name& name : names) {
          auto record = spool.load(name);
          if (!record) continue;  // gone or damaged: what is missing is the caller's answer
          if (!record->set.is_zero()) {
            auto definition = spool.load_definition(record->set);
            if (!definition) continue;
            record->definition = std::make_shared<const std::string>(std::move(*definition));
          }
          records.push_back(std::move(*record));
        }
        *loaded = std::move(records);
        return ok();
      },
      [loaded, done = std::move(done)](Status) { done(std::move(*loaded)); });
}

void SpoolFront::settle(const std::vector<wire::VerdictRange>& verdicts) {
  std::vector<wire::NameRange> marked;
  for (const wire::VerdictRange& range : verdicts) {
    const std::size_t before = marked.size();
    drop_from_memory(range.names, marked);
    if (marked.size() - before == range.names.seqs.count()) continue;  // none of it is on disk
    settled_.push_back(range);
  }
  if (!marked.empty() && sink_ != nullptr) sink_->on_marked(marked);
}

void SpoolFront::drop_from_memory(const wire::NameRange& range,
                                  std::vector<wire::NameRange>& marked) {
  auto it = memory_.lower_bound({range.incarnation, range.seqs.first});
  while (it != memory_.end() && range.contains(it->first)) {
    if (it->second.being_written) {
      ++it;  // it will be on disk: settled there, after the write
      continue;
    }
    marked.push_back({it->first.incarnation, {it->first.seq, it->first.seq}});
    it = forget(it);
  }
}

void SpoolFront::flush_settled() {
  // What could not be marked before the statement was taken waits until it is answered [hello-4].
  if (settled_.empty() || names_lent_ > 0 || hello_open_) return;
  auto verdicts = std::make_shared<std::vector<wire::VerdictRange>>(std::exchange(settled_, {}));
  lend_names(
      [spool = spool_, verdicts,
       most = options_.shed.bytes_max](std::uint64_t& next_seq) -> Status {
        if (auto done = spool->settle(*verdicts, next_seq); !done) return done;
        // Gaps and events that are kept now count, and their reserves do not any more.
        const std::uint64_t bytes = spool_bytes(spool->totals());
        if (bytes <= most) return ok();
        const auto evicted = spool->evict_kept(bytes - most);
        return evicted ? ok() : Status(evicted.error());
      },
      [this, verdicts](Status status) {
        if (!status) {
          // Marked later, or told again at the next hello: nothing is lost by waiting.
          log_.error("marking records delivered: {}", status.error().message);
          settled_.insert(settled_.begin(), verdicts->begin(), verdicts->end());
          return;
        }
        std::vector<wire::NameRange> marked;
        for (const wire::VerdictRange& range : *verdicts) marked.push_back(range.names);
        if (sink_ != nullptr) sink_->on_marked(marked);
      });
}

void SpoolFront::declare_damaged_among(std::vector<SpoolRecord>& records) {
  for (const SpoolRecord& record : records) {
    if (record.damaged) declare_damaged(record);
  }
  std::erase_if(records, [](const SpoolRecord& record) { return record.damaged; });
}

void SpoolFront::declare_damaged(const SpoolRecord& record) {
  auto gap = std::make_shared<wire::Gap>();
  gap->cause = wire::GapCause::kDamaged;
  gap->names.push_back(
      {{record.name.incarnation, {record.name.seq, record.name.seq}}, record.readings, true});
  gap->first_time = record.first_time;
  gap->last_time = record.last_time;
  if (is_fragment(record)) gap->fragments = 1;
  forget(record.name);
  lend_names(
      [spool = spool_, gap, name = record.name,
       stamp = clock_now(loop_, clock_)](std::uint64_t& next_seq) {
        return replace_by_gap(*spool, name, std::move(*gap), stamp, next_seq);
      },
      [this](Status status) {
        if (!status) log_.error("declaring a damaged record: {}", status.error().message);
        if (sink_ != nullptr) sink_->on_statement_outdated("a damaged record was declared");
      });
}

}  // namespace fieldpost::agent
