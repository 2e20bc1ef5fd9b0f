#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "firmware-bridge/flash/flash_tool.h"
#include "proto/rt/loop.h"
#include "proto/rt/spawner.h"

namespace fieldpost::bridge {

/// How far avrdude is, from the bars of '#' that it draws on stderr: fifty are all of it. What it
/// draws before it has seen the part's signature is not counted.
class AvrdudeBars {
 public:
  /// What came on stderr, cut anywhere. The newest percentage; nullopt: no other than before.
  std::optional<unsigned> take(std::string_view bytes);

 private:
  std::string line_;  ///< the begin of the last line
  bool signature_seen_ = false;
  bool in_bar_ = false;
  unsigned marks_ = 0;
};

/// What a failed run of avrdude means; `said` is what it wrote to stderr, `doing` begins the
/// message.
[[nodiscard]] rt::Error avrdude_error(std::string_view doing, rt::ExitStatus status,
                                      std::string_view said);

/// AVR parts by avrdude (7.1). Loop thread. kNotFound: it, or setpriv, is not installed.
class Avrdude final : public FlashTool {
 public:
  static constexpr rt::Nanos kIdentifyMost = rt::Seconds{30};
  /// Of a read, a write or a verification. 256 KiB at 19,200 baud take two and a half minutes.
  static constexpr rt::Nanos kTransferMost = rt::Seconds{300};
  static constexpr rt::Nanos kStallMost = rt::Seconds{20};  ///< of a transfer, without a sign
  static constexpr std::size_t kSaidBytesMax = 4096;        ///< of stderr, of its end

  Avrdude(rt::Loop& loop, rt::Spawner& spawner, std::string program = "avrdude");
  ~Avrdude() override;
  Avrdude(const Avrdude&) = delete;
  Avrdude& operator=(const Avrdude&) = delete;

  void identify(const FlashTarget& target, OnDone on_done) override;
  void read(const FlashTarget& target, const std::string& file, OnProgress on_progress,
            OnDone on_done) override;
  void write(const FlashTarget& target, const std::string& file, OnProgress on_progress,
             OnDone on_done) override;
  void verify(const FlashTarget& target, const std::string& file, OnProgress on_progress,
              OnDone on_done) override;

 private:
  struct Run {
    std::string doing;
    bool is_transfer = false;
    bool is_over = false;  ///< what is still said does not count
    OnProgress on_progress;
    OnDone on_done;
    std::unique_ptr<rt::Child> child;
    AvrdudeBars bars;
    std::string said;
  };

  void start(std::string doing, std::vector<std::string> argv, rt::Nanos at_most,
             OnProgress on_progress, OnDone on_done);
  void on_said(std::string_view bytes);
  void limit_stall();
  void end_after(rt::Nanos span, std::string_view what);
  void finish(rt::Status done);

  rt::Loop& loop_;
  rt::Spawner& spawner_;
  std::string program_;
  std::unique_ptr<Run> run_;
  rt::TimerId limit_timer_ = rt::TimerId::kNone;
  rt::TimerId stall_timer_ = rt::TimerId::kNone;
  rt::TimerId finish_timer_ = rt::TimerId::kNone;
};

}  // namespace fieldpost::bridge
