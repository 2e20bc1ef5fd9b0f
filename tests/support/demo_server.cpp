// A coordinator that is not one, to look at the page and the command line by hand:
//   demo_server [ADDRESS:PORT]

#include <bit>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "tests/support/api_server.h"

using namespace fieldpost;               // NOLINT
using namespace fieldpost::coordinator;  // NOLINT

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kHistory = 3600;  // readings of each series at the start

struct Source {
  const char* node;
  const char* key;
  double base, swing, period;
  bool live;
};

constexpr Source kSources[] = {
    {"greenhouse-3", "air,pos=top temperature f °C", 21.4, 2.5, 60, true},
    {"greenhouse-3", "air,pos=top humidity f %", 63, 8, 90, true},
    {"greenhouse-3", "soil,bed=1 moisture f", 0.31, 0.02, 200, true},
    {"greenhouse-3", "soil,bed=2 moisture f", 0.28, 0.03, 220, true},
    {"greenhouse-3", "host uptime_s i", 1'284'551, 0, 1, true},
    {"greenhouse-3", "cpu,core=0 usage f %", 12, 10, 17, true},
    {"greenhouse-3", "memory available_bytes u B", 1.9e9, 4e7, 33, true},
    {"pump-house", "pump,unit=a pressure f bar", 4.21, 0.2, 25, true},
    {"pump-house", "pump,unit=a running b", 1, 0, 1, true},
    {"pump-house", "pump,unit=b pressure f bar", 3.98, 0.2, 31, true},
    {"weather-mast", "wind speed f m/s", 7.5, 4, 45, false},
};

std::uint64_t bits_of(const Source& source, wire::ValueType type, std::int64_t second) {
  const double t = static_cast<double>(second);
  const double value = source.base + source.swing * std::sin(t / source.period) +
                       source.swing * 0.2 * std::sin(t * 1.7);
  switch (type) {
    case wire::ValueType::kF64: return std::bit_cast<std::uint64_t>(std::round(value * 1e3) / 1e3);
    case wire::ValueType::kBool: return value > 0.5 ? 1 : 0;
    default: return static_cast<std::uint64_t>(value);
  }
}

struct Demo {
  explicit Demo(const std::string& listen) : server(listen) {}

  void add_series(std::int64_t now) {
    std::uint64_t seq = 0;
    for (const Source& source : kSources) {
      auto no =
          server.store.number("SELECT no FROM node WHERE id = '" + std::string(source.node) + "'");
      if (!no) no = server.store.add_node(source.node);
      const auto set = test::make_set({source.key});
      wire::Column column;
      const std::int64_t end = now - (source.live ? 0 : 2 * 86'400);
      for (std::int64_t second = end - kHistory; second < end; ++second) {
        column.times.push_back(second * kSecond);
        column.values.push_back(bits_of(source, set->types[0], second));
      }
      server.store.add(test::make_batch(*no, {1, ++seq}, set, {{std::move(column)}, {}, {}}));
      types.push_back(set->types[0]);
    }
  }

  void add_nodes(std::int64_t now) {
    NodeView green;
    green.id = "greenhouse-3";
    green.site = "lab";
    green.online = true;
    green.last_seen = now * kSecond;
    green.version = "0.1.0";
    green.labels = {"linux", "x86_64"};
    green.clock_synchronised = true;
    green.clock_offset_s = 0.2;
    green.accepted = green.delivered = 1'284'551;
    NodeView pump = green;
    pump.id = "pump-house";
    pump.clock_synchronised = false;
    pump.clock_offset_s = -86'400 * 19'000.0;
    pump.spool_records = 3'120;
    pump.spool_bytes = 48 << 20;
    pump.spool_oldest_age_s = 7'260;
    pump.spool_forecast_s = 11 * 86'400 + 4 * 3600;
    pump.spool_forecast_class = "camera";
    pump.accepted = 903'220;
    pump.delivered = 781'004;
    pump.held = 121'016;
    pump.gaps = 2;
    pump.readings_lost = 1'200;
    NodeView mast = green;
    mast.id = "weather-mast";
    mast.online = false;
    mast.last_seen = (now - 2 * 86'400) * kSecond;
    mast.clock_synchronised = std::nullopt;
    mast.alarms = {"two machines are one node: re-enrol or retire one of them"};
    mast.unexplained = 3;
    mast.unknown_from = (now - 2 * 86'400) * kSecond;
    server.view.nodes = {green, pump, mast};
  }

  void add_gaps(std::int64_t now) {
    GapView shed;
    shed.id = 1;
    shed.node = "pump-house";
    shed.series = std::vector<SeriesId>{8};
    shed.from = (now - 9'000) * kSecond;
    shed.to = (now - 7'800) * kSecond;
    shed.readings = 1'200;
    shed.cause = "shed";
    GapView unknown;
    unknown.id = 2;
    unknown.node = "pump-house";
    unknown.cause = "left_behind";
    unknown.state = GapState::kUnconfirmed;
    server.view.gaps = {shed, unknown};
  }

  void tick() {
    const std::int64_t now = server.clock.now().ns / kSecond;
    std::vector<LiveReading> readings;
    for (std::size_t i = 0; i < std::size(kSources); ++i) {
      if (!kSources[i].live) continue;
      readings.push_back({static_cast<SeriesId>(i + 1),
                          types[i],
                          now * kSecond,
                          bits_of(kSources[i], types[i], now),
                          {}});
    }
    NodeView& green = server.view.nodes.front();
    green.accepted += 7;
    green.delivered += 7;
    green.last_seen = now * kSecond;
    const auto subscriptions = server.view.subscriptions;
    for (const auto& [number, handlers] : subscriptions) {
      handlers.on_readings(readings);
      handlers.on_node(green);
    }
    server.loop.after(rt::Seconds{1}, [this] { tick(); });
  }

  test::ApiServer server;
  std::vector<wire::ValueType> types;
};

}  // namespace

int main(int argc, char** argv) {
  Demo demo(argc > 1 ? argv[1] : "127.0.0.1:0");
  const std::int64_t now = demo.server.clock.now().ns / kSecond;
  demo.add_series(now);
  demo.add_nodes(now);
  demo.add_gaps(now);
  demo.tick();
  std::printf("%s\n", demo.server.url().c_str());
  std::fflush(stdout);
  demo.server.loop.run();
  return 0;
}
