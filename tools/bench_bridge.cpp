// What fieldpost-bridge costs: how much of what boards send a core decodes, and with --program the
// bridge itself, with ports that carry all that 921,600 baud can.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "firmware-bridge/device/fieldpost_device.h"
#include "firmware-bridge/protocols/make_protocol.h"
#include "proto/rt/file_descriptor.h"
#include "proto/rt/system_clock.h"
#include "tools/bench/daemon.h"

namespace {

using namespace fieldpost;          // NOLINT: a program's own file
using namespace fieldpost::bridge;  // NOLINT
using bench::give_up;
using Json = nlohmann::ordered_json;

constexpr std::size_t kSeries = 10;
constexpr std::size_t kSequenceNumbers = 0x10000;  // after so many frames they begin again
constexpr std::size_t kReadBytes = 512;            // what a port gives at a time, about
constexpr std::size_t kBytesPerSecond = 92'160;    // 921,600 baud, 8N1
constexpr double kTickS = 0.005;  // between two pieces, as a USB adapter sends them
constexpr double kSettleMostS = 10;
constexpr std::int64_t kNow = 1'767'225'600'000'000'000;  // 2026-01-01

struct Options {
  double decode_seconds = 2;
  std::string program;
  std::string directory = "/tmp/bench_bridge";
  std::size_t ports = 8;
  double seconds = 20;
  bool json = false;
};

// What boards send.

/// The device library sends to a function without a context.
std::string* device_output = nullptr;

/// A board of ten series, by the device library.
struct Board {
  std::string greeting;  ///< who it is and what it measures
  std::string frames;    ///< of ten readings each
  std::size_t count = 0;
};

const std::array<fp_series, kSeries> kDeviceSeries = {{{"value0", "Cel"},
                                                       {"value1", "Cel"},
                                                       {"value2", "Cel"},
                                                       {"value3", "Cel"},
                                                       {"value4", "Cel"},
                                                       {"value5", "Cel"},
                                                       {"value6", "Cel"},
                                                       {"value7", "Cel"},
                                                       {"value8", "Cel"},
                                                       {"value9", "Cel"}}};
const fp_info kDeviceInfo = {"ten-series", "1.0.0", kDeviceSeries.data(), kSeries};

Board make_board(std::size_t frames) {
  Board board;
  fp_device device{};
  device_output = &board.greeting;
  fp_begin(
      &device, &kDeviceInfo, [](std::uint8_t byte) { *device_output += static_cast<char>(byte); },
      FP_BOOT_POWER);
  device_output = &board.frames;
  for (; board.count < frames; ++board.count) {
    for (std::uint8_t s = 0; s < kSeries; ++s) {
      fp_add_float(&device, s, 20.0F + static_cast<float>(board.count % 1000) / 64 + s);
    }
    fp_send(&device);
  }
  return board;
}

/// Ten fields a line, with time.
std::string make_lines(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    text += "greenhouse,bed=3";
    for (std::size_t s = 0; s < kSeries; ++s) {
      text += fmt::format("{}value{}={:.2f}", s == 0 ? ' ' : ',', s,
                          20 + static_cast<double>(i % 1000) / 64 + static_cast<double>(s));
    }
    text += fmt::format(" {}\n", kNow + static_cast<std::int64_t>(i) * 1'000'000);
  }
  return text;
}

std::string sentence(std::string_view body) {
  unsigned sum = 0;
  for (const char c : body) sum ^= static_cast<unsigned char>(c);
  return fmt::format("${}*{:02X}\r\n", body, sum);
}

constexpr std::size_t kSentencesPerSecond = 6;

/// A walk at 1 Hz: position twice, speed, accuracy, satellites.
std::string make_sentences(std::size_t seconds) {
  std::string text;
  for (std::size_t i = 0; i < seconds; ++i) {
    const std::string time = fmt::format("{:02}{:02}{:02}.00", i / 3600 % 24, i / 60 % 60, i % 60);
    const std::string place =
        fmt::format("4732.{:05},N,00941.{:05},E", 51408 + i % 4000, 17325 + i % 4000);
    text += sentence(fmt::format("GNRMC,{},A,{},1.482,43.77,140526,,,A", time, place));
    text += sentence("GNVTG,43.77,T,,M,1.482,N,2.745,K,A");
    text += sentence(fmt::format("GNGGA,{},{},1,12,0.92,398.2,M,47.8,M,,", time, place));
    text += sentence("GNGSA,A,3,03,06,07,14,17,19,22,,,,,,1.61,0.92,1.32");
    text += sentence("GPGSV,1,1,04,03,62,118,44,06,21,063,38,07,14,322,33,11,08,019,27");
    text += sentence(fmt::format("GNGLL,{},{},A,A", place, time));
  }
  return text;
}

