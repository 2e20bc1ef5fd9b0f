#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "firmware-bridge/flash/flash_outcome.h"
#include "firmware-bridge/flash/intel_hex.h"
#include "proto/rt/files.h"
#include "proto/rt/result.h"

namespace fieldpost::bridge {

/// What is on disk of a flash that is not over.
struct FlashRecord {
  enum class State : std::uint8_t {
    kBegun,      ///< nothing was written to the board
    kWriting,    ///< perhaps some was; from here on the old image is in the journal
    kReverting,  ///< the old image is written back, because of `failed_step` and `failure`
  };
  std::string id, device, asked_by;
  State state = State::kBegun;
  std::string part, programmer;
  std::string version;      ///< expected of the new image
  std::string old_version;  ///< what the board said before; empty: nothing
  rt::Nanos timeout{0};
  std::string old_sha256, new_sha256;  ///< hex
  FlashStep failed_step = FlashStep::kWrite;
  std::string failure;
  bool interrupted = false;
};

/// An image that a board held before it was flashed.
struct KeptImage {
  std::string sha256;   ///< hex
  std::string version;  ///< that the board said; empty: it said none
  std::uint32_t bytes = 0;
};

/// The bridge's directory for flashing. Every write is durable when it returns, and a power cut in
/// it leaves what was there before. Loop thread; small files.
///
///   outcomes.json                 the last kOutcomesMax outcomes
///   DEVICE/transaction.json       a FlashRecord, while a flash is not over
///   DEVICE/new.hex, old.hex       its images, whole
///   DEVICE/write.hex, revert.hex  the pages of them that are written
///   DEVICE/read.hex               what the tool reads back
///   DEVICE/images/SHA256.hex      the last kImagesMax images that flashes replaced; index.json
class FlashJournal {
 public:
  static constexpr std::size_t kOutcomesMax = 64;
  static constexpr std::size_t kImagesMax = 8;  ///< a device
  enum class File : std::uint8_t { kNew, kOld, kWrite, kRevert, kRead };

  /// Makes the directory. kCorrupt: the outcomes are not what was written there.
  static rt::Result<FlashJournal> open(rt::Files& files, std::string directory);

  [[nodiscard]] const FlashOutcome* find_outcome(std::string_view id) const;
  /// Replaces one of the same id. On failure it is known until the bridge stops.
  rt::Status keep_outcome(FlashOutcome outcome);

  struct Unfinished {
    std::vector<FlashRecord> records;
    std::map<std::string, rt::Error> damaged;  ///< by device; says what to do
  };
  /// On failure it is not known which there are.
  [[nodiscard]] rt::Result<Unfinished> load_unfinished() const;
  rt::Status begin(const FlashRecord& record, const FlashImage& image);
  struct Images {
    FlashImage old, write, revert;
  };
  /// `record` says kWriting: from here on, a restart finds `images`.
  rt::Status begin_write(const FlashRecord& record, const Images& images);
  rt::Status begin_revert(const FlashRecord& record);
  /// The flash is over. What fails is tried again with the next flash of the device.
  rt::Status forget(const std::string& device);

  [[nodiscard]] std::string path(const std::string& device, File file) const;
  [[nodiscard]] rt::Result<FlashImage> load(const std::string& device, File file) const;
  /// So that a tool which reads nothing leaves nothing.
  rt::Status clear_read(const std::string& device);

  /// The oldest goes when there are more than kImagesMax; one that is there already is the newest.
  rt::Status keep_image(const std::string& device, const FlashImage& image,
                        const std::string& version);
  /// Oldest first.
  [[nodiscard]] rt::Result<std::vector<KeptImage>> load_images(const std::string& device) const;
  /// kNotFound: it is not kept.
  [[nodiscard]] rt::Result<FlashImage> load_image(const std::string& device,
                                                  const std::string& sha256) const;

 private:
  FlashJournal(rt::Files& files, std::string directory)
      : files_(&files), directory_(std::move(directory)) {}
  [[nodiscard]] std::string folder(const std::string& device) const;
  rt::Status write(const std::string& path, std::string_view text);
  rt::Status write_record(const FlashRecord& record);
  [[nodiscard]] rt::Result<FlashImage> load_hex(const std::string& path) const;
  rt::Status make_folders(const std::string& device);

  rt::Files* files_;
  std::string directory_;
  std::deque<FlashOutcome> outcomes_;  ///< oldest first
};

}  // namespace fieldpost::bridge
