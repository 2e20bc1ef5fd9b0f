#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "proto/rt/files.h"
#include "proto/rt/result.h"

namespace fieldpost::coordinator {

/// A tar archive (POSIX pax, plain ustar where that is enough) of files that lie on disk. It is
/// nowhere as a whole: any part of it is made when it is read. The same files, names and time give
/// the same bytes.
class TarArchive {
 public:
  struct File {
    std::string path;  ///< on disk
    std::string name;  ///< in the archive
    std::uint64_t size = 0;
  };

  /// `time_s`: of all entries, since 1970. kIo: a name that is no text.
  static rt::Result<TarArchive> lay_out(std::vector<File> files, std::int64_t time_s);
  [[nodiscard]] std::uint64_t size() const;
  /// So many bytes from an offset, all of which are there. kCorrupt: a file is shorter than it was.
  rt::Result<std::string> read(rt::Files& files, std::uint64_t offset, std::size_t bytes) const;

 private:
  /// Where a file lies: its header, its bytes, and zeros up to a whole block.
  struct Place {
    std::uint64_t header = 0, bytes = 0, end = 0;
  };
  rt::Status append(rt::Files& files, std::uint64_t offset, std::size_t most,
                    std::string& out) const;

  std::vector<File> files_;
  std::vector<Place> places_;  ///< one for each
  std::int64_t time_s_ = 0;
};

}  // namespace fieldpost::coordinator
