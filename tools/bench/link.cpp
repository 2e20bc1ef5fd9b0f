// A link of 1 Mbit/s: a pair of veth between two network namespaces that only our processes hold,
// so that the kernel removes all of it when they end, however they end.
#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "tools/bench/probe.h"
#include "tools/bench/scenarios.h"

namespace fieldpost::bench {
namespace {

constexpr const char* kSiteDevice = "fpsite";
constexpr const char* kNodeDevice = "fpnode";
constexpr const char* kSiteAddress = "10.211.0.1";
constexpr const char* kNodeAddress = "10.211.0.2";
constexpr double kBytesPerSecond = 125'000;
constexpr std::size_t kReadingsMax = 4'000'000;  ///< half a minute of the link
constexpr const char* kShape = "root tbf rate 1mbit burst 4kb latency 200ms";

bool run(const std::string& command) {
  return WEXITSTATUS(std::system((command + " 2>/dev/null").c_str())) == 0;
}

/// While it lives this thread, and what it starts, is in a namespace of its own (the site's), and
/// there is another one (the node's) at the far end of the link.
class ShapedLink {
 public:
  ShapedLink() : home_(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {
    is_away_ = home_ >= 0 && ::unshare(CLONE_NEWNET) == 0;
    if (!is_away_) {
      why_ = "it needs to be root, to make network namespaces";
      return;
    }
    keeper_ = Daemon({"unshare", "--net", "sleep", "infinity"}, "/dev/null");
    const std::string in_node = fmt::format("nsenter --net=/proc/{}/ns/net ", keeper_.pid());
    // The keeper's namespace is another than ours once `unshare` has run.
    for (int i = 0; i < 100 && !is_apart(); ++i) sleep_s(0.01);
    const bool made =
        run(fmt::format("ip link add {} type veth peer name {}", kSiteDevice, kNodeDevice)) &&
        run(fmt::format("ip link set {} netns {}", kNodeDevice, keeper_.pid())) &&
        bring_up("", kSiteDevice, kSiteAddress) && bring_up(in_node, kNodeDevice, kNodeAddress);
    if (!made) why_ = "`ip` (iproute2) cannot make a pair of veth here";
    const bool shaped = made && run(fmt::format("tc qdisc add dev {} {}", kSiteDevice, kShape)) &&
                        run(fmt::format("{}tc qdisc add dev {} {}", in_node, kNodeDevice, kShape));
    if (made && !shaped) why_ = "this kernel has no tbf";
  }
  ~ShapedLink() {
    keeper_.stop();
    if (is_away_ && ::setns(home_, CLONE_NEWNET) != 0) give_up("no way back to the network");
    ::close(home_);
  }
  ShapedLink(const ShapedLink&) = delete;
  ShapedLink& operator=(const ShapedLink&) = delete;

  [[nodiscard]] const std::string& why_not() const { return why_; }  ///< empty: there is a link
  [[nodiscard]] std::vector<std::string> node_prefix() const {
    return {"nsenter", fmt::format("--net=/proc/{}/ns/net", keeper_.pid())};
  }
  /// What has come from the node, with all headers.
  [[nodiscard]] static double bytes_from_node() {
    std::ifstream file("/proc/thread-self/net/dev");
    for (std::string line; std::getline(file, line);) {
      const std::size_t at = line.find(std::string(kSiteDevice) + ":");
      if (at == std::string::npos) continue;
      return std::strtod(line.c_str() + line.find(':') + 1, nullptr);
    }
    return 0;
  }

 private:
  static bool bring_up(const std::string& prefix, const char* device, const char* address) {
    return run(fmt::format("{}ip addr add {}/24 dev {}", prefix, address, device)) &&
           run(fmt::format("{}ip link set {} up", prefix, device)) &&
           run(fmt::format("{}ip link set lo up", prefix));
  }
  [[nodiscard]] bool is_apart() const {
    char ours[64] = {}, theirs[64] = {};
    const auto other = fmt::format("/proc/{}/ns/net", keeper_.pid());
    return ::readlink("/proc/thread-self/ns/net", ours, sizeof(ours) - 1) > 0 &&
           ::readlink(other.c_str(), theirs, sizeof(theirs) - 1) > 0 &&
           std::string_view(ours) != theirs;
  }
  int home_;
  bool is_away_ = false;
  Daemon keeper_;
  std::string why_;
};

}  // namespace

void measure_link(const Plan& plan, Report& report) {
  const ShapedLink link;
  if (!link.why_not().empty()) {
    fmt::print(stderr, "fieldpost-bench: the scenario `link` is left out: {}\n", link.why_not());
    return;
  }
  LabOptions options = plan.lab;
  options.broker_address = kSiteAddress;
  options.agent_prefix = link.node_prefix();
  Lab lab(options);
  lab.start_all();
  LineProducer(lab.socket_path()).send(fmt::format("probe value=0 {}\n", wall_ns()), 1);
  const std::int64_t series = lab.series("probe");
  const std::size_t readings = std::min(plan.drain, kReadingsMax);
  lab.stop(Role::kCoordinator);
  take_outage(lab, readings, "link of 1 Mbit/s", report);
  lab.start(Role::kCoordinator);
  LiveWatch watch(lab.coordinator_port(), series);
  Probe probe(lab.socket_path());
  lab.wait_welcomed();
  const double began = now_s();
  const double began_wall = static_cast<double>(wall_ns()) / 1e9;
  const double bytes_before = ShapedLink::bytes_from_node();
  const double payload_before = lab.metric("fieldpost_envelope_bytes_total");
  lab.wait_delivered(readings);
  const double carries = (now_s() - began) * kBytesPerSecond;
  const double bytes = ShapedLink::bytes_from_node() - bytes_before;
  const double payload = lab.metric("fieldpost_envelope_bytes_total") - payload_before;
  const std::string name = "link of 1 Mbit/s";
  report.add(name, fmt::format("drain of {} readings", readings), now_s() - began, "s");
  report.add(name, "kept busy: bytes on the link, with headers", bytes / carries * 100, "%", "90");
  report.add(name, "of that envelopes", payload / carries * 100, "%");
  sleep_s(2);
  report_ages(watch.seen(), began_wall, name + ", live while draining", report);
}

}  // namespace fieldpost::bench
