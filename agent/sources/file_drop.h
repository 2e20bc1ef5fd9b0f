#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/sources/body_writer.h"
#include "agent/sources/file_body.h"
#include "agent/sources/line_pump.h"
#include "agent/sources/source.h"
#include "proto/rt/files.h"

namespace fieldpost::agent {

struct FileDropConfig {
  std::string path;                        ///< the directory
  std::string pattern = "*";               ///< of names: * and ?
  wire::SeriesKey series;                  ///< of the readings that tell of the files
  std::string type;                        ///< empty: by the name's end
  rt::Nanos every = rt::Seconds{1};        ///< between looks
  rt::Nanos settle = rt::Seconds{1};       ///< a file is taken when it did not change for so long
  std::string done_path;                   ///< taken files go there; empty: they are deleted
  std::uint64_t bytes_max = 256ull << 20;  ///< of one file
};

/// * for any bytes, ? for one.
[[nodiscard]] bool matches_pattern(std::string_view name, std::string_view pattern);

/// Takes the files that appear in a directory, oldest first, one at a time. A file is deleted or
/// moved only after all of it is on disk as a body; after a crash between the two it is taken
/// again, which leaves one reading and one body. What the spool has no room for waits in the
/// directory. Names that begin with a dot, empty files, those that are too large, and what is no
/// regular file (directories, links, pipes) are left where they are.
class FileDrop final : public Source {
 public:
  static constexpr std::size_t kFilesMax = 1000;              ///< looked at in one look
  static constexpr rt::Nanos kRefusedPause = rt::Seconds{5};  ///< then the same file again
  static constexpr rt::Nanos kFailedPause = rt::Seconds{60};  ///< of one that cannot be read

  FileDrop(LinePorts ports, rt::Files& files, BodyWriter& writer, FileDropConfig config);
  ~FileDrop() override;
  FileDrop(const FileDrop&) = delete;
  FileDrop& operator=(const FileDrop&) = delete;
  [[nodiscard]] SourceHealth health() const override { return health_; }

 private:
  struct Seen {
    rt::FileInfo info;
    rt::Instant since;                      ///< when it was seen so first
    std::optional<rt::Instant> not_before;  ///< it failed
    bool left = false;                      ///< it is not to be taken as it is
    bool stored = false;                    ///< taken, but it could not be moved
  };
  using Found = std::vector<std::pair<std::string, rt::FileInfo>>;

  void look_after(rt::Nanos pause);
  void look();
  void on_found(const Found& found);
  void note(const std::string& name, const rt::FileInfo& info);
  [[nodiscard]] bool is_ready(const Seen& seen) const;
  void take_next();
  void hash_on();
  void on_hashed(const rt::Result<bool>& all);
  void offer();
  void on_stored(const rt::Status& status);
  void put_away();
  void fail(const rt::Error& error);
  void count(const std::string& what);
  [[nodiscard]] std::string path_of(const std::string& name) const {
    return config_.path + "/" + name;
  }

  LinePorts ports_;
  rt::Files& files_;
  BodyWriter& writer_;
  FileDropConfig config_;
  SourceHealth health_;
  std::map<std::string, Seen> seen_;
  std::deque<std::string> ready_;
  std::string name_;                ///< of the file that is being taken
  std::shared_ptr<FileBody> body_;  ///< the worker's while a job runs
  bool directory_failed_ = false;
  rt::TimerId timer_ = rt::TimerId::kNone;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fieldpost::agent
