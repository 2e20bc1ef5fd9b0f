// What is written for the HTTP side: readings, deletions, replacements, studies.
#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/coordinator.h"
#include "proto/wire/rfc3339.h"

namespace fieldpost::coordinator {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Status;

namespace {

constexpr std::size_t kHttpReadingsMax = 2'000'000;  ///< waiting for a commit

}  // namespace

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

}  // namespace fieldpost::coordinator
