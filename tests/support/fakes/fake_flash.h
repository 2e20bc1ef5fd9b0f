#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "firmware-bridge/flash/flash_board.h"
#include "firmware-bridge/flash/flash_desk.h"
#include "firmware-bridge/flash/flash_journal.h"
#include "firmware-bridge/flash/flash_tool.h"
#include "firmware-bridge/flash/intel_hex.h"
#include "proto/wire/hash.h"
#include "tests/support/sim/sim_disk.h"
#include "tests/support/sim/sim_files.h"
#include "tests/support/sim/sim_log.h"
#include "tests/support/sim/sim_loop.h"
#include "tests/support/sim/sim_world.h"

namespace fieldpost::sim {

inline constexpr std::size_t kFakeFlashBytes = 8192;  ///< an atmega8
inline constexpr std::size_t kFakePageBytes = 64;
inline constexpr std::size_t kFakeBootBegin = 7168;

/// A firmware that knows its version, its size and its checksum.
inline std::string fake_firmware(const std::string& version, std::size_t size) {
  std::string bytes;
  const std::uint32_t seed = wire::crc32c(version);
  for (std::size_t i = 0; i < size; ++i) {
    const std::uint32_t mixed = static_cast<std::uint32_t>(i * 2654435761U) >> 16U;
    bytes += static_cast<char>((mixed ^ (seed >> (8 * (i % 4)))) & 0x7fU);
  }
  const auto put = [&](std::size_t at, std::uint32_t value) {
    for (std::size_t i = 0; i < 4; ++i) {
      bytes[at + i] = static_cast<char>((value >> (8 * i)) & 0xffU);
    }
  };
  bytes.replace(0, 2, "\x0c\x94");
  put(8, static_cast<std::uint32_t>(size));
  std::string name = version;
  name.resize(16, '\0');
  bytes.replace(16, 16, name);
  put(12, wire::crc32c(std::string_view(bytes).substr(16)));
  return bytes;
}

inline std::string fake_hex(const std::string& bytes) {
  bridge::FlashImage image;
  FP_CHECK(image.put(0, bytes).has_value());
  return bridge::format_intel_hex(image);
}

/// A board with a bootloader. Outlives the bridge's processes.
struct FakeFlashedBoard {
  std::string part = "atmega8";
  std::string flash = std::string(kFakeFlashBytes, '\xff');
  std::set<std::string> mute;  ///< versions that say nothing when they run
  bool plugged = true;
  bool boot_written = false;
  std::size_t pages_written = 0;

  FakeFlashedBoard() { flash.replace(kFakeBootBegin, 1024, std::string(1024, '\x42')); }
  void hold(const std::string& bytes) { flash.replace(0, bytes.size(), bytes); }
  /// Version of the whole image that it holds; empty: there is none.
  [[nodiscard]] std::string running() const {
    const auto get = [&](std::size_t at) {
      std::uint32_t value = 0;
      for (std::size_t i = 0; i < 4; ++i) {
        value |= std::uint32_t{static_cast<std::uint8_t>(flash[at + i])} << (8 * i);
      }
      return value;
    };
    const std::size_t size = get(8);
    if (size < 64 || size > kFakeBootBegin) return {};
    if (get(12) != wire::crc32c(std::string_view(flash).substr(16, size - 16))) return {};
    const std::string name = flash.substr(16, 16);
    return name.substr(0, name.find('\0'));
  }
};

/// A tool that takes time, page by page, and fails as it is told.
class FakeFlashTool final : public bridge::FlashTool {
 public:
  static constexpr rt::Nanos kStep = rt::Millis{10};

  FakeFlashTool(SimLoop& loop, SimFiles& files, FakeFlashedBoard& board)
      : loop_(loop), files_(files), board_(board) {}
  ~FakeFlashTool() override { loop_.cancel(timer_); }
  FakeFlashTool(const FakeFlashTool&) = delete;
  FakeFlashTool& operator=(const FakeFlashTool&) = delete;

