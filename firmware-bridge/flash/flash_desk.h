#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "firmware-bridge/devices/device_config.h"
#include "firmware-bridge/flash/flash_board.h"
#include "firmware-bridge/flash/flash_journal.h"
#include "firmware-bridge/flash/flash_outcome.h"
#include "firmware-bridge/flash/flash_tool.h"
#include "firmware-bridge/flash/flash_transaction.h"
#include "proto/rt/log.h"
#include "proto/rt/loop.h"

namespace fieldpost::bridge {

/// Whoever wants to know how a flash goes on. The desk holds it weakly: dropping it is all that it
/// takes to hear no more, and stops no flash.
struct FlashFollower {
  std::function<void(const FlashProgress&)> on_progress;
  /// Called once, the last. Not from inside `flash` or `follow`.
  std::function<void(const FlashOutcome&)> on_outcome;
};
using FlashFollowerPtr = std::shared_ptr<FlashFollower>;

/// Where flashes are asked for. One runs at a time; what was interrupted goes first, and boards
/// that are broken are tried again in between until they hold their old image. An id flashes at
/// most once. Loop thread.
class FlashDesk {
 public:
  static constexpr std::size_t kIdBytesMax = 128;
  static constexpr std::size_t kVersionBytesMax = 120;  ///< as much as a board can say
  static constexpr std::size_t kAskedByBytesMax = 128;
  static constexpr std::size_t kFollowersMax = 64;
  static constexpr rt::Nanos kTimeoutMost = rt::Seconds{3600};
  static constexpr rt::Nanos kRetryFirst = rt::Seconds{5};   ///< of a broken board, doubled …
  static constexpr rt::Nanos kRetryMost = rt::Seconds{300};  ///< … up to this

  struct Device {
    FlashOptions options;
    FlashBoard& board;  ///< outlives the desk
  };
  struct Parts {
    rt::Loop& loop;
    rt::Log& log;
    FlashTool& tool;
    FlashJournal& journal;
    std::map<std::string, Device> devices;  ///< by name, that can be flashed
  };

  explicit FlashDesk(Parts parts);
  ~FlashDesk();
  FlashDesk(const FlashDesk&) = delete;
  FlashDesk& operator=(const FlashDesk&) = delete;

  /// Goes on with what the last run of the bridge left. Devices whose record cannot be read stay
  /// out of service, and the log says what to do. On failure nothing may be flashed.
  rt::Status start();

  /// kBusy: another flash runs, or the board's old image must be written back first; ask again.
  /// kNotFound: no such device, or nobody flashes it; kInvalid: the request is no good; kCorrupt:
  /// what is on disk of the device's last flash cannot be read. Then nothing was begun, and the id
  /// is as new. An id that was asked for before is followed.
  rt::Status flash(const FlashRequest& request, const FlashFollowerPtr& follower);
  /// kNotFound: the id is not known; kBusy: too many follow it.
  rt::Status follow(std::string_view id, const FlashFollowerPtr& follower);
  [[nodiscard]] rt::Result<std::vector<KeptImage>> images(const std::string& device) const;
  [[nodiscard]] bool is_idle() const { return !running_; }
  /// Whether the board is being flashed, or is not known to hold a whole image.
  [[nodiscard]] bool is_out_of_service(const std::string& device) const;

 private:
  using Transaction = std::unique_ptr<FlashTransaction>;
  struct Running {
    std::string id, device;
    std::string version;  ///< empty: it is only taken back
    std::string waits;    ///< why it is not over though the board runs; empty: it does not wait
    Transaction transaction;
    std::vector<std::weak_ptr<FlashFollower>> followers;
  };
  struct Broken {
    std::string id;
    Transaction transaction;
    rt::Instant due;
  };

  [[nodiscard]] rt::Status check(const FlashRequest& request) const;
  rt::Result<std::string> image_of(const FlashRequest& request) const;
  Transaction make(const FlashRecord& record);
  Running& run(std::string id, std::string device, Transaction transaction);
  void run_next();
  void on_progress(const FlashProgress& progress);
  void on_commit_waits(const rt::Error& why);
  void on_outcome(const FlashOutcome& outcome);
  void set_aside(Running running);
  void tell_later(const FlashFollowerPtr& follower, const FlashOutcome& outcome);

  Parts parts_;
  bool started_ = false;
  std::optional<Running> running_;
  std::deque<FlashRecord> left_;            ///< by the last run of the bridge
  std::set<std::string> damaged_;           ///< devices whose record cannot be read
  std::map<std::string, Broken> broken_;    ///< by device
  std::map<std::string, rt::Nanos> pause_;  ///< after the next failure, by device
  rt::TimerId timer_ = rt::TimerId::kNone;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fieldpost::bridge
