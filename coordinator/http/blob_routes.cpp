#include "coordinator/http/blob_routes.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "coordinator/http/answers.h"
#include "coordinator/http/blob_stream.h"
#include "coordinator/http/cursor.h"
#include "coordinator/http/parameters.h"
#include "proto/rt/http_text.h"

namespace fieldpost::coordinator {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kBlobCursor = 'b';

struct BlobsQuestion {
  SeriesId series = 0;
  TimeRange range;
  std::size_t limit = 0;
  TimeFormat times = TimeFormat::kRfc3339;
};

Json to_json(const BodyReading& reading, TimeFormat times) {
  const wire::BodyReference& body = reading.reference;
  return {{"time", Json::parse(time_json(reading.time, times))},
          {"sha256", body.hash.hex()},
          {"size", body.size},
          {"type", body.type},
          {"name", body.name.empty() ? Json(nullptr) : Json(body.name)},
          {"complete", reading.complete}};
}

rt::Result<std::string> blobs_json(ReadingQuery& query, const BlobsQuestion& question) {
  const auto page = query.body_readings(question.series, question.range, question.limit);
  if (!page) return page.error();
  std::string items;
  for (const BodyReading& each : page->readings) {
    items += (items.empty() ? "" : ",") + to_json(each, question.times).dump();
  }
  return list_json(items, page->next ? make_number_cursor(kBlobCursor, {*page->next}) : "");
}

SeriesId one_series(Parameters& parameters) {
  const auto series = parameters.series(1);
  if (!series.empty()) return series.front();
  parameters.complain("series", "expected the id of one series");
  return 0;
}

void list_blobs(Services& services, Call call) {
  Parameters parameters(call.request.target);
  BlobsQuestion question;
  question.series = one_series(parameters);
  std::tie(question.range.from, question.range.to) = parameters.range();
  question.limit = parameters.limit(kPageDefault, kPageMax);
  question.times = parameters.times();
  if (const std::string cursor = parameters.text("cursor"); !cursor.empty()) {
    const auto place = read_number_cursor(kBlobCursor, cursor, 1);
    if (place) question.range.from = place->front();
    if (!place) parameters.complain("cursor", "expected a next_cursor of /api/v1/blobs");
  }
  if (refuse_bad(parameters, *call.responder)) return;
  services.desk.ask<std::string>(
      [question](ReadingQuery& query) { return blobs_json(query, question); },
      answer_json(std::move(call.responder)));
}

/// Of a series the last body that is whole.
rt::Result<ServedBlob> last_blob(ReadingQuery& query, SeriesId series) {
  auto last = query.last_body(series);
  if (!last) return last.error();
  if (!*last) return rt::Error{rt::Errc::kNotFound, "no body of this series is complete yet"};
  BodyReading& found = **last;
  return ServedBlob{found.reference.hash, found.reference.size, found.reference.type,
                    found.reference.name, found.time};
}

rt::Result<ServedBlob> known_blob(ReadingQuery& query, const wire::Sha256Digest& hash) {
  const auto body = query.find_body(hash);
  if (!body) return body.error();
  if (!*body) return rt::Error{rt::Errc::kNotFound, "there is no body " + hash.hex()};
  if (!(*body)->complete) {
    return rt::Error{rt::Errc::kNotFound, "body " + hash.hex() + " is not complete yet"};
  }
  return ServedBlob{hash, (*body)->size, (*body)->type, "", std::nullopt};
}

void serve_last(Services& services, Call call) {
  Parameters parameters(call.request.target);
  const SeriesId series = one_series(parameters);
  if (refuse_bad(parameters, *call.responder)) return;
  serve_blob(services, std::move(call),
             [series](ReadingQuery& query) { return last_blob(query, series); });
}

void serve_known(Services& services, Call call) {
  const Parameters parameters(call.request.target);
  if (refuse_bad(parameters, *call.responder)) return;
  const auto hash = wire::Sha256Digest::from_hex(call.path.front());
  if (!hash) {
    return call.responder->respond(
        rt::problem_response(404, "a body is called by 64 lower-case hex digits"));
  }
  serve_blob(services, std::move(call),
             [hash = *hash](ReadingQuery& query) { return known_blob(query, hash); });
}

}  // namespace

void add_blob_routes(Router& router, Services& services) {
  router.add("GET", "/api/v1/blobs",
             [&services](Call call) { list_blobs(services, std::move(call)); });
  router.add("GET", "/api/v1/blobs/last",
             [&services](Call call) { serve_last(services, std::move(call)); });
  router.add("GET", "/api/v1/blobs/{sha256}",
             [&services](Call call) { serve_known(services, std::move(call)); });
}

}  // namespace fieldpost::coordinator
