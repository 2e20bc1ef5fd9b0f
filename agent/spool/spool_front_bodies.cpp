// Bodies on their way into the spool: their fragments, and where one stands that goes by windows.
#include <algorithm>
#include <utility>

#include "agent/spool/body_place.h"
#include "agent/spool/spool_front.h"

namespace fieldpost::agent {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Status;

namespace {

constexpr std::string_view kPlaceFact = "body_place";

}  // namespace

void SpoolFront::accept_fragments(std::vector<wire::Record> fragments,
                                  std::function<void(Status)> done) {
  add_fragments(std::move(fragments), nullptr, std::move(done));
}

void SpoolFront::accept_window(std::vector<wire::Record> fragments, std::optional<BodyPlace> place,
                               std::function<void(Status)> done) {
  SpoolWork also = [place](Spool& spool) {
    return place ? spool.set_fact(kPlaceFact, encode(*place)) : spool.remove_fact(kPlaceFact);
  };
  add_fragments(std::move(fragments), std::move(also), std::move(done));
}

void SpoolFront::add_fragments(std::vector<wire::Record> fragments, SpoolWork also,
                               std::function<void(Status)> done) {
  if (needs_salvage_) {
    done(Error{Errc::kBusy, "the spool is damaged and is about to be salvaged"});
    return;
  }
  Encoded encoded;
  for (const wire::Record& each : fragments) {
    encoded.records.push_back(make_spool_record(each, RecordClass::kBody));
  }
  encoded.durable = true;
  encoded.done = std::move(done);
  encoded.also = std::move(also);
  on_encoded(std::move(encoded));
}

void SpoolFront::load_body_place(std::function<void(rt::Result<std::optional<BodyPlace>>)> done) {
  auto place = std::make_shared<std::optional<BodyPlace>>();
  with_spool(
      [place](Spool& spool) -> Status {
        const auto text = spool.fact(kPlaceFact);
        if (!text) return text.error();
        *place = decode_body_place(*text);
        return ok();
      },
      [place, done = std::move(done)](const Status& status) {
        if (!status) return done(status.error());
        done(*place);
      });
}

void SpoolFront::forget_body_place(std::function<void(Status)> done) {
  with_spool([](Spool& spool) { return spool.remove_fact(kPlaceFact); }, std::move(done));
}

BodyRoom SpoolFront::body_room() const {
  const std::uint64_t bound = options_.shed.bytes_max;
  const auto left = [](std::uint64_t most, std::uint64_t taken) {
    return most - std::min(most, taken);
  };
  return {
      std::min(left(bound / kBodiesShare, bodies_bytes(totals_)), left(bound, held_bytes(totals_))),
      bound / kBodiesShare};
}

}  // namespace fieldpost::agent
