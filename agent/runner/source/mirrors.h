#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "proto/rt/files.h"

namespace fieldpost::agent::runner {

/// Mirrors of repositories, kept between jobs, and which of them jobs use. Workspaces share their
/// objects, so one that is used may not go.
class Mirrors {
 public:
  static constexpr std::size_t kMirrorsMax = 32;  ///< above it, those that were used longest ago go

  Mirrors(rt::Files& files, std::string directory)
      : files_(files), directory_(std::move(directory)) {}

  /// Where the mirror of a URL lies, or will. Used until `release` with the same.
  std::string use(const std::string& url);
  void release(const std::string& mirror);
  /// What has to go before one more is made; best effort where the disk does not say.
  [[nodiscard]] std::vector<std::string> superfluous() const;

 private:
  rt::Files& files_;
  std::string directory_;
  std::map<std::string, int> used_;
};

}  // namespace fieldpost::agent::runner
