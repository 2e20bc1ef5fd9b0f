#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/rt/files.h"
#include "proto/rt/result.h"

namespace fieldpost::agent::runner {

inline constexpr std::size_t kFactBytesMax = 32 << 10;   ///< of one, with its end of line [build-2]
inline constexpr std::size_t kFactsBytesMax = 16 << 20;  ///< of a job

/// What is known of a job, as files in a directory of its own: spec.json, facts.jsonl, log. A fact
/// is on disk when it is told, and with it all of the log that came before it. A job that is there
/// at all has its whole spec. Loop thread; outlives nothing but `files`.
class JobJournal {
 public:
  /// On failure nothing of it is there, or what `open` calls kNotFound.
  static rt::Result<JobJournal> create(rt::Files& files, std::string directory,
                                       std::string_view spec);
  /// A fact that was cut short by a crash is taken away. kNotFound: the spec was never written;
  /// kCorrupt: the facts are larger than they can be.
  static rt::Result<JobJournal> open(rt::Files& files, std::string directory);

  [[nodiscard]] const std::string& directory() const { return directory_; }
  [[nodiscard]] std::string spec_path() const;  ///< without it, the job is not there
  [[nodiscard]] const std::string& spec() const { return spec_; }
  [[nodiscard]] const std::vector<std::string>& facts() const { return facts_; }
  [[nodiscard]] std::uint64_t next_fact() const { return facts_.size(); }
  [[nodiscard]] bool has_ended() const;
  /// `line` without its end, encoded with `next_fact`. On failure it is not there; again is safe.
  rt::Status add_fact(std::string line);

  [[nodiscard]] std::uint64_t log_size() const { return log_size_; }
  /// What a power cut leaves, and what may be told.
  [[nodiscard]] std::uint64_t log_synced() const { return log_synced_; }
  rt::Status append_log(std::string_view bytes);
  rt::Status sync_log();
  /// Of what is synced; empty at its end.
  rt::Result<std::string> read_log(std::uint64_t from, std::size_t bytes_max) const;

 private:
  JobJournal(rt::Files& files, std::string directory)
      : files_(&files), directory_(std::move(directory)) {}
  [[nodiscard]] std::string path(const char* name) const { return directory_ + "/" + name; }
  rt::Status read_facts();
  rt::Status write_log_again();
  rt::Status write_fact(const std::string& with_end);

  rt::Files* files_;
  std::string directory_;
  std::string spec_;
  std::vector<std::string> facts_;
  std::uint64_t facts_size_ = 0;
  bool damaged_ = false;  ///< an attempt to add a fact failed
  bool sync_failed_ = false;
  std::uint64_t log_size_ = 0;
  std::uint64_t log_synced_ = 0;
};

}  // namespace fieldpost::agent::runner
