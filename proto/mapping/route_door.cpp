#include "proto/mapping/route_door.h"

#include <fmt/format.h>

#include <cstdlib>
#include <optional>
#include <utility>

#include "proto/rt/http_text.h"
#include "proto/wire/influx_http.h"
#include "proto/wire/topics.h"

namespace fieldpost::mapping {
namespace {

using rt::Errc;
using rt::Error;
using rt::HttpRequest;
using rt::HttpResponder;
using rt::Result;

constexpr std::string_view kNodeOfHttp = "http";
constexpr std::size_t kNodesToldMax = 4096;

Error too_many() {
  return {Errc::kBusy, "too many requests are under way; try again later"};
}

}  // namespace

/// One request on its way; the worker's while it is mapped.
struct RouteDoor::Work {
  std::string node;
  std::string idempotency_key;
  bool gzip = false;
  std::shared_ptr<HttpResponder> responder;
  Result<RouteMapper::Mapped> mapped = RouteMapper::Mapped{};
};

RouteDoor::RouteDoor(Ports ports, HttpRoute route, RouteMapper mapper)
    : ports_(std::move(ports)),
      route_(std::move(route)),
      mapper_(std::make_shared<RouteMapper>(std::move(mapper))) {}

Result<std::unique_ptr<RouteDoor>> RouteDoor::make(Ports ports, HttpRoute route) {
  auto mapper = RouteMapper::make(route);
  if (!mapper) return mapper.error();
  return std::unique_ptr<RouteDoor>(
      new RouteDoor(std::move(ports), std::move(route), *std::move(mapper)));
}

void RouteDoor::take(HttpRequest request, std::shared_ptr<HttpResponder> responder) {
  const auto work = std::make_shared<Work>();
  work->responder = std::move(responder);
  work->node = route_.node.empty() ? request.query("node").value_or(kNodeOfHttp) : route_.node;
  work->idempotency_key = request.headers.get("Idempotency-Key");
  const std::string_view coding = request.headers.get("Content-Encoding");
  work->gzip = rt::same_http_name(coding, "gzip");
  const auto refuse_with = [&](int status, const std::string& why) {
    refuse(*work->responder, rt::problem_response(status, why), why);
  };
  if (!work->gzip && !coding.empty() && !rt::same_http_name(coding, "identity")) {
    return refuse_with(415, "Content-Encoding has to be gzip or identity");
  }
  if (work->idempotency_key.size() > wire::kIdempotencyKeyBytesMax) {
    return refuse_with(
        400, fmt::format("Idempotency-Key is longer than {} bytes", wire::kIdempotencyKeyBytesMax));
  }
  if (!wire::is_valid_id(work->node)) {
    return refuse_with(400,
                       "parameter node: expected 1 to 63 of a-z, 0-9, _ and -, not beginning with "
                       "_ or -");
  }
  if (request.body.size() > kRawTextBytesMax) {
    return refuse_with(413, request_too_large().message);
  }
  if (ports_.load->under_way >= RouteLoad::kRequestsMax) {
    return refuse(*work->responder, refuse_route(too_many()), too_many().message);
  }
  run(work, std::move(request));
}

void RouteDoor::run(const WorkPtr& work, HttpRequest request) {
  ports_.load->under_way += 1;
  auto given = std::make_shared<RouteMapper::Request>(
      RouteMapper::Request{std::move(request.target), std::move(request.body), work->gzip});
  ports_.worker.run(
      [work, given, mapper = mapper_, now = ports_.clock.now(), tells = tells_rules(*work)] {
        work->mapped = mapper->map(std::move(*given), now, tells);
      },
      [this, work, load = ports_.load, alive = std::weak_ptr(alive_)] {
        if (alive.expired()) {
          load->under_way -= 1;
        } else {
          on_mapped(work);
        }
      });
}

void RouteDoor::on_mapped(const WorkPtr& work) {
  if (!work->mapped) {
    ports_.load->under_way -= 1;
    const Error& error = work->mapped.error();
    // Of the spool or store nobody has been asked yet: what is full is the bound of a request.
    return refuse(
        *work->responder,
        error.code == Errc::kFull ? rt::problem_response(413, error.message) : refuse_route(error),
        error.message);
  }
  wire::ParsedLines lines = std::move(work->mapped->lines);
  if (lines.readings == 0) return on_stored(*work, lines.lines_stored);
  ports_.store(work->node, std::move(lines), work->idempotency_key,
               [this, work, load = ports_.load,
                alive = std::weak_ptr(alive_)](const Result<std::size_t>& stored) {
                 if (alive.expired()) {
                   load->under_way -= 1;
                 } else {
                   on_stored(*work, stored);
                 }
               });
}

void RouteDoor::on_stored(Work& work, const Result<std::size_t>& lines) {
  ports_.load->under_way -= 1;
  if (!lines) {
    return refuse(*work.responder, refuse_route(lines.error()), lines.error().message);
  }
  const RouteMapper::Mapped& mapped = *work.mapped;
  if (mapped.tells_rules) note_told(work);
  if (*lines > 0) {
    counts_.readings += mapped.readings;
    return work.responder->respond(answer_route(route_));
  }
  counts_.kept += 1;
  // A key that is known speaks of the request that came first.
  counts_.last_error = mapped.fits
                           ? "a request with the same Idempotency-Key did not fit when it came"
                           : mapped.fits.error().message;
  work.responder->respond(answer_kept(route_, work.node, counts_.last_error, mapped.arrived));
}

void RouteDoor::refuse(HttpResponder& responder, rt::HttpResponse response,
                       const std::string& why) {
  counts_.refused += 1;
  counts_.last_error = why;
  responder.respond(std::move(response));
}

bool RouteDoor::tells_rules(const Work& work) const {
  const auto told = told_.find(work.node);
  return told == told_.end() || std::abs(ports_.clock.now().ns - told->second.ns) >= kRulesEveryNs;
}

/// A write with a key may have been stored before: whether the rules were told is not known then.
void RouteDoor::note_told(const Work& work) {
  if (!work.idempotency_key.empty()) return;
  if (told_.size() >= kNodesToldMax) told_.clear();
  told_[work.node] = work.mapped->arrived;
}

}  // namespace fieldpost::mapping