// How much of it a core decodes.

double cpu_s() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

/// What a stream that may be repeated has in it.
struct Stream {
  std::string what;
  ProtocolOptions::Kind kind = ProtocolOptions::Kind::kFrames;
  std::string greeting, bytes;
  std::size_t messages = 0, readings = 0;
};

Json decode(const Stream& stream, double seconds) {
  ProtocolOptions options;
  options.kind = stream.kind;
  const auto made = make_protocol(options);
  if (!made) give_up(made.error().message);
  Protocol& protocol = **made;
  Heard ignored;
  protocol.feed(stream.greeting, kNow, ignored);
  const std::uint64_t before = protocol.counts().good;
  const double began = cpu_s();
  std::size_t rounds = 0, readings = 0;
  while (cpu_s() - began < seconds) {
    for (std::size_t at = 0; at < stream.bytes.size(); at += kReadBytes) {
      Heard heard;
      protocol.feed(std::string_view(stream.bytes).substr(at, kReadBytes), kNow, heard);
      readings += heard.readings.size();
      if (heard.lost > 0) give_up(stream.what + ": some of them were lost");
    }
    rounds += 1;
  }
  const double spent = cpu_s() - began;
  const ProtocolCounts& counts = protocol.counts();
  if (counts.good - before != rounds * stream.messages || readings != rounds * stream.readings) {
    give_up(fmt::format("{}: {} of {} were understood", stream.what, counts.good - before,
                        rounds * stream.messages));
  }
  const auto per_s = [&](std::size_t count) {
    return static_cast<double>(rounds) * static_cast<double>(count) / spent;
  };
  return {{"what", stream.what},
          {"messages_per_s", per_s(stream.messages)},
          {"readings_per_s", per_s(stream.readings)},
          {"bytes_per_s", per_s(stream.bytes.size())},
          {"bytes_per_message",
           static_cast<double>(stream.bytes.size()) / static_cast<double>(stream.messages)}};
}

Json decode_all(double seconds) {
  constexpr std::size_t kLines = 20'000, kSeconds = 3600;
  constexpr std::size_t kReadingsPerSecond = 16;  // RMC 4, VTG 2, GGA 6, GSA 3, GSV 1
  Board board = make_board(kSequenceNumbers);
  const std::vector<Stream> streams = {
      {"frames of ten series", ProtocolOptions::Kind::kFrames, std::move(board.greeting),
       std::move(board.frames), kSequenceNumbers, kSequenceNumbers * kSeries},
      {"lines of ten fields", ProtocolOptions::Kind::kLineProtocol, "", make_lines(kLines), kLines,
       kLines * kSeries},
      {"NMEA sentences", ProtocolOptions::Kind::kNmea, "", make_sentences(kSeconds),
       kSeconds * kSentencesPerSecond, kSeconds * kReadingsPerSecond}};
  Json rows = Json::array();
  for (const Stream& stream : streams) rows.push_back(decode(stream, seconds));
  return rows;
}

// The bridge as a process.

rt::FileDescriptor listen_at(const std::string& path) {
  rt::FileDescriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) give_up("--dir: too long for a socket");
  path.copy(address.sun_path, path.size());
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd.get(), 4) != 0) {
    give_up("cannot listen at " + path);
  }
  return fd;
}

/// Answers lines as an agent does that has a very fast disk, and counts the readings of boards.
class AnsweringAgent {
 public:
  explicit AnsweringAgent(const std::string& path)
      : listener_(listen_at(path)), thread_([this] { run(); }) {}
  /// The bridge has ended.
  ~AnsweringAgent() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  AnsweringAgent(const AnsweringAgent&) = delete;
  AnsweringAgent& operator=(const AnsweringAgent&) = delete;
  [[nodiscard]] std::uint64_t readings() const { return readings_; }
  [[nodiscard]] std::uint64_t batches() const { return batches_; }

 private:
  void run() {
    for (;;) {
      const rt::FileDescriptor connection(
          ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!connection.is_open()) return;
      serve(connection.get());
    }
  }

  void serve(int connection) {
    std::string input;
    std::vector<char> buffer(256 * 1024);
    std::size_t lines = 0;
    for (;;) {
      const ssize_t got = ::recv(connection, buffer.data(), buffer.size(), 0);
      if (got <= 0) return;
      input.append(buffer.data(), static_cast<std::size_t>(got));
      const std::string answers = take_lines(input, lines);
      static_cast<void>(::send(connection, answers.data(), answers.size(), MSG_NOSIGNAL));
    }
  }

