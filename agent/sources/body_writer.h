#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/intake.h"
#include "agent/sources/patient_intake.h"
#include "proto/rt/clock.h"
#include "proto/rt/loop.h"
#include "proto/wire/body.h"
#include "proto/wire/readings.h"

namespace fieldpost::agent {

/// Bytes `offset` … `offset + size` of a body; `done` on the loop, at once or later.
using ReadPiece = std::function<void(std::uint64_t offset, std::size_t size,
                                     std::function<void(rt::Result<std::string>)> done)>;

/// A body with the series and time that it belongs to.
struct BodyOffer {
  wire::BodyReference reference;  ///< its hash is that of what `read` gives: the caller sees to it
  wire::SeriesKey series;         ///< the type is set here
  rt::UnixTime time;
  bool stamped = false;         ///< it came without a time: `time` is now
  std::string idempotency_key;  ///< of its reading; empty: none
  /// Nobody waits: when only its reading finds no room it is offered again until it does, so that
  /// the fragments are not written anew. Other bodies go on meanwhile.
  bool patient = false;
  /// It goes into the spool window by window as there is room, so that it may be larger than all
  /// that bodies may take of it; after a restart it goes on where it stood, when it is offered
  /// again. Once it was begun no other body is written before the rest of it [body-3].
  bool in_windows = false;
  ReadPiece read;
};

/// Accepts bodies durably, one after the other: first the fragments, few at a time in memory, then
/// the reading that tells of the body. So a reading that was accepted has all its bytes on disk
/// before it, and a crash leaves at most fragments that no reading tells of. Offering the same
/// again is harmless: fragments are known by content, readings by series and time. Which body
/// stands between two windows is on disk with the fragments before them. Loop thread.
class BodyWriter {
 public:
  static constexpr std::size_t kBodiesMax = 16;          ///< waiting; more: kBusy
  static constexpr std::size_t kFragmentsPerCommit = 4;  ///< and in memory
  /// Patient ones of which only the reading waits; more: kFull. No fewer than there are sources,
  /// each of which offers one at a time.
  static constexpr std::size_t kParkedMax = 256;
  static constexpr rt::Nanos kTellAgain = rt::Seconds{5};
  static constexpr rt::Nanos kRoomEvery = rt::Seconds{1};  ///< looked for the next window's
  /// For so long after a start others wait for the one that a former life had begun; nobody may
  /// have it any more.
  static constexpr rt::Nanos kBegunWaitMax = rt::Seconds{300};

  /// Asks the intake at once for the body that stands between two windows.
  BodyWriter(rt::Loop& loop, const rt::WallClock& clock, Intake& intake);
  ~BodyWriter();
  BodyWriter(const BodyWriter&) = delete;
  BodyWriter& operator=(const BodyWriter&) = delete;

  /// `done` when all of it is on disk. kInvalid: no such series or reference, or larger than the
  /// spool ever takes; kFull: no room now, also while another waits for its next window; kBusy: too
  /// many wait; what `read` says; kIo.
  void accept(BodyOffer offer, std::function<void(rt::Status)> done);
  /// What `accept` says of the size alone, for whoever would do work in vain: kInvalid, kFull.
  [[nodiscard]] rt::Status find_room(std::uint64_t size) const;

 private:
  struct Work {
    BodyOffer offer;
    std::function<void(rt::Status)> done;
    wire::ParsedLines reading;
    std::uint64_t offset = 0;
    std::vector<wire::Record> fragments;  ///< read, not written
  };
  using WorkPtr = std::shared_ptr<Work>;

  rt::Status prepare(Work& work) const;
  void on_place(const std::optional<BodyPlace>& place);
  void give_up_begun();
  [[nodiscard]] bool is_begun(const BodyOffer& offer) const;
  void begin_next();
  [[nodiscard]] rt::Status begin();
  void read_on();
  void on_piece(rt::Result<std::string> piece);
  [[nodiscard]] wire::Record record_of(std::string bytes) const;
  void write();
  void write_window();
  void on_window(const rt::Status& status);
  void wait_for_room();
  void tell(const WorkPtr& work);
  void on_told(const WorkPtr& work, const rt::Result<Accepted>& result);
  [[nodiscard]] bool park(const WorkPtr& work);
  void tell_parked();
  void end(const rt::Status& status);

  rt::Loop& loop_;
  const rt::WallClock& clock_;
  Intake& intake_;
  PatientIntake patient_;
  std::deque<WorkPtr> waiting_;
  WorkPtr work_;                 ///< null: nothing is being written
  std::vector<WorkPtr> parked_;  ///< all fragments are on disk, and the reading found no room
  rt::TimerId timer_ = rt::TimerId::kNone;
  bool is_ready_ = false;           ///< `begun_` is what the intake says
  std::optional<BodyPlace> begun_;  ///< goes before all others
  bool waits_for_room_ = false;     ///< `work_` does, for its next window
  rt::TimerId room_timer_ = rt::TimerId::kNone;
  rt::TimerId begun_timer_ = rt::TimerId::kNone;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fieldpost::agent
