#include "tools/cli/upload.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

namespace fieldpost::cli {
namespace {

using rt::Errc;
using rt::Error;
using rt::Result;

constexpr int kTriesMax = 10;
constexpr int kBusyStatus = 503;
constexpr std::int64_t kRetryLeastMs = 500;
constexpr std::int64_t kRetryMostMs = 30'000;
constexpr std::int64_t kNsPerSecond = 1'000'000'000;

}  // namespace

Error file_error(const std::string& path) {
  return {errno == ENOENT ? Errc::kNotFound : Errc::kIo,
          fmt::format("{}: {}", path, std::strerror(errno))};
}

Result<std::string> read_piece(UploadFile& file, std::uint64_t offset, std::size_t size) {
  std::string bytes(size, '\0');
  const bool there = ::fseeko(file.file.get(), static_cast<off_t>(offset), SEEK_SET) == 0;
  if (!there || std::fread(bytes.data(), 1, size, file.file.get()) != size) {
    return Error{Errc::kIo, file.path + ": it cannot be read, or became shorter"};
  }
  return bytes;
}

Result<UploadFile> open_upload(const std::string& path) {
  UploadFile out;
  out.path = path;
  out.name = path.substr(path.rfind('/') + 1);
  out.file.reset(std::fopen(path.c_str(), "rb"));
  struct stat found {};
  if (!out.file || ::fstat(::fileno(out.file.get()), &found) != 0) return file_error(path);
  if (!S_ISREG(found.st_mode)) return Error{Errc::kInvalid, path + ": expected a file"};
  out.size = static_cast<std::uint64_t>(found.st_size);
  if (out.size == 0) return Error{Errc::kInvalid, path + ": it is empty"};
  out.modified = {found.st_mtim.tv_sec * kNsPerSecond + found.st_mtim.tv_nsec};
  wire::Sha256 hash;
  for (std::uint64_t at = 0; at < out.size; at += kPieceBytes) {
    const auto piece = read_piece(out, at, std::min<std::uint64_t>(kPieceBytes, out.size - at));
    if (!piece) return piece.error();
    hash.add(*piece);
  }
  out.hash = hash.digest();
  return out;
}

Result<Fetched> ask_patiently(Context& context, const Fetch& fetch) {
  std::int64_t wait = kRetryLeastMs;
  for (int tries = 1;; ++tries) {
    auto answer = context.fetcher.fetch(fetch);
    const bool later =
        answer ? answer->status == kBusyStatus : answer.error().code == Errc::kUnavailable;
    if (!later || tries == kTriesMax) return answer;
    const Result<Fetched> why = only_good(std::move(answer));
    fmt::print(context.err, "fieldpost: {}; again in {:.1f} s\n", why.error().message,
               static_cast<double>(wait) / 1000);
    context.pause(wait);
    wait = std::min(wait * 2, kRetryMostMs);
  }
}

Result<Fetched> fetch_patiently(Context& context, const Fetch& fetch) {
  return only_good(ask_patiently(context, fetch));
}

std::optional<std::uint64_t> received_in(const Fetched& answer, std::uint64_t size) {
  const auto document = nlohmann::json::parse(answer.body, nullptr, false);
  if (!document.is_object() || !document.contains("received") ||
      !document["received"].is_number_unsigned()) {
    return std::nullopt;
  }
  const auto received = document["received"].get<std::uint64_t>();
  return received <= size ? std::optional(received) : std::nullopt;
}

}  // namespace fieldpost::cli
