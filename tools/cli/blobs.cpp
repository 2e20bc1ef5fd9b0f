#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "proto/wire/body.h"
#include "proto/wire/limits.h"
#include "proto/wire/media_type.h"
#include "proto/wire/sha256.h"
#include "tools/cli/progress.h"
#include "tools/cli/verbs.h"

namespace fieldpost::cli {
namespace {

using Json = nlohmann::ordered_json;
using rt::Errc;
using rt::Error;
using rt::Result;

constexpr std::size_t kPieceBytes = 8 << 20;
constexpr std::uint64_t kWholeBytesMax = 16 << 20;  ///< in one request
constexpr int kTriesMax = 10;
constexpr int kStandstillsMax = 3;  ///< answers by which nothing more is there
constexpr std::int64_t kRetryLeastMs = 500;
constexpr std::int64_t kRetryMostMs = 30'000;
constexpr std::int64_t kNsPerSecond = 1'000'000'000;

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using FilePtr = std::unique_ptr<std::FILE, CloseFile>;

Error file_error(const std::string& path) {
  return {errno == ENOENT ? Errc::kNotFound : Errc::kIo,
          fmt::format("{}: {}", path, std::strerror(errno))};
}

/// A file on its way.
struct Sending {
  std::string path, name;
  FilePtr file;
  std::uint64_t size = 0;
  rt::UnixTime modified;
  wire::Sha256Digest hash;
  std::string target;  ///< of the requests, without `offset`
};

Result<std::string> read_piece(Sending& sending, std::uint64_t offset, std::size_t size) {
  std::string bytes(size, '\0');
  const bool there = ::fseeko(sending.file.get(), static_cast<off_t>(offset), SEEK_SET) == 0;
  if (!there || std::fread(bytes.data(), 1, size, sending.file.get()) != size) {
    return Error{Errc::kIo, sending.path + ": it cannot be read, or became shorter"};
  }
  return bytes;
}

Result<Sending> open_file(const std::string& path) {
  Sending sending;
  sending.path = path;
  sending.name = path.substr(path.rfind('/') + 1);
  sending.file.reset(std::fopen(path.c_str(), "rb"));
  struct stat found {};
  if (!sending.file || ::fstat(::fileno(sending.file.get()), &found) != 0) return file_error(path);
  if (!S_ISREG(found.st_mode)) return Error{Errc::kInvalid, path + ": expected a file"};
  sending.size = static_cast<std::uint64_t>(found.st_size);
  sending.modified = {found.st_mtim.tv_sec * kNsPerSecond + found.st_mtim.tv_nsec};
  wire::Sha256 hash;
  for (std::uint64_t at = 0; at < sending.size; at += kPieceBytes) {
    const auto piece =
        read_piece(sending, at, std::min<std::uint64_t>(kPieceBytes, sending.size - at));
    if (!piece) return piece.error();
    hash.add(*piece);
  }
  sending.hash = hash.digest();
  return sending;
}

Result<std::string> target_of(const Sending& sending, const BlobOptions& options) {
  std::string target =
      fmt::format("/api/v1/blobs?measurement={}&sha256={}&size={}",
                  encode_query(options.measurement), sending.hash.hex(), sending.size);
  const auto add = [&target](const std::string& name, const std::string& value) {
    if (!value.empty()) target += "&" + name + "=" + encode_query(value);
  };
  add("field", options.field);
  add("node", options.node);
  add("name", wire::is_body_name(sending.name) ? sending.name : "");
  for (const std::string& tag : options.tags) {
    const std::size_t equals = tag.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Error{Errc::kInvalid, "--tag " + tag + ": expected key=value"};
    }
    add("tag." + encode_query(tag.substr(0, equals)), tag.substr(equals + 1));
  }
  add("time", options.time.empty()
                  ? std::to_string(wire::body_time(sending.modified, sending.name).ns)
                  : options.time);
  return target;
}

/// Offered again while the server is away or full; a piece that came already changes nothing.
Result<Fetched> post(Context& context, const Fetch& fetch) {
  std::int64_t wait = kRetryLeastMs;
  for (int tries = 1;; ++tries) {
    auto answer = fetch_good(context.fetcher, fetch);
    const bool later = !answer && (answer.error().code == Errc::kUnavailable ||
                                   answer.error().code == Errc::kBusy);
    if (!later || tries == kTriesMax) return answer;
    fmt::print(context.err, "fieldpost: {}; again in {:.1f} s\n", answer.error().message,
               static_cast<double>(wait) / 1000);
    context.pause(wait);
    wait = std::min(wait * 2, kRetryMostMs);
  }
}

Result<Fetched> send_piece(Context& context, Sending& sending, const std::string& type,
                           std::uint64_t offset, std::size_t size) {
  auto bytes = read_piece(sending, offset, size);
  if (!bytes) return bytes.error();
  return post(context, {.method = "POST",
                        .path = sending.target + "&offset=" + std::to_string(offset),
                        .headers = {{"Content-Type", type}},
                        .body = *std::move(bytes)});
}

/// What the server has of it, as its answer to a piece says.
std::optional<std::uint64_t> received_of(const Fetched& answer) {
  const Json document = Json::parse(answer.body, nullptr, false);
  if (answer.status != 202 || !document.is_object() || !document.contains("received") ||
      !document["received"].is_number_unsigned()) {
    return std::nullopt;
  }
  return document["received"].get<std::uint64_t>();
}

/// The document of the last answer. What an earlier try brought is not sent again.
Result<std::string> send(Context& context, Sending& sending, const std::string& type) {
  Progress progress(context, "KiB");
  const bool whole = sending.size <= kWholeBytesMax;
  std::uint64_t offset = 0;
  std::size_t next = whole ? sending.size : 0;  // asks first how much is there
  for (int standstills = 0; standstills <= kStandstillsMax;) {
    auto answer = send_piece(context, sending, type, offset, next);
    if (!answer) return answer.error();
    if (answer->status == 201) return std::move(answer->body);
    const auto received = received_of(*answer);
    if (!received || *received > sending.size) {
      return Error{Errc::kIo, fmt::format("the server answered {}", answer->status)};
    }
    if (*received <= offset && next > 0) standstills += 1;
    offset = *received;
    next = std::min<std::uint64_t>(kPieceBytes, sending.size - offset);
    progress.show(offset / 1024, static_cast<double>(offset) / static_cast<double>(sending.size));
  }
  return Error{Errc::kIo, "the server does not take the next piece"};
}

Result<std::string> send_file(Context& context, const BlobOptions& options,
                              const std::string& path) {
  auto sending = open_file(path);
  if (!sending) return sending.error();
  if (sending->size == 0) return Error{Errc::kInvalid, path + ": it is empty"};
  auto target = target_of(*sending, options);
  if (!target) return target.error();
  sending->target = *std::move(target);
  return send(context, *sending,
              options.type.empty() ? wire::media_type_of(sending->name) : options.type);
}

bool tell(const Context& context, const std::string& path, const std::string& document) {
  if (context.json) return context.print(document + "\n");
  const Json json = Json::parse(document, nullptr, false);
  const std::string hash = json.is_object() ? json.value("sha256", "") : "";
  return context.print(fmt::format("ok {} {}\n", hash, path));
}

}  // namespace

