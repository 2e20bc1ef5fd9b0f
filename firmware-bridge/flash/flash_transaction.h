#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "firmware-bridge/flash/avr_parts.h"
#include "firmware-bridge/flash/board_content.h"
#include "firmware-bridge/flash/flash_board.h"
#include "firmware-bridge/flash/flash_journal.h"
#include "firmware-bridge/flash/flash_outcome.h"
#include "firmware-bridge/flash/flash_tool.h"
#include "proto/rt/loop.h"

namespace fieldpost::bridge {

struct FlashParts {
  rt::Loop& loop;
  FlashTool& tool;
  FlashBoard& board;
  FlashJournal& journal;
  unsigned baud = 115200;  ///< of the bootloader
};

/// One flash of one board: it ends with the new image running or the old one written back. Before
/// the first byte is written the old image and both sets of pages are on disk, so whatever stops
/// the bridge, the next start can write the old image back. Loop thread; dropping it leaves the
/// rest to the next start.
///
/// Taking back begins and ends with reading the board: one that holds neither the old firmware nor
/// the new one is another board, and is not written to.
///
/// A flash that was interrupted after its write began is taken back, also when it was verified
/// already: nobody may be left who knows what the board should have said, the cut may have come of
/// the new firmware, and the old image is known to have run.
class FlashTransaction {
 public:
  static constexpr rt::Nanos kSuspendMost = rt::Seconds{30};
  static constexpr int kRevertTriesMax = 3;  ///< before the board is called broken
  static constexpr rt::Nanos kRevertPause = rt::Seconds{2};
  static constexpr rt::Nanos kCommitPause = rt::Seconds{5};  ///< between tries, on a full disk

  struct Handlers {
    std::function<void(const FlashProgress&)> on_progress;
    /// The board runs the new image, and the disk refuses the outcome. Told once, then tried until
    /// it takes it. May not drop the transaction.
    std::function<void(const rt::Error&)> on_commit_waits;
    /// Called once for `begin`, `recover` and each `revert_again`, not from inside, and may drop
    /// the transaction. The journal has it, unless the disk refused.
    std::function<void(const FlashOutcome&)> on_outcome;
  };

  FlashTransaction(const FlashParts& parts, FlashRecord record, Handlers handlers);
  ~FlashTransaction();
  FlashTransaction(const FlashTransaction&) = delete;
  FlashTransaction& operator=(const FlashTransaction&) = delete;

  /// From the first step. The device has nothing unfinished in the journal.
  void begin(const std::string& hex);
  /// Of a record that the journal had at the start of the bridge: takes back what was written.
  void recover();
  /// After kBroken: the board may be there again.
  void revert_again();

 private:
  using Status = rt::Status;
  using Next = void (FlashTransaction::*)(const Status&);

  void suspend(Next next);
  void on_suspended(const Status& done);
  void on_identified(const Status& done);
  Status start_read(Next next);
  void on_read(const Status& done);
  void prepare_write();
  void on_written(const Status& done);
  void on_verified(const Status& done);
  void on_confirmed(const Status& done);
  void commit();
  void take_back(const rt::Error& why);
  void revert();
  void on_revert_suspended(const Status& done);
  void on_revert_read(const Status& done);
  void on_revert_written(const Status& done);
  void on_revert_checked(const Status& done);
  void wait_for_life();
  void on_life_sign(const Status& done);
  void revert_failed(const rt::Error& why);
  void end_unchanged(const rt::Error& why);
  void end(FlashState state, std::string error);

  void enter(FlashStep step);
  rt::Result<FlashTarget> target() const;
  rt::Result<BoardContent> content_read() const;
  std::function<void(Status)> then(Next next);
  FlashTool::OnProgress progress();
  void pause(rt::Nanos span, void (FlashTransaction::*next)());

  FlashParts parts_;
  FlashRecord record_;
  Handlers handlers_;
  AvrPart part_;
  FlashImage new_;
  FlashStep step_ = FlashStep::kCheck;
  bool journaled_ = false;
  bool writes_ = false;  ///< the images differ: there is something to take back
  bool commit_waits_ = false;
  int revert_tries_ = 0;
  std::uint64_t turn_ = 0;  ///< counts steps: answers of earlier ones are too late
  rt::TimerId timer_ = rt::TimerId::kNone;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fieldpost::bridge
