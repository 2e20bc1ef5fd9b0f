#include "coordinator/http/deletion_routes.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "coordinator/http/answers.h"
#include "proto/rt/http_text.h"

namespace fieldpost::coordinator {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kReasonBytesMax = 200;
constexpr std::size_t kSeriesAtOnce = 256;

/// What would go, counted a page of series at a time: between the pages others are answered.
struct Count {
  SeriesFilter filter;
  TimeRange range;
  SeriesId after = 0;
  Extent total;
  std::shared_ptr<rt::HttpResponder> responder;
};

struct CountedPage {
  Extent extent;
  SeriesId last = 0;  ///< 0: there are no more
};

rt::Result<CountedPage> count_page(ReadingQuery& query, const SeriesFilter& filter, SeriesId after,
                                   TimeRange range) {
  const auto page = query.series(filter, after, kSeriesAtOnce);
  if (!page) return page.error();
  std::vector<SeriesId> ids;
  for (const SeriesInfo& series : *page) ids.push_back(series.id);
  const auto extent = query.extent(ids, range);
  if (!extent) return extent.error();
  return CountedPage{*extent, ids.size() < kSeriesAtOnce ? 0 : ids.back()};
}

void respond_with(const Count& count) {
  const Json answer = {{"dry", true},
                       {"series", count.total.series},
                       {"readings", count.total.readings},
                       {"bytes", count.total.bytes}};
  count.responder->respond(json_response(answer.dump()));
}

void go_on(QueryDesk& desk, std::shared_ptr<Count> count) {
  desk.ask<CountedPage>(
      [filter = count->filter, after = count->after, range = count->range](ReadingQuery& query) {
        return count_page(query, filter, after, range);
      },
      [&desk, count](rt::Result<CountedPage> page) {
        if (!page) return count->responder->respond(error_response(page.error()));
        count->total.series += page->extent.series;
        count->total.readings += page->extent.readings;
        count->total.bytes += page->extent.bytes;
        count->after = page->last;
        if (page->last == 0) return respond_with(*count);
        go_on(desk, count);
      });
}

void show_total(Services& services, const DeletionRequest& request, TimeRange range,
                std::shared_ptr<rt::HttpResponder> responder) {
  auto count = std::make_shared<Count>();
  count->filter.node = request.node;
  count->filter.measurement = request.measurement;
  count->range = range;
  count->responder = std::move(responder);
  go_on(services.desk, std::move(count));
}

/// What is full here stays so: the bound on deletions, or the disk.
rt::HttpResponse refusal(const rt::Error& error) {
  if (error.code != rt::Errc::kFull) return error_response(error);
  return rt::problem_response(507, error.message);
}

void delete_them(Services& services, DeletionRequest request,
                 std::shared_ptr<rt::HttpResponder> responder) {
  services.view.delete_readings(
      std::move(request),
      [responder = std::move(responder)](rt::Result<std::vector<Deletion>> deletions) {
        if (!deletions) return responder->respond(refusal(deletions.error()));
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
  if (range.from == range.to) parameters.complain("to", "expected a time after \"from\"");
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
