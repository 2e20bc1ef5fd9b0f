#include <algorithm>
#include <utility>

#include "coordinator/store/store_file.h"
#include "tools/bench/scenarios.h"
#include "tools/bench/shapes.h"

namespace fieldpost::bench {
namespace {

constexpr std::size_t kLinesEach = 5000;
constexpr double kCompactionS = 5;  ///< a batch is taken at the age of one second

double bytes_used(const std::string& path) {
  auto db = coordinator::open_store_file(path, "");
  if (!db) give_up(db.error().message);
  const auto bytes = db->bytes_used();
  if (!bytes) give_up(bytes.error().message);
  return static_cast<double>(*bytes);
}

/// Of a store that knows the node and nothing else.
double empty_bytes(const Plan& plan) {
  Lab lab(plan.lab);
  lab.start_all();
  lab.stop(Role::kAgent);
  lab.stop(Role::kCoordinator);
  return bytes_used(lab.store_path());
}

void report_sizes(Lab& lab, const std::string& name, double empty, const std::string& aim,
                  Report& report) {
  lab.stop(Role::kAgent);
  const auto readings = static_cast<double>(lab.delivered());
  report.add("bytes a reading", name + ": on the wire, all of the envelopes",
             lab.metric("fieldpost_envelope_bytes_total") / readings, "bytes");
  sleep_s(kCompactionS);
  lab.stop(Role::kCoordinator);
  report.add("bytes a reading", name + ": in the store, merged",
             (bytes_used(lab.store_path()) - empty) / readings, "bytes", aim);
}

void measure_lines(const Plan& plan, const std::string& name, const std::string& lines,
                   std::size_t fields, double empty, Report& report) {
  const auto readings =
      static_cast<std::uint64_t>(std::count(lines.begin(), lines.end(), '\n')) * fields;
  Lab lab(plan.lab);
  lab.start_all();
  LineProducer producer(lab.socket_path());
  for (const std::string& batch : batches_of(lines, kLinesEach)) producer.send(batch, 1);
  producer.wait_for_all();
  lab.wait_delivered(readings);
  report_sizes(lab, name, empty, "", report);
}

}  // namespace

std::vector<std::string> batches_of(const std::string& lines, std::size_t lines_each) {
  std::vector<std::string> batches;
  std::size_t begin = 0;
  std::size_t seen = 0;
  for (std::size_t at = lines.find('\n'); at != std::string::npos; at = lines.find('\n', at + 1)) {
    if (++seen % lines_each != 0 && at + 1 != lines.size()) continue;
    batches.push_back(lines.substr(begin, at + 1 - begin));
    begin = at + 1;
  }
  return batches;
}

void measure_sizes(const Plan& plan, Report& report) {
  Plan own = plan;
  own.lab.compact_soon = true;
  const double empty = empty_bytes(own);
  std::string recorded;
  for (const Shape& shape : recorded_shapes(plan.data)) {
    std::string lines = shape.lines;
    for (std::size_t at = 0; (at = lines.find("nab value", at)) != std::string::npos; ++at) {
      lines.replace(at, 3, "nab,series=" + shape.name);
    }
    recorded += lines;
  }
  measure_lines(own, "recorded series (NAB)", recorded, 1, empty, report);
  measure_lines(own, "walk, 1000 series x 1000", walk_shape("", 200, 1000, 1).lines, kWalkFields,
                empty, report);
  own.lab.host_metrics = true;
  own.lab.metrics_every = "100ms";
  Lab lab(own.lab);
  lab.start_all();
  sleep_s(plan.watch_s);
  report_sizes(lab, "host_metrics at 10 Hz", empty, "2", report);
}

}  // namespace fieldpost::bench