  /// The next calls of this verb fail so, in the middle of what they do.
  std::map<std::string, std::deque<rt::Error>> failures;
  std::vector<std::string> calls;
  std::string read_instead;  ///< not empty: what a read writes into the file

  void identify(const bridge::FlashTarget& target, OnDone on_done) override {
    begin("identify", std::move(on_done));
    const bool same = target.part == board_.part;
    end(same ? rt::ok() : rt::Status(rt::Error{rt::Errc::kInvalid, "another part"}));
  }
  void read(const bridge::FlashTarget& /*target*/, const std::string& file, OnProgress on_progress,
            OnDone on_done) override {
    begin("read", std::move(on_done));
    const std::string text = read_instead.empty() ? fake_hex(board_.flash) : read_instead;
    on_progress(50);
    end(files_.write_at(file, 0, text, 0640));
  }
  void write(const bridge::FlashTarget& /*target*/, const std::string& file, OnProgress on_progress,
             OnDone on_done) override {
    begin("write", std::move(on_done));
    auto image = load(file);
    if (!image) return end(image.error());
    pages_.clear();
    for (const auto& [begin, bytes] : image->ranges()) {
      for (std::size_t at = 0; at < bytes.size(); at += kFakePageBytes) {
        pages_.emplace_back(begin + at, bytes.substr(at, kFakePageBytes));
      }
    }
    if (will_fail()) {
      pages_.resize(pages_.size() / 2);
      if (!pages_.empty()) pages_.back().second.assign(kFakePageBytes, '\xff');
    }
    on_progress_ = std::move(on_progress);
    page_ = 0;
    timer_ = loop_.after(kStep, [this] { write_page(); });
  }
  void verify(const bridge::FlashTarget& /*target*/, const std::string& file,
              OnProgress /*on_progress*/, OnDone on_done) override {
    begin("verify", std::move(on_done));
    auto image = load(file);
    if (!image) return end(image.error());
    bridge::FlashImage found;
    FP_CHECK(found.put(0, board_.flash).has_value());
    if (!bridge::first_difference(*image, found)) return end(rt::ok());
    end(rt::Error{rt::Errc::kCorrupt, "it is something else"});
  }
  [[nodiscard]] std::size_t count(const std::string& verb) const {
    return static_cast<std::size_t>(std::ranges::count(calls, verb));
  }

 private:
  void begin(const std::string& verb, OnDone on_done) {
    FP_CHECK(!on_done_);
    calls.push_back(verb);
    on_done_ = std::move(on_done);
  }
  [[nodiscard]] bool will_fail() { return !failures[calls.back()].empty() || !board_.plugged; }
  [[nodiscard]] rt::Result<bridge::FlashImage> load(const std::string& file) {
    const auto text = files_.read(file, 0, bridge::kHexBytesMax);
    if (!text) return text.error();
    return bridge::parse_intel_hex(*text);
  }
  void write_page() {
    if (page_ == pages_.size()) return end(rt::ok());
    const auto& [at, bytes] = pages_[page_];
    if (at + bytes.size() > kFakeBootBegin) board_.boot_written = true;
    if (board_.plugged) board_.flash.replace(at, bytes.size(), bytes);
    board_.pages_written += 1;
    page_ += 1;
    if (on_progress_) on_progress_(static_cast<unsigned>(page_ * 100 / pages_.size()));
    timer_ = loop_.after(kStep, [this] { write_page(); });
  }
  void end(rt::Status done) {
    auto& planned = failures[calls.back()];
    if (!planned.empty()) {
      done = planned.front();
      planned.pop_front();
    } else if (!board_.plugged) {
      done = rt::Error{rt::Errc::kUnavailable, "not responding"};
    }
    timer_ = loop_.after(kStep, [this, done] {
      const auto on_done = std::exchange(on_done_, nullptr);
      on_done(done);
    });
  }

