#include "tools/cli/download.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "tools/cli/progress.h"
#include "tools/cli/upload.h"

namespace fieldpost::cli {
namespace {

using rt::Errc;
using rt::Error;
using rt::Result;
using rt::Status;

constexpr int kTriesMax = 5;  ///< without a byte more
constexpr std::int64_t kRetryMs = 2'000;
constexpr std::size_t kTagDigits = 12;

/// What is to come.
struct Whole {
  std::string path;  ///< of the request
  std::string tag;   ///< ETag with its quotes; empty: it cannot be gone on with
  std::optional<std::uint64_t> size;
};

Result<Whole> look(Context& context, const std::string& path) {
  const auto head = fetch_patiently(context, {.method = "HEAD", .path = path});
  if (!head) return head.error();
  Whole whole{path, std::string(head->header("ETag")), std::nullopt};
  const std::string_view length = head->header("Content-Length");
  std::uint64_t size = 0;
  const auto [end, failed] = std::from_chars(length.data(), length.data() + length.size(), size);
  if (failed == std::errc() && !length.empty()) whole.size = size;
  return whole;
}

/// It may go on later.
bool is_passing(const Error& error) {
  return error.code == Errc::kUnavailable || error.code == Errc::kBusy;
}

Error file_error(const char* verb, const std::string& path) {
  return {Errc::kIo, fmt::format("{} {}: {}", verb, path, std::strerror(errno))};
}

/// Of a tag its last digits: enough to tell one export's part from another's.
std::string part_name(const std::string& file, const Whole& whole) {
  std::string digits = whole.tag;
  std::erase(digits, '"');
  if (digits.size() > kTagDigits) digits.erase(0, digits.size() - kTagDigits);
  return file + (digits.empty() ? "" : "." + digits) + ".part";
}

/// A file that is not whole yet; what it has is kept.
class Part {
 public:
  explicit Part(std::string path) : path_(std::move(path)) {}
  Status open() {
    file_.reset(std::fopen(path_.c_str(), "ab"));
    if (!file_ || ::fseeko(file_.get(), 0, SEEK_END) != 0) return file_error("opening", path_);
    size_ = static_cast<std::uint64_t>(::ftello(file_.get()));
    return rt::ok();
  }
  /// Where bytes come that do not follow those it has.
  bool clear() {
    size_ = 0;
    return ::ftruncate(::fileno(file_.get()), 0) == 0;
  }
  bool write(std::string_view bytes) {
    size_ += bytes.size();
    return std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) == bytes.size();
  }
  Status close() {
    return std::fclose(file_.release()) == 0 ? rt::ok() : Status(file_error("writing", path_));
  }
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
  std::uint64_t size_ = 0;
};

void show(Progress& progress, std::uint64_t received, const Whole& whole) {
  std::optional<double> part;
  if (whole.size && *whole.size > 0) {
    part = static_cast<double>(received) / static_cast<double>(*whole.size);
  }
  progress.show(received, part);
}

/// Asks for what the part has not, and adds what comes of it.
Status fetch_rest(Context& context, const Whole& whole, Part& part, Progress& progress) {
  if (auto done = part.open(); !done) return done;
  const bool goes_on = !whole.tag.empty() && part.size() <= whole.size.value_or(UINT64_MAX);
  bool written = goes_on || part.clear();
  if (part.size() == whole.size) return part.close();
  Fetch fetch{.path = whole.path};
  if (part.size() > 0) {
    fetch.headers = {{"Range", fmt::format("bytes={}-", part.size())}, {"If-Range", whole.tag}};
  }
  fetch.on_status = [&](int status) { written = written && (status == 206 || part.clear()); };
  fetch.on_data = [&](std::string_view bytes) {
    written = written && part.write(bytes);
    show(progress, part.size(), whole);
    return written;
  };
  const auto fetched = fetch_good(context.fetcher, fetch);
  const Status closed = part.close();
  if (!written) return file_error("writing", part.path());
  if (!closed) return closed;
  return fetched ? rt::ok() : Status(fetched.error());
}

Status fetch_part(Context& context, const Whole& whole, Part& part) {
  Progress progress(context, "bytes");
  for (int tries = 1;; ++tries) {
    const std::uint64_t before = part.size();
    const Status done = fetch_rest(context, whole, part, progress);
    if (done || !is_passing(done.error())) return done;
    if (part.size() > before) tries = 0;
    if (tries >= kTriesMax) return done;
    context.pause(kRetryMs);
  }
}

/// A pipe, a device or whatever else is no file: what is written there cannot be renamed, or gone
/// on with.
bool is_no_file(const std::string& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0 && !S_ISREG(found.st_mode) && !S_ISDIR(found.st_mode);
}

/// `name`: of `to`, in errors.
Status to_stream(Context& context, const Whole& whole, std::FILE* to, const std::string& name) {
  Progress progress(context, "bytes");
  std::uint64_t received = 0;
  bool written = true;
  const auto fetched = fetch_good(
      context.fetcher, {.path = whole.path, .on_data = [&](std::string_view bytes) {
                          received += bytes.size();
                          show(progress, received, whole);
                          written = std::fwrite(bytes.data(), 1, bytes.size(), to) == bytes.size();
                          return written;
                        }});
  written = std::fflush(to) == 0 && written;
  if (!written) return file_error("writing", name);
  return fetched ? rt::ok() : Status(fetched.error());
}

}  // namespace

Status download(Context& context, const std::string& path, const std::string& file) {
  const auto whole = look(context, path);
  if (!whole) return whole.error();
  if (file == "-") return to_stream(context, *whole, context.out, "standard output");
  if (is_no_file(file)) {
    const FilePtr stream(std::fopen(file.c_str(), "wb"));
    if (!stream) return file_error("opening", file);
    return to_stream(context, *whole, stream.get(), file);
  }
  Part part(part_name(file, *whole));
  const Status done = fetch_part(context, *whole, part);
  if (!done && is_passing(done.error()) && !whole->tag.empty()) {
    return Error{done.error().code,
                 fmt::format("{}; {} bytes are in {}: the same again goes on behind them",
                             done.error().message, part.size(), part.path())};
  }
  if (!done) return done;
  if (whole->size && part.size() != *whole->size) {
    return Error{Errc::kIo, fmt::format("{} has {} bytes instead of {}: remove it and try again",
                                        part.path(), part.size(), *whole->size)};
  }
  const bool named = std::rename(part.path().c_str(), file.c_str()) == 0;
  return named ? rt::ok() : Status(file_error("renaming to", file));
}

}  // namespace fieldpost::cli
