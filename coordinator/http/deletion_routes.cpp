#include "coordinator/http/deletion_routes.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "coordinator/http/answers.h"

namespace fieldpost::coordinator {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kReasonBytesMax = 200;
constexpr std::size_t kSeriesAtOnce = 1000;

struct Total {
  std::uint64_t series = 0, readings = 0, bytes = 0;
};

/// What would go. One snapshot a series.
rt::Result<Total> measure(ReadingQuery& query, const SeriesFilter& filter, TimeRange range) {
  Total total;
  for (SeriesId after = 0;;) {
    const auto page = query.series(filter, after, kSeriesAtOnce);
    if (!page) return page.error();
    for (const SeriesInfo& series : *page) {
      const auto extent = query.extent(series.id, range);
      if (!extent) return extent.error();
      if (extent->readings > 0) total.series += 1;
      total.readings += extent->readings;
      total.bytes += extent->bytes;
      after = series.id;
    }
    if (page->size() < kSeriesAtOnce) return total;
  }
}

/// "127.0.0.1" of "127.0.0.1:43211".
std::string_view host_of(std::string_view peer) {
  return peer.substr(0, peer.rfind(':'));
}

void show_total(Services& services, const DeletionRequest& request, TimeRange range,
                std::shared_ptr<rt::HttpResponder> responder) {
  SeriesFilter filter;
  filter.node = request.node;
  filter.measurement = request.measurement;
  services.desk.ask<Total>(
      [filter, range](ReadingQuery& query) { return measure(query, filter, range); },
      [responder = std::move(responder)](rt::Result<Total> total) {
        if (!total) return responder->respond(error_response(total.error()));
        const Json answer = {{"dry", true},
                             {"series", total->series},
                             {"readings", total->readings},
                             {"bytes", total->bytes}};
        responder->respond(json_response(answer.dump()));
      });
}

void delete_them(Services& services, DeletionRequest request,
                 std::shared_ptr<rt::HttpResponder> responder) {
  services.view.delete_readings(
      std::move(request),
      [responder = std::move(responder)](rt::Result<std::vector<Deletion>> deletions) {
        if (!deletions) return responder->respond(error_response(deletions.error()));
        Json items = Json::array();
        for (const Deletion& deletion : *deletions) {
          items.push_back({{"node", deletion.node}, {"gap", deletion.gap}});
        }
        const Json answer = {{"dry", false}, {"deletions", std::move(items)}};
        responder->respond(json_response(answer.dump(), 202));
      });
}

/// What a script leaves empty must not widen what goes.
void refuse_empty(const rt::HttpTarget& target, Parameters& parameters) {
  for (const auto& [name, value] : target.query) {
    if (value.empty()) parameters.complain(name, "expected a value; leave it out to mean any");
  }
}

void delete_readings(Services& services, Call call) {
  Parameters parameters(call.request.target);
  DeletionRequest request;
  request.node = parameters.text("node");
  request.measurement = parameters.text("measurement");
  TimeRange range;
  std::tie(range.from, range.to) = parameters.range();
  request.first_time = range.from;
  request.last_time = range.to == INT64_MAX ? INT64_MAX : range.to - 1;
  const bool dry = parameters.choice("dry", {"true", "false"}) == 0;
  const std::string reason = parameters.text("reason");
  if (reason.size() > kReasonBytesMax) {
    parameters.complain("reason", fmt::format("expected at most {} bytes", kReasonBytesMax));
  }
  if (request.node.empty() && request.measurement.empty()) {
    parameters.complain("node", "expected a node, a measurement, or both");
  }
  refuse_empty(call.request.target, parameters);
  if (refuse_bad(parameters, *call.responder)) return;
  if (dry) return show_total(services, request, range, std::move(call.responder));
  request.reason = fmt::format("deleted by {}{}{}", host_of(call.request.peer),
                               reason.empty() ? "" : ": ", reason);
  delete_them(services, std::move(request), std::move(call.responder));
}

}  // namespace

void add_deletion_routes(Router& router, Services& services) {
  router.add("DELETE", "/api/v1/readings",
             [&services](Call call) { delete_readings(services, std::move(call)); });
}

}  // namespace fieldpost::coordinator
