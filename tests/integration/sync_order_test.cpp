#include <doctest/doctest.h>
#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "tests/support/may_skip.h"
#include "tests/support/numbered_producer.h"
#include "tests/support/real_site.h"
#include "tests/support/trace_order.h"

namespace fieldpost::test {
namespace {

using namespace std::chrono_literals;

constexpr auto kWaitMost = 30s;
constexpr auto kSyncMost = 5s;
constexpr int kRequests = 8;

/// Runs a program under strace as its own parent's child: its pid is the program's. Each sync is
/// held up, so that an answer that does not wait for it is always ahead of it.
std::vector<std::string> tracing_to(const std::string& file) {
  return {"/usr/bin/strace",
          "-D",
          "-f",
          "-y",
          "-s",
          "4096",
          "-o",
          file,
          "-e",
          "trace=fsync,fdatasync,read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg",
          "-e",
          "inject=fsync,fdatasync:delay_enter=20000"};
}

bool may_trace(const TempDirectory& directory) {
  auto command = tracing_to(directory.file("trial"));
  command.push_back("/bin/true");
  DaemonProcess trial(command, directory.file("trial.log"));
  trial.start();
  const auto traced = [&] {
    std::ifstream file(directory.file("trial"));
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    return text.find("exited with 0") != text.npos;
  };
  return wait_until(5s, traced);
}

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string one_line(int number) {
  return fmt::format("traced v={}i {}\n", number, NumberedProducer::time_of(number));
}

bool takes_lines(const RealSite& site) {
  return PlainSocket::to_path(site.socket()).is_open();
}

bool is_ready(const RealSite& site) {
  return http_call(site.coordinator_port(), "GET", "/readyz").status == 200;
}

/// Of the one series of the site.
int stored(const RealSite& site) {
  const auto series = site.ask("/api/v1/series?measurement=traced");
  if (!series || series->at("items").empty()) return 0;
  return series->at("items").at(0).at("count").get<int>();
}

TEST_CASE("a trace without a sync between request and answer is found out") {
  const TraceMarks marks{"ask", "-wal>", "\"ok"};
  const std::string request = "1 read(5<s>, \"ask\", 9) = 3\n",
                    answer = "1 write(5<s>, \"ok\", 2) = 2\n";
  const std::string sync = "2 fdatasync(7</x-wal>) = 0\n";
  const auto unsynced = [&](const std::string& trace) {
    const TraceOrder order = check_trace(trace, marks);
    CHECK(order.answers == 1);
    return order.unsynced;
  };
  CHECK(unsynced(request + sync + answer) == 0);
  CHECK(unsynced(request + answer + sync) == 1);
  CHECK(unsynced(sync + request + answer) == 1);
  CHECK(unsynced(request + "2 fsync(8</other>) = 0\n" + answer) == 1);
  CHECK(unsynced(request + "2 fsync(7</x-wal>) = -1 EIO (Input/output error)\n" + answer) == 1);
  const std::string begun = "2 fdatasync(7</x-wal> <unfinished ...>\n";
  const std::string over = "2 <... fdatasync resumed>) = 0\n";
  CHECK(unsynced(request + begun + over + answer) == 0);
  CHECK(unsynced(request + begun + answer + over) == 1);
  CHECK(unsynced(begun + request + over + answer) == 1);
}

TEST_CASE("the agent syncs its spool before each OK to a producer") {
  TempDirectory directory;
  if (!may_trace(directory)) {
    REQUIRE(may_skip("strace may not trace here; nothing was shown about the agent's syncs"));
    return;
  }
  // No coordinator: nothing but what producers write makes the agent sync.
  RealSite site({.agent_wrapper = tracing_to(directory.file("trace"))});
  site.agent().start();
  REQUIRE(wait_until(kWaitMost, [&] { return takes_lines(site); }));
  const auto socket = offer_to_socket(site.socket());
  const auto http = offer_to_http(site.agent_port(), "/write");
  const std::string spool = site.directory() + "/agent/";
  const auto syncs = [&] {
    return check_trace(text_of(directory.file("trace")), {"traced v=", spool, "\"ok 1"}).syncs;
  };
  for (int i = 0; i < kRequests; ++i) {
    const int before = syncs();
    CHECK((i % 2 == 0 ? socket : http)(one_line(i), 1));
    CHECK(wait_until(kSyncMost, [&] { return syncs() > before; }));  // not taken for the next one's
  }
  site.agent().stop();
  const std::string trace = text_of(directory.file("trace"));
  const TraceOrder socket_order = check_trace(trace, {"traced v=", spool, "\"ok 1"});
  const TraceOrder http_order = check_trace(trace, {"traced v=", spool, "HTTP/1.1 204 "});
  CHECK(socket_order.answers == kRequests / 2);
  CHECK(socket_order.unsynced == 0);
  CHECK(http_order.answers == kRequests / 2);
  CHECK(http_order.unsynced == 0);
}

TEST_CASE("the coordinator syncs its store before each OK to who writes to it") {
  TempDirectory directory;
  if (!may_trace(directory)) {
    REQUIRE(may_skip("strace may not trace here; nothing was shown about the coordinator's OK"));
    return;
  }
  // No agent: nothing but these writes makes the coordinator sync once it has started.
  RealSite site({.coordinator_wrapper = tracing_to(directory.file("trace"))});
  site.coordinator().start();
  REQUIRE(wait_until(kWaitMost, [&] { return is_ready(site); }));
  const std::string store = site.store_file();
  const auto syncs = [&] {
    return check_trace(text_of(directory.file("trace")), {"traced v=", store, "HTTP/1.1 204 "})
        .syncs;
  };
  const auto v1 = offer_to_http(site.coordinator_port(), "/write");
  const auto v2 = offer_to_http(site.coordinator_port(), "/api/v2/write?bucket=b");
  for (int i = 0; i < kRequests; ++i) {
    const int before = syncs();
    CHECK((i % 2 == 0 ? v1 : v2)(one_line(i), 1));
    CHECK(wait_until(kSyncMost, [&] { return syncs() > before; }));  // not taken for the next one's
  }
  site.coordinator().stop();
  const TraceOrder order =
      check_trace(text_of(directory.file("trace")), {"traced v=", store, "HTTP/1.1 204 "});
  CHECK(order.answers == kRequests);
  CHECK(order.unsynced == 0);
}

TEST_CASE("the coordinator syncs its store before each receipt") {
  TempDirectory directory;
  if (!may_trace(directory)) {
    REQUIRE(may_skip("strace may not trace here; nothing was shown about the coordinator's syncs"));
    return;
  }
  RealSite site({.coordinator_wrapper = tracing_to(directory.file("trace"))});
  site.coordinator().start();
  site.agent().start();
  REQUIRE(wait_until(kWaitMost, [&] { return takes_lines(site); }));
  const auto socket = offer_to_socket(site.socket());
  for (int i = 0; i < kRequests; ++i) {
    REQUIRE(socket(one_line(i), 1));
    REQUIRE(wait_until(kWaitMost, [&] { return stored(site) == i + 1; }));
  }
  site.coordinator().stop();
  const TraceOrder order =
      check_trace(text_of(directory.file("trace")),
                  {"/n1/up/", site.directory() + "/coordinator/", "/n1/receipt"});
  CHECK(order.answers >= kRequests);
  CHECK(order.unsynced == 0);
}

}  // namespace
}  // namespace fieldpost::test