  SimLoop& loop_;
  SimFiles& files_;
  FakeFlashedBoard& board_;
  OnDone on_done_;
  OnProgress on_progress_;
  std::vector<std::pair<std::size_t, std::string>> pages_;
  std::size_t page_ = 0;
  rt::TimerId timer_ = rt::TimerId::kNone;
};

/// A board's session: what it holds says its version a moment after `resume`.
class FakeFlashBoard final : public bridge::FlashBoard {
 public:
  static constexpr rt::Nanos kStart = rt::Millis{500};

  FakeFlashBoard(SimLoop& loop, FakeFlashedBoard& board) : loop_(loop), board_(board) {}
  ~FakeFlashBoard() override { loop_.cancel(timer_); }
  FakeFlashBoard(const FakeFlashBoard&) = delete;
  FakeFlashBoard& operator=(const FakeFlashBoard&) = delete;

  std::deque<rt::Error> suspend_failures;
  bool never_free = false;
  bool suspended = false;
  std::size_t suspends = 0;

  void suspend(OnDone on_free) override {
    suspended = true;
    suspends += 1;
    if (never_free) return;
    if (suspend_failures.empty()) return on_free(rt::ok());
    const rt::Error why = suspend_failures.front();
    suspend_failures.pop_front();
    on_free(why);
  }
  void resume() override { suspended = false; }
  void await(std::optional<std::string> wanted, rt::Nanos within, OnDone on_done) override {
    FP_CHECK(!suspended);
    const std::string told = board_.mute.contains(board_.running()) ? "" : board_.running();
    loop_.cancel(timer_);
    timer_ = loop_.after(told.empty() ? within : kStart, [told, wanted, on_done] {
      if (told.empty()) return on_done(rt::Error{rt::Errc::kUnavailable, "nothing was heard"});
      if (wanted && *wanted != told) {
        return on_done(rt::Error{rt::Errc::kInvalid, "it says that it is " + told});
      }
      on_done(rt::ok());
    });
  }
  [[nodiscard]] rt::Result<std::string> port() override {
    if (board_.plugged) return std::string("/dev/ttyUSB0");
    return rt::Error{rt::Errc::kNotFound, "it is not plugged in"};
  }
  [[nodiscard]] std::string version() override { return board_.running(); }

 private:
  SimLoop& loop_;
  FakeFlashedBoard& board_;
  rt::TimerId timer_ = rt::TimerId::kNone;
};

/// One life of the bridge's process, as far as flashing goes: two boards, "node" and "other".
struct FlashLife {
  FlashLife(SimWorld& world, SimDisk& disk, FakeFlashedBoard& board)
      : loop(world),
        files(disk),
        log(world, "bridge"),
        tool(loop, files, board),
        session(loop, board),
        other(loop, board) {
    auto opened = bridge::FlashJournal::open(files, "/state/flash");
    FP_CHECK(opened.has_value());
    journal.emplace(*std::move(opened));
    const bridge::FlashOptions options{.part = "atmega8", .programmer = "arduino", .baud = 57600};
    bridge::FlashDesk::Parts parts{loop, log, tool, *journal, {}};
    parts.devices.emplace("node", bridge::FlashDesk::Device{options, session});
    parts.devices.emplace("other", bridge::FlashDesk::Device{options, other});
    desk = std::make_unique<bridge::FlashDesk>(std::move(parts));
    started = desk->start().has_value();
  }
  ~FlashLife() { loop.kill(); }
  FlashLife(const FlashLife&) = delete;
  FlashLife& operator=(const FlashLife&) = delete;

  SimLoop loop;
  SimFiles files;
  SimLog log;
  FakeFlashTool tool;
  FakeFlashBoard session, other;
  std::optional<bridge::FlashJournal> journal;
  std::unique_ptr<bridge::FlashDesk> desk;
  bool started = false;
};

}  // namespace fieldpost::sim
