#include "tools/bench/field_site.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <deque>
#include <memory>
#include <vector>

#include "agent/agent.h"
#include "agent/config.h"
#include "agent/spool/open_spool.h"
#include "proto/rt/paho_mqtt.h"
#include "proto/rt/real_loop.h"
#include "proto/rt/stderr_log.h"
#include "proto/rt/system_clock.h"
#include "proto/rt/system_files.h"
#include "proto/rt/system_random.h"
#include "proto/rt/thread_worker.h"
#include "tools/bench/daemon.h"

namespace fieldpost::bench {
namespace {

constexpr rt::Seconds kEvery{1};
constexpr std::uint64_t kFilesPerNode = 8;  ///< its connection, and a spool with log and index

agent::AgentConfig config_of(const FieldSiteOptions& options, std::size_t node) {
  const std::string text = fmt::format(
      "[node]\nid = \"node-{}\"\nsite = \"lab\"\n[mqtt]\nurl = \"mqtt://127.0.0.1:{}\"\n", node,
      options.broker_port);
  const auto config =
      rt::load_config(agent::agent_schema(), {.file_name = "bench", .file_text = text});
  if (!config) give_up(config.error().message);
  auto read = agent::read_agent_config(*config);
  if (!read) give_up(read.error().message);
  read->spool.path = fmt::format("{}/node-{}.db", options.directory, node);
  return std::move(*read);
}

}  // namespace

/// Everything below lives on the site's own thread.
class FieldSite::Nodes {
 public:
  explicit Nodes(FieldSite& site)
      : site_(site), log_({rt::LogLevel::kError, false}), store_(loop_), encoder_(loop_) {
    for (std::size_t i = 0; i < site.options_.nodes; ++i) add(i);
    keys_.reserve(site.options_.series);
    for (std::size_t i = 0; i < site.options_.series; ++i) {
      keys_.push_back(fmt::format("room,sensor=s{} value f", i));
    }
    stagger();
  }
  ~Nodes() {
    for (auto& each : agents_) each->stop();
  }

  void run() {
    while (!site_.stopping_) loop_.run_until([] { return false; }, rt::Millis(100));
  }

 private:
  void add(std::size_t number) {
    const agent::AgentConfig config = config_of(site_.options_, number);
    auto spool = agent::open_spool(config.spool.path, "", files_, random_, log_);
    if (!spool) give_up(spool.error().message);
    links_.emplace_back(loop_);
    agents_.push_back(std::make_unique<agent::Agent>(
        agent::AgentPorts{loop_, clock_, random_, links_.back(), store_, encoder_, files_, log_},
        config.spool, config.uplink, std::move(*spool)));
    agents_.back()->start();
  }

  /// Nodes do not tick together: each has its own moment within the second.
  void stagger() {
    const auto count = static_cast<std::int64_t>(agents_.size());
    for (std::int64_t i = 0; i < count; ++i) {
      loop_.after(rt::Nanos(kEvery) * i / count,
                  [this, i] { sample(static_cast<std::size_t>(i)); });
    }
  }

  void sample(std::size_t node) {
    loop_.after(kEvery, [this, node] { sample(node); });
    if (!site_.sampling_) return;
    wire::ParsedLines lines;
    lines.keys = keys_;
    lines.types.assign(keys_.size(), wire::ValueType::kF64);
    lines.columns.resize(keys_.size());
    const std::int64_t now = clock_.now().ns;
    for (wire::Column& column : lines.columns) {
      column.times = {now};
      column.values = {
          std::bit_cast<std::uint64_t>(static_cast<double>(random_.next_id() % 10'000) / 100)};
    }
    lines.lines_stored = 1;
    lines.readings = keys_.size();
    agents_[node]->front().accept_sampled(std::move(lines));
    site_.sampled_ += keys_.size();
  }

  FieldSite& site_;
  rt::RealLoop loop_;
  rt::SystemClock clock_;
  rt::SystemRandom random_;
  rt::SystemFiles files_;
  rt::StderrLog log_;
  rt::ThreadWorker store_, encoder_;
  std::deque<rt::PahoMqtt> links_;
  std::vector<std::unique_ptr<agent::Agent>> agents_;
  std::vector<std::string> keys_;
};

FieldSite::FieldSite(FieldSiteOptions options)
    : options_(std::move(options)), thread_([this] { run(); }) {}

FieldSite::~FieldSite() {
  stopping_ = true;
  thread_.join();
}

void FieldSite::run() {
  allow_files(options_.nodes * kFilesPerNode + 256);
  Nodes(*this).run();
}

}  // namespace fieldpost::bench
