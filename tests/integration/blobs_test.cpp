// Bodies through real processes: files dropped into a directory, kills, and large uploads.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "proto/wire/sha256.h"
#include "tests/support/real_site.h"
#include "tests/support/run_command.h"
#include "tests/support/sample_bodies.h"

namespace fieldpost::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
namespace fs = std::filesystem;

constexpr auto kWaitMost = 60s;
constexpr std::uint64_t kMemoryMostKib = 120'000;

struct Camera {
  explicit Camera(const std::string& drop_path)
      : drop(drop_path),
        site({.agent_config = fmt::format("[[source]]\nkind = \"file_drop\"\npath = \"{}\"\n"
                                          "pattern = \"*.jpg\"\nmeasurement = \"camera\"\n"
                                          "every = \"100ms\"\nsettle = \"200ms\"\n",
                                          drop_path)}) {}

  void put(const std::string& name, const std::string& bytes) const {
    std::ofstream(drop + "/." + name, std::ios::binary) << bytes;
    fs::rename(drop + "/." + name, drop + "/" + name);
  }
  [[nodiscard]] bool is_empty() const { return fs::is_empty(drop); }
  [[nodiscard]] std::string series() const {
    const auto list = site.ask("/api/v1/series?measurement=camera");
    if (!list || list->at("items").empty()) return "0";
    return std::to_string(list->at("items")[0].at("id").get<int>());
  }
  /// All bodies that the coordinator tells of, by page.
  [[nodiscard]] std::vector<json> blobs() const {
    std::vector<json> out;
    const auto list = site.ask("/api/v1/blobs?limit=1000&series=" + series());
    if (!list) return out;
    for (const auto& each : list->at("items")) out.push_back(each);
    return out;
  }
  [[nodiscard]] std::size_t complete() const {
    std::size_t count = 0;
    for (const json& each : blobs()) count += each.at("complete") == true ? 1U : 0U;
    return count;
  }
  [[nodiscard]] std::string get(const std::string& hash) const {
    return http_call(site.coordinator_port(), "GET", "/api/v1/blobs/" + hash).body;
  }
  [[nodiscard]] Outcome tool(const std::string& arguments) const {
    return run_command(fmt::format("{} --url http://127.0.0.1:{} {} 2>&1", FIELDPOST_TOOL,
                                   site.coordinator_port(), arguments));
  }

  std::string drop;
  mutable RealSite site;
};

/// The most memory that a process ever had, KiB.
std::uint64_t peak_kib(pid_t pid) {
  std::ifstream in(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6));
  }
  return 0;
}

std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("files dropped while the broker is down arrive once each, over kills of both ends") {
  const TempDirectory drop;
  Camera camera(drop.path());
  camera.site.coordinator().start();
  camera.site.agent().start();
  REQUIRE(wait_until(kWaitMost, [&] { return camera.site.drained(); }));
  camera.site.broker().kill();
  std::vector<std::string> frames;
  for (std::uint64_t i = 0; i < 12; ++i) frames.push_back(body_bytes(1 + i * 90'000, i + 1));
  for (std::size_t i = 0; i < frames.size(); ++i) {
    camera.put(fmt::format("f{:02}.jpg", i), frames[i]);
    if (i % 3 != 2) continue;
    std::this_thread::sleep_for(300ms);
    camera.site.agent().kill();
    camera.site.agent().start();
  }
  REQUIRE(wait_until(kWaitMost, [&] { return camera.is_empty(); }));
  camera.site.broker().start();
  for (int i = 0; i < 3; ++i) {
    std::this_thread::sleep_for(700ms);
    camera.site.coordinator().kill();
    camera.site.coordinator().start();
  }
  const bool all = wait_until(kWaitMost, [&] { return camera.complete() == frames.size(); });
  INFO(camera.site.agent().log(), camera.site.coordinator().log());
  REQUIRE(all);
  CHECK(camera.blobs().size() == frames.size());
  for (const std::string& frame : frames) {
    const bool same = camera.get(wire::sha256(frame).hex()) == frame;
    CHECK(same);
  }
  const json last = camera.blobs().back();
  const HttpAnswer live = http_call(camera.site.coordinator_port(), "GET",
                                    "/api/v1/blobs/last?series=" + camera.series());
  CHECK(live.status == 200);
  CHECK(wire::sha256(live.body).hex() == last.at("sha256"));
  REQUIRE(wait_until(kWaitMost, [&] { return camera.site.drained(); }));
  CHECK(camera.site.node().at("gaps") == 0);
  CHECK(camera.site.node().at("unexplained") == 0);
}

TEST_CASE("a body of 100 MiB goes through agent and coordinator in little memory") {
  const TempDirectory drop;
  Camera camera(drop.path());
  camera.site.coordinator().start();
  camera.site.agent().start();
  const std::string bytes = body_bytes(100 << 20, 7);
  camera.put("clip.jpg", bytes);
  REQUIRE(wait_until(kWaitMost, [&] { return camera.complete() == 1; }));
  CHECK(peak_kib(camera.site.agent().pid()) < kMemoryMostKib);
  CHECK(peak_kib(camera.site.coordinator().pid()) < kMemoryMostKib);
  const std::string copy = camera.site.directory() + "/copy";
  const Outcome got =
      camera.tool(fmt::format("query --blob {} -o {}", wire::sha256(bytes).hex(), copy));
  INFO(got.out);
  CHECK(got.exit_code == 0);
  const bool same = content_of(copy) == bytes;
  CHECK(same);
}

TEST_CASE("an upload of 100 MB that is broken off goes on where it was") {
  const TempDirectory drop;
  Camera camera(drop.path());
  camera.site.coordinator().start();
  REQUIRE(wait_until(kWaitMost, [&] { return camera.site.ask("/healthz").has_value(); }));
  const std::string bytes = body_bytes(100'000'000, 9),
                    path = camera.site.directory() + "/clip.mp4";
  std::ofstream(path, std::ios::binary) << bytes;
  const std::string write = "write --blob " + path + " --measurement camera --node desk";
  const std::string part = fmt::format("{}/coordinator/uploads/{}-{}", camera.site.directory(),
                                       wire::sha256(bytes).hex(), bytes.size());
  const auto there = [&part] {
    std::error_code failed;
    const auto size = fs::file_size(part, failed);
    return failed ? 0 : size;
  };
  std::thread first([&] { (void)camera.tool(write); });
  REQUIRE(wait_until(kWaitMost, [&] { return there() > 20'000'000; }));
  camera.site.coordinator().kill();
  const std::uintmax_t kept = there();
  camera.site.coordinator().start();
  first.join();  // the tool itself goes on
  INFO("kept ", kept);
  const Outcome again = camera.tool(write);
  CHECK(again.out.find("ok " + wire::sha256(bytes).hex()) != std::string::npos);
  CHECK(again.exit_code == 0);
  CHECK(camera.blobs().size() == 1);
  const std::string copy = camera.site.directory() + "/copy";
  CHECK(camera.tool(fmt::format("query {} --blob last -o {}", camera.series(), copy)).exit_code ==
        0);
  const bool same = content_of(copy) == bytes;
  CHECK(same);
  CHECK(!fs::exists(part));
}

}  // namespace fieldpost::test
