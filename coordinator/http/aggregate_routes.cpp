#include "coordinator/http/aggregate_routes.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <tuple>
#include <utility>

#include "coordinator/http/aggregate_answer.h"
#include "coordinator/http/answers.h"
#include "coordinator/http/readings_routes.h"
#include "proto/rt/config_value.h"

namespace fieldpost::coordinator {
namespace {

constexpr std::size_t kGroupLabelsMax = 8;
constexpr std::string_view kFillExpected = "expected none, null, previous, linear or a number";

SeriesChoice choice_of(Parameters& parameters) {
  SeriesChoice choice;
  choice.ids = parameters.series(kSeriesPerQuestionMax);
  choice.filter = filter_of(parameters);
  const SeriesFilter& filter = choice.filter;
  const bool filters = !filter.node.empty() || !filter.measurement.empty() ||
                       !filter.field.empty() || !filter.tags.empty();
  if (choice.ids.empty() && !filters) {
    parameters.complain("series",
                        "expected ids of series, or node, measurement, field or tag.* to choose "
                        "them by");
  }
  if (!choice.ids.empty() && filters) {
    parameters.complain("series", "expected either ids or a filter");
  }
  return choice;
}

std::optional<std::uint64_t> width_of(Parameters& parameters) {
  const std::string text = parameters.text("width");
  if (text.empty()) return std::nullopt;
  if (parameters.has("points")) parameters.complain("width", "expected either width or points");
  const auto width = rt::parse_duration(text);
  if (width && width->count() > 0) return static_cast<std::uint64_t>(width->count());
  parameters.complain("width", "expected a duration such as 10s, 5m, 1h or 1d");
  return std::nullopt;
}

Fill fill_of(Parameters& parameters) {
  const std::string text = parameters.text("fill");
  if (text.empty() || text == "none") return {};
  if (text == "null") return {Fill::With::kNull};
  if (text == "previous") return {Fill::With::kPrevious};
  if (text == "linear") return {Fill::With::kLinear};
  Fill fill{Fill::With::kValue};
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), fill.value);
  const bool is_number = failed == std::errc{} && end == text.data() + text.size();
  if (!is_number || !std::isfinite(fill.value)) parameters.complain("fill", kFillExpected);
  return fill;
}

bool is_label(std::string_view label) {
  return label == "node" || label == "measurement" || label == "field" ||
         (label.starts_with("tag.") && label.size() > 4);
}

std::vector<std::string> group_of(Parameters& parameters) {
  std::vector<std::string> labels;
  const std::string text = parameters.text("group_by");
  for (std::string_view left = text; !left.empty();) {
    labels.emplace_back(left.substr(0, left.find(',')));
    left.remove_prefix(std::min(left.size(), labels.back().size() + 1));
    if (!is_label(labels.back()) || labels.size() > kGroupLabelsMax) {
      parameters.complain("group_by",
                          "expected node, measurement, field or tag.KEY, separated by commas, at "
                          "most eight");
      return labels;
    }
  }
  return labels;
}

AggregateQuestion question_of(Parameters& parameters) {
  AggregateQuestion question;
  question.series = choice_of(parameters);
  std::tie(question.range.from, question.range.to) = parameters.range();
  question.points = parameters.count("points", kPointsDefault, kPointsMax);
  question.width = width_of(parameters);
  question.of = static_cast<Derived>(parameters.choice("of", {"value", "derivative", "rate"}));
  question.fill = fill_of(parameters);
  question.group_by = group_of(parameters);
  question.times = parameters.times();
  return question;
}

void aggregate_readings(Services& services, Call call) {
  Parameters parameters(call.request.target);
  const AggregateQuestion question = question_of(parameters);
  const CalibrationChoice calibration = calibration_choice(parameters);
  if (refuse_bad(parameters, *call.responder)) return;
  find_calibrating(
      services, calibration, call.responder,
      [&services, question, responder = call.responder](const Calibrating& by) {
        services.desk.ask<std::string>(
            [question, by](ReadingQuery& query) { return aggregate_json(query, question, by); },
            answer_json(responder));
      });
}

void last_readings(Services& services, Call call) {
  Parameters parameters(call.request.target);
  const SeriesChoice choice = choice_of(parameters);
  const TimeFormat times = parameters.times();
  const CalibrationChoice calibration = calibration_choice(parameters);
  if (refuse_bad(parameters, *call.responder)) return;
  find_calibrating(services, calibration, call.responder,
                   [&services, choice, times, responder = call.responder](const Calibrating& by) {
                     services.desk.ask<std::string>(
                         [choice, times, by](ReadingQuery& query) {
                           return last_json(query, choice, by, times);
                         },
                         answer_json(responder));
                   });
}

}  // namespace

void add_aggregate_routes(Router& router, Services& services) {
  router.add("GET", "/api/v1/readings/aggregate",
             [&services](Call call) { aggregate_readings(services, std::move(call)); });
  router.add("GET", "/api/v1/readings/last",
             [&services](Call call) { last_readings(services, std::move(call)); });
}

}  // namespace fieldpost::coordinator