  /// `lines`: of the batch that has not ended.
  std::string take_lines(std::string& input, std::size_t& lines) {
    std::string answers;
    std::size_t at = 0;
    for (std::size_t end = input.find('\n'); end != std::string::npos;
         at = end + 1, end = input.find('\n', at)) {
      const std::string_view line(input.data() + at, end - at);
      if (line.empty()) {
        answers += fmt::format("ok {}\n", std::exchange(lines, 0));
        batches_ += 1;
      } else if (!line.starts_with('#')) {
        lines += 1;
        if (!line.starts_with("fieldpost_bridge,")) readings_ += 1;
      }
    }
    input.erase(0, at);
    return answers;
  }

  rt::FileDescriptor listener_;
  std::atomic<std::uint64_t> readings_ = 0, batches_ = 0;
  std::thread thread_;
};

/// A board at a pty that sends the same frames as the others.
class PtyBoard {
 public:
  explicit PtyBoard(const Board& board)
      : fd_(::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)), frames_(board.frames) {
    std::array<char, 128> name{};
    if (::grantpt(fd_.get()) != 0 || ::unlockpt(fd_.get()) != 0 ||
        ::ptsname_r(fd_.get(), name.data(), name.size()) != 0) {
      give_up("there are no ptys here");
    }
    path_ = name.data();
  }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::size_t sent() const { return sent_; }
  [[nodiscard]] bool is_done() const { return sent_ == frames_.size(); }

  /// The bridge asks who is there when it has opened a port and made it raw.
  void await_question() {
    for (const double began = bench::now_s(); !hear();) {
      if (bench::now_s() - began > kSettleMostS) give_up("the bridge does not open " + path_);
      bench::sleep_s(kTickS);
    }
  }
  void greet(std::string_view greeting) {
    if (::write(fd_.get(), greeting.data(), greeting.size()) !=
        static_cast<ssize_t>(greeting.size())) {
      give_up("the bridge does not read " + path_);
    }
  }
  /// Sends what is due by then, as far as there is room.
  void send_until(std::size_t due) {
    hear();
    while (sent_ < std::min(due, frames_.size())) {
      const std::size_t size = std::min(due, frames_.size()) - sent_;
      const ssize_t done = ::write(fd_.get(), frames_.data() + sent_, size);
      if (done < 0 && errno != EAGAIN) give_up("the bridge has closed " + path_);
      if (done <= 0) return;
      sent_ += static_cast<std::size_t>(done);
    }
  }

 private:
  /// Whether there was something.
  bool hear() {
    std::array<char, 4096> buffer{};
    return ::read(fd_.get(), buffer.data(), buffer.size()) > 0;
  }

  rt::FileDescriptor fd_;
  std::string_view frames_;
  std::string path_;
  std::size_t sent_ = 0;
};

std::string write_config(const Options& options,
                         const std::vector<std::unique_ptr<PtyBoard>>& boards) {
  const std::string path = options.directory + "/bridge.toml";
  std::ofstream file(path);
  file << fmt::format(
      "[bridge]\nstate = \"{0}/state\"\nsocket = \"{0}/bridge.sock\"\n"
      "[agent]\nsocket = \"{0}/agent.sock\"\n",
      options.directory);
  for (std::size_t i = 0; i < boards.size(); ++i) {
    file << fmt::format(
        "[[device]]\nname = \"b{}\"\nport = \"{}\"\nbaud = 921600\nprotocol = \"frames\"\n", i,
        boards[i]->path());
  }
  return path;
}

/// How long it took; ends the benchmark when it takes much longer than `seconds`.
double send_all(std::vector<std::unique_ptr<PtyBoard>>& boards, double seconds) {
  const double began = bench::now_s();
  for (bool is_done = false; !is_done;) {
    bench::sleep_s(kTickS);
    const double elapsed = bench::now_s() - began;
    if (elapsed > 4 * seconds + kSettleMostS) give_up("the bridge does not read its ports");
    const auto due = static_cast<std::size_t>(elapsed * static_cast<double>(kBytesPerSecond));
    is_done = true;
    for (const auto& board : boards) {
      board->send_until(due);
      is_done = is_done && board->is_done();
    }
  }
  return bench::now_s() - began;
}

