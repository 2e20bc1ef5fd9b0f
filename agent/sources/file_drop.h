#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "agent/sources/body_writer.h"
#include "agent/sources/drop_directory.h"
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

/// Takes the files that appear in a directory, oldest first, one at a time. A file is deleted or
/// moved only after all of it is on disk as a body, and only that file: another one that took its
/// name meanwhile is taken after it. After a crash between the two it is taken again, which leaves
/// one reading and one body. What the spool has no room for waits in the directory. Names that
/// begin with a dot, empty files, those that are too large, and what is no regular file
/// (directories, links, pipes) are left where they are. Of very many files the oldest are known,
/// and the source's health says so.
class FileDrop final : public Source {
 public:
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
    rt::Instant since;                         ///< when it was seen so first
    std::optional<rt::Instant> not_before;     ///< it failed
    std::optional<wire::Sha256Digest> stored;  ///< taken, and only to be put away
  };

  void look_after(rt::Nanos pause);
  void look();
  [[nodiscard]] DropLook what_to_look_for() const;
  void on_found(const DropScan& found);
  bool note(const DroppedFile& file);
  [[nodiscard]] bool is_resting(const Seen& seen) const;
  [[nodiscard]] bool is_ready(const Seen& seen) const;
  void take_next();
  void take(const rt::FileInfo& info);
  void hash_on();
  void on_hashed(const rt::Result<bool>& all);
  void offer();
  void on_stored(const rt::Status& status);
  void wait_for_room(const rt::Error& error);
  void put_away();
  void on_put_away(const PutAway& put);
  void fail(const rt::Error& error);
  void note_failure(const rt::Error& error);
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
  std::shared_ptr<FileBody> body_;  ///< the last that was hashed; the worker's while a job runs
  bool directory_failed_ = false;
  bool crowded_ = false;
  rt::TimerId timer_ = rt::TimerId::kNone;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fieldpost::agent
