#include "coordinator/imports/import_attempts.h"

#include <fmt/format.h>

namespace fieldpost::coordinator {
namespace {

constexpr unsigned kMarkMode = 0640;
constexpr std::size_t kMarkBytesMax = 1024;

/// One line for each attempt.
std::string mark_of(const std::string& path) {
  return path + ".attempts";
}

}  // namespace

rt::Status note_attempt(rt::Files& files, const std::string& path, const ImportPlace& place) {
  const std::string line = fmt::format("{} {} {}\n", place.file, place.row, place.offset);
  auto noted = files.read(mark_of(path), 0, kMarkBytesMax);
  if (!noted && noted.error().code != rt::Errc::kNotFound) return noted.error();
  std::string lines = noted && noted->starts_with(line) ? *noted : std::string();
  if (lines.size() >= kImportAttemptsMax * line.size()) {
    if (auto gone = forget_attempts(files, path); !gone) return gone;
    return rt::Error{
        rt::Errc::kFull,
        fmt::format("the coordinator ended {} times while it was brought in, at the same place: it "
                    "may take more memory than there is. Begin the import once more to try again",
                    kImportAttemptsMax)};
  }
  return files.write_durably(mark_of(path), lines + line, kMarkMode);
}

rt::Status forget_attempts(rt::Files& files, const std::string& path) {
  return files.remove(mark_of(path));
}

}  // namespace fieldpost::coordinator