int run_write_blobs(Context& context, const BlobOptions& options) {
  if (options.measurement.empty()) {
    return context.fail({Errc::kInvalid, "--blob needs --measurement"});
  }
  if (!options.time.empty() && options.files.size() > 1) {
    return context.fail({Errc::kInvalid, "--time is of one file"});
  }
  for (const std::string& path : options.files) {
    const auto document = send_file(context, options, path);
    if (!document) {
      return context.fail({document.error().code, path + ": " + document.error().message});
    }
    if (!tell(context, path, *document)) return kExitDone;
  }
  return kExitDone;
}

int run_get_blob(Context& context, const GetBlobOptions& options) {
  const bool last = options.blob == "last";
  if (last == (options.series == 0)) {
    return context.fail({Errc::kInvalid, "--blob last goes with one --series, and a hash without"});
  }
  if (options.output.empty() && context.out_terminal) {
    return context.fail({Errc::kInvalid, "these are bytes: give --output FILE, or a pipe"});
  }
  const FilePtr file(options.output.empty() ? nullptr : std::fopen(options.output.c_str(), "wb"));
  if (!file && !options.output.empty()) return context.fail(file_error(options.output));
  std::FILE* const to = file ? file.get() : context.out;
  bool written = true;
  const std::string path = last ? fmt::format("/api/v1/blobs/last?series={}", options.series)
                                : "/api/v1/blobs/" + encode_query(options.blob);
  const auto answer = fetch_good(
      context.fetcher, {.path = path, .on_data = [&](auto bytes) {
                          written = std::fwrite(bytes.data(), 1, bytes.size(), to) == bytes.size();
                          return written;
                        }});
  written = std::fflush(to) == 0 && written;
  if (answer && written) return kExitDone;
  if (file) std::remove(options.output.c_str());
  return context.fail(answer ? Error{Errc::kIo, "writing what came"} : answer.error());
}

}  // namespace fieldpost::cli
