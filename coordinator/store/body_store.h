#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/store/reading_store.h"
#include "proto/rt/files.h"
#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"
#include "proto/rt/time.h"
#include "proto/wire/body.h"

namespace fieldpost::coordinator {

/// Of bodies that are begun and not whole, over all nodes [body-2].
struct BodyLimits {
  std::uint64_t bodies_max = 4096;
  std::uint64_t bytes_max = 64ull << 30;  ///< of what they will have; one alone may have more
  std::uint64_t whole_max = 4096;  ///< whole ones that wait to become files; then none begins
};

/// At the bound the oldest body of which nothing came for so long makes room, with a gap.
inline constexpr std::int64_t kBodyStalledNs = 7ll * 86'400 * 1'000'000'000;

/// Bodies: their fragments as rows, until all are here; then files, each under its hash. A body
/// counts as stored when its file is durable and its row committed. Store thread.
class BodyStore {
 public:
  /// `files` may be null: then fragments are kept and nothing becomes a file.
  BodyStore(rt::Database& db, rt::Files* files, std::string directory, const BodyLimits& limits)
      : db_(db), files_(files), directory_(std::move(directory)), limits_(limits) {}

  /// Inside the caller's transaction. false: its body may not begin now, nothing was changed but
  /// what made room: rows of `gaps`. Repeating is safe; of one place the later bytes stay.
  rt::Result<bool> take(NodeNo node, const wire::Fragment& fragment, rt::UnixTime now,
                        std::vector<std::int64_t>& gaps);

  struct Step {
    bool more = false;                         ///< there is more to do at once
    std::optional<wire::Sha256Digest> stored;  ///< became a file
    /// The bytes that came are not those of its hash: they are dropped, and a gap tells of it.
    std::optional<wire::Sha256Digest> broken;
    NodeNo node = 0;                          ///< of the broken one
    std::vector<std::int64_t> gaps;           ///< rows, of the broken one
    std::vector<wire::Sha256Digest> missing;  ///< files that were there before this start
  };
  /// One bounded step: looks through the files once after each start, lets fragments go, makes a
  /// file of a whole body. A step that failed did nothing that the next does not do again; what
  /// fails again and again does not hold up the rest.
  rt::Result<Step> step(rt::UnixTime now);

  /// Makes the file at `path`, whose bytes are synced and hash to this, a body: renames it, and
  /// enters its row inside the caller's transaction. A body that is there already stays. Repeating
  /// is safe: what an earlier try renamed, whose transaction failed, is found where it belongs.
  /// kNotFound: it is in neither place.
  rt::Status adopt(const std::string& path, const wire::BodyReference& reference, rt::UnixTime now);

  /// Takes away a file that would have become a body.
  rt::Status discard(const std::string& path);

  void forget_uncommitted() { begun_.reset(); }

 private:
  struct Row {
    std::int64_t no = 0;
    NodeNo node = 0;
    wire::Sha256Digest hash;
    std::uint64_t size = 0;
    std::string type;
  };
  struct Assembly {
    Row row;
    std::uint64_t offset = 0;  ///< so much is in the temporary file
    wire::Sha256 hash;
  };
  struct Begun {
    std::uint64_t bodies = 0, bytes = 0;
  };

  rt::Result<bool> is_blob(const wire::Sha256Digest& hash);
  rt::Result<std::optional<std::int64_t>> find(NodeNo node, const wire::Fragment& fragment);
  rt::Result<std::optional<std::int64_t>> begin(NodeNo node, const wire::Fragment& fragment,
                                                rt::UnixTime now, std::vector<std::int64_t>& gaps);
  rt::Result<bool> make_room(std::uint64_t size, rt::UnixTime now, std::vector<std::int64_t>& gaps);
  rt::Result<bool> has_backlog();
  rt::Result<bool> give_up_stalled(rt::UnixTime now, std::vector<std::int64_t>& gaps);
  rt::Status count_begun();
  rt::Status put(std::int64_t body, const wire::Fragment& fragment, rt::UnixTime now);

  rt::Result<Step> sweep();
  rt::Status sweep_temporaries();
  rt::Status remove_stray(const std::string& path);
  rt::Status sweep_directory(unsigned prefix, std::vector<wire::Sha256Digest>& missing);
  rt::Result<bool> let_go();
  rt::Result<Step> assemble(rt::UnixTime now);
  rt::Result<bool> find_whole(rt::UnixTime now);
  rt::Status write_on();
  rt::Status count_again(const Row& row);
  rt::Error give_up_for_now(const rt::Status& why, rt::UnixTime now);
  rt::Result<Step> finish(rt::UnixTime now);
  rt::Status declare_broken(const Row& row, rt::UnixTime now, std::vector<std::int64_t>& gaps);
  rt::Status end_body(const Row& row);
  rt::Status put_in_place(const std::string& path, const wire::Sha256Digest& hash);
  rt::Result<bool> is_in_place(const wire::BodyReference& reference);
  rt::Status add_blob(const wire::Sha256Digest& hash, std::uint64_t size, const std::string& type,
                      rt::UnixTime now);
  [[nodiscard]] std::string temporary() const;

  rt::Database& db_;
  rt::Files* files_;
  std::string directory_;
  BodyLimits limits_;
  std::optional<Begun> begun_;  ///< none: to be counted
  std::optional<Assembly> assembly_;
  unsigned swept_ = 0;            ///< directories, of kDirectories
  int sweep_failures_ = 0;        ///< of the next one
  std::bitset<256> directories_;  ///< whose names are durable
};

}  // namespace fieldpost::coordinator