/// Until all have arrived, or nothing comes any more.
void settle(const AnsweringAgent& agent, std::uint64_t expected) {
  std::uint64_t seen = 0;
  double since = bench::now_s();
  while (agent.readings() < expected && bench::now_s() - since < kSettleMostS) {
    bench::sleep_s(kTickS);
    if (std::exchange(seen, agent.readings()) != agent.readings()) since = bench::now_s();
  }
}

Json run_bridge(const Options& options) {
  std::filesystem::remove_all(options.directory);
  std::filesystem::create_directories(options.directory);
  const std::size_t frame_bytes = make_board(1).frames.size();
  const double bytes = options.seconds * static_cast<double>(kBytesPerSecond);
  const Board board = make_board(static_cast<std::size_t>(bytes) / frame_bytes);
  std::vector<std::unique_ptr<PtyBoard>> boards;
  for (std::size_t i = 0; i < options.ports; ++i) {
    boards.push_back(std::make_unique<PtyBoard>(board));
  }
  const AnsweringAgent agent(options.directory + "/agent.sock");
  bench::Daemon bridge({options.program, "--config", write_config(options, boards)},
                       options.directory + "/bridge.log", options.directory + "/ready.sock");
  for (const auto& each : boards) each->await_question();
  for (const auto& each : boards) each->greet(board.greeting);
  const bench::Usage before = bridge.usage();
  const double spent = send_all(boards, options.seconds);
  const bench::Usage after = bridge.usage();
  const std::uint64_t frames = board.count * boards.size();
  settle(agent, frames * kSeries);
  std::size_t sent = 0;
  for (const auto& each : boards) sent += each->sent();
  const double memory = static_cast<double>(bridge.usage().pss_bytes) / (1 << 20);
  bridge.stop();
  std::filesystem::remove_all(options.directory);
  return {{"ports", boards.size()},
          {"seconds", spent},
          {"bytes", sent},
          {"bytes_per_s_and_port",
           static_cast<double>(sent) / spent / static_cast<double>(boards.size())},
          {"frames_sent", frames},
          {"frames_received", static_cast<double>(agent.readings()) / kSeries},
          {"batches", agent.batches()},
          {"cpu_pct", 100 * (after.cpu_s - before.cpu_s) / spent},
          {"memory_pss_mib", memory},
          {"clock_synchronised", rt::SystemClock().synchronised()}};
}

void print_decoded(const Json& rows) {
  fmt::print("{:<22} {:>12} {:>14} {:>10} {:>14}\n", "a core decodes", "a second", "readings/s",
             "MB/s", "bytes each");
  for (const Json& row : rows) {
    fmt::print("{:<22} {:>12.0f} {:>14.0f} {:>10.1f} {:>14.1f}\n", row["what"].get<std::string>(),
               row["messages_per_s"].get<double>(), row["readings_per_s"].get<double>(),
               row["bytes_per_s"].get<double>() / 1e6, row["bytes_per_message"].get<double>());
  }
}

void print_bridge(const Json& row) {
  fmt::print(
      "\n{} ports at 921600 baud for {:.1f} s: {} bytes, {:.0f} a second and port\n"
      "frames sent {}, received {:.0f}, in {} batches\n"
      "CPU {:.1f} % of a core, {:.1f} MiB; the clock here is {}synchronised\n",
      row["ports"].get<std::size_t>(), row["seconds"].get<double>(),
      row["bytes"].get<std::size_t>(), row["bytes_per_s_and_port"].get<double>(),
      row["frames_sent"].get<std::uint64_t>(), row["frames_received"].get<double>(),
      row["batches"].get<std::uint64_t>(), row["cpu_pct"].get<double>(),
      row["memory_pss_mib"].get<double>(), row["clock_synchronised"].get<bool>() ? "" : "not ");
}

int measure(const Options& options) {
  Json out;
  out["decode"] = decode_all(options.decode_seconds);
  if (!options.json) print_decoded(out["decode"]);
  if (!options.program.empty()) {
    out["bridge"] = run_bridge(options);
    if (!options.json) print_bridge(out["bridge"]);
  }
  if (options.json) fmt::print("{}\n", out.dump(2));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("What fieldpost-bridge costs");
  app.add_option("--decode-seconds", options.decode_seconds, "for each protocol");
  app.add_option("--program", options.program, "fieldpost-bridge, which is started and fed");
  app.add_option("--dir", options.directory, "scratch directory, emptied");
  app.add_option("--ports", options.ports, "that it is fed by")->check(CLI::Range(1, 64));
  app.add_option("--seconds", options.seconds, "for which it is fed");
  app.add_flag("--json", options.json, "JSON instead of tables");
  CLI11_PARSE(app, argc, argv);
  return measure(options);
}
