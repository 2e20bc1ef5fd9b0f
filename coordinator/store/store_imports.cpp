// The store's side of imports.
#include <fmt/format.h>

#include <algorithm>

#include "coordinator/store/store.h"

namespace fieldpost::coordinator {

using rt::ok;
using rt::Result;
using rt::Status;

namespace {

constexpr NodeNo kNoNode = 0;

/// What there is no node for.
void leave_out(const ImportedReadings& readings, ImportRow& row) {
  row.rows_bad += readings.encoded.record.readings;
  const std::string problem = fmt::format(
      "there are more than {} new nodes, and rows of others are left out: is it the right tag or "
      "column that names the node? If it is, import the file once more (--again)",
      kImportNodesMax);
  if (std::ranges::find(row.problems, problem) != row.problems.end()) return;
  // Before what is wrong with single rows, which may be many.
  row.problems.insert(row.problems.begin(), problem);
  if (row.problems.size() > kImportProblemsMax) row.problems.pop_back();
}

}  // namespace

Result<ImportRow> Store::add_import(ImportRow row, rt::UnixTime now) {
  rt::Transaction transaction(db_);
  if (auto done = transaction.begin(); !done) return done.error();
  ImportTable imports(db_);
  auto found = imports.find(row.id);
  if (found || found.error().code != rt::Errc::kNotFound) return found;
  const auto ordinal = ledger_.draw_http_ordinal(now);
  if (!ordinal) return ordinal.error();
  row.ordinal = *ordinal;
  // What is written over HTTP from now on goes before it.
  const auto next = ledger_.draw_http_ordinal(now);
  if (!next) return next.error();
  auto added = imports.add(std::move(row));
  if (!added) return added;
  if (auto done = transaction.commit(); !done) return done.error();
  http_ordinal_ = *next;
  http_seq_ = 0;
  return added;
}

Result<ImportRow> Store::store_import(const std::string& id, const ImportStep& step,
                                      const AlsoImported& also, rt::UnixTime now) {
  rt::Transaction transaction(db_);
  if (auto done = transaction.begin(); !done) return done.error();
  auto row = import_inside(id, step, also, now);
  Status done = row ? transaction.commit() : Status(row.error());
  if (done) return row;
  db_.rollback();
  ledger_.forget_uncommitted();
  readings_.forget_uncommitted();
  return done.error();
}

Result<NodeNo> Store::node_of(const std::string& id, std::uint64_t nodes_left, ImportRow& row,
                              rt::UnixTime now) {
  const auto known = ledger_.find_node(id);
  if (!known) return known.error();
  if (*known) return **known;
  if (row.nodes_made >= nodes_left) return kNoNode;
  row.nodes_made += 1;
  return ledger_.node_no(id, now);
}

Result<ImportRow> Store::import_inside(const std::string& id, const ImportStep& step,
                                       const AlsoImported& also, rt::UnixTime now) {
  ImportTable imports(db_);
  auto row = imports.find(id);
  if (!row) return row;
  for (const ImportedReadings& each : step.readings) {
    const auto node = node_of(each.node, step.nodes_left, *row, now);
    if (!node) return node.error();
    if (*node == kNoNode) {
      leave_out(each, *row);
      continue;
    }
    const wire::Rank name{row->ordinal, ++row->batches};
    const wire::Record& record = each.encoded.record;
    auto batch = make_batch(*each.encoded.set, {record.payload, record.codec, record.raw_size});
    if (!batch) return batch.error();
    batch->node = *node;
    batch->rank = name;
    if (auto done = readings_.add_batch(*batch, now); !done) return done.error();
    rt::Statement& count = db_.prepare(
        "UPDATE node SET delivered = delivered + ?2, accepted_http = accepted_http + ?2"
        " WHERE no = ?1");
    count.bind(1, *node).bind(2, std::uint64_t{record.readings});
    if (auto done = count.run(); !done) return done.error();
    row->readings += record.readings;
  }
  row->place = step.place;
  row->rows_bad += step.rows_bad;
  for (const std::string& problem : step.problems) {
    if (row->problems.size() < kImportProblemsMax) row->problems.push_back(problem);
  }
  if (also) {
    if (auto done = also(*this, *row); !done) return done.error();
  }
  if (auto done = imports.update(*row); !done) return done.error();
  return row;
}

}  // namespace fieldpost::coordinator
