#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "tools/bench/codec.h"
#include "tools/bench/scenarios.h"

namespace fieldpost::bench {
namespace {

constexpr std::size_t kUnderWay = 4;  ///< batches not answered yet
constexpr std::size_t kBatchReadings = kBatchLines * kWalkFields;

using Feed = std::function<void(Lab&, const std::vector<std::string>&)>;

void feed_socket(Lab& lab, const std::vector<std::string>& batches) {
  LineProducer producer(lab.socket_path());
  for (const std::string& batch : batches) producer.send(batch, kUnderWay);
  producer.wait_for_all();
}

void feed_http(Lab& lab, const std::vector<std::string>& batches) {
  HttpClient client(lab.agent_port());
  for (const std::string& batch : batches) client.post("/write", batch);
}

void measure_way(const Plan& plan, const std::string& name, const Feed& feed, Report& report) {
  const auto batches = walk_batches(plan.batches);
  const auto readings = static_cast<double>(batches.size() * kBatchReadings);
  std::vector<double> accepted;
  std::vector<double> stored;
  std::map<Role, std::vector<double>> cpu;
  for (std::size_t round = 0; round < plan.rounds; ++round) {
    Lab lab(plan.lab);
    lab.start_all();
    const auto before = lab.usage();
    const double began = now_s();
    feed(lab, batches);
    accepted.push_back(readings / (now_s() - began));
    lab.wait_delivered(batches.size() * kBatchReadings);
    stored.push_back(readings / (now_s() - began));
    for (const auto& [role, usage] : lab.usage()) {
      cpu[role].push_back((usage.cpu_s - before.at(role).cpu_s) / readings * 1e6);
    }
  }
  report.add(name, "accepted, on the agent's disk", quantile(accepted, 0.5), "readings/s");
  report.add(name, "stored by the coordinator", quantile(stored, 0.5), "readings/s", "1,000,000");
  double sum = 0;
  for (const auto& [role, seconds] : cpu) {
    sum += quantile(seconds, 0.5);
    report.add(name, "CPU of the " + to_string(role), quantile(seconds, 0.5), "s/M readings");
  }
  report.add(name, "CPU of all three", sum, "s/M readings");
}

}  // namespace

void measure_end_to_end(const Plan& plan, Report& report) {
  measure_way(plan, "socket to store", feed_socket, report);
  measure_way(plan, "HTTP to store", feed_http, report);
}

void measure_codec_alone(const Plan& plan, Report& report) {
  for (const Shape& shape : {walk_shape("walk, 1000 series", 200, 600, 65),
                             host_shape("host, 60 series x 1000", 1000, 1000)}) {
    const CodecMeasured measured = measure_codec(shape, plan.codec_s, 3);
    report.add("codec, one core", shape.name + ": lines parsed", measured.parse_per_s,
               "readings/s");
    report.add("codec, one core", shape.name + ": encoded", measured.encode_per_s, "readings/s",
               "20,000,000");
    report.add("codec, one core", shape.name + ": decoded", measured.decode_per_s, "readings/s",
               "20,000,000");
  }
}

}  // namespace fieldpost::bench
