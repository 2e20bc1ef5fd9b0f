#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "proto/wire/body.h"
#include "proto/wire/limits.h"
#include "proto/wire/media_type.h"
#include "tools/cli/download.h"
#include "tools/cli/progress.h"
#include "tools/cli/upload.h"
#include "tools/cli/verbs.h"

namespace fieldpost::cli {
namespace {

using Json = nlohmann::ordered_json;
using rt::Errc;
using rt::Error;
using rt::Result;

constexpr std::uint64_t kWholeBytesMax = 16 << 20;  ///< in one request
constexpr int kStandstillsMax = 3;                  ///< answers by which nothing more is there

/// A file on its way.
struct Sending {
  UploadFile file;
  std::string target;  ///< of the requests, without `offset`
};

Result<std::string> target_of(const UploadFile& file, const BlobOptions& options) {
  std::string target = fmt::format("/api/v1/blobs?measurement={}&sha256={}&size={}",
                                   encode_query(options.measurement), file.hash.hex(), file.size);
  const auto add = [&target](const std::string& name, const std::string& value) {
    if (!value.empty()) target += "&" + name + "=" + encode_query(value);
  };
  add("field", options.field);
  add("node", options.node);
  add("name", wire::is_body_name(file.name) ? file.name : "");
  for (const std::string& tag : options.tags) {
    const std::size_t equals = tag.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Error{Errc::kInvalid, "--tag " + tag + ": expected key=value"};
    }
    add("tag." + encode_query(tag.substr(0, equals)), tag.substr(equals + 1));
  }
  add("time", options.time.empty() ? std::to_string(wire::body_time(file.modified, file.name).ns)
                                   : options.time);
  return target;
}

Result<Fetched> send_piece(Context& context, Sending& sending, const std::string& type,
                           std::uint64_t offset, std::size_t size) {
  auto bytes = read_piece(sending.file, offset, size);
  if (!bytes) return bytes.error();
  return fetch_patiently(context, {.method = "POST",
                                   .path = sending.target + "&offset=" + std::to_string(offset),
                                   .headers = {{"Content-Type", type}},
                                   .body = *std::move(bytes)});
}

/// The document of the last answer. What an earlier try brought is not sent again.
Result<std::string> send(Context& context, Sending& sending, const std::string& type) {
  Progress progress(context, "KiB");
  const bool whole = sending.file.size <= kWholeBytesMax;
  std::uint64_t offset = 0;
  std::size_t next = whole ? sending.file.size : 0;  // asks first how much is there
  for (int standstills = 0; standstills <= kStandstillsMax;) {
    auto answer = send_piece(context, sending, type, offset, next);
    if (!answer) return answer.error();
    if (answer->status == 201) return std::move(answer->body);
    const auto received = received_in(*answer, sending.file.size);
    if (!received) {
      return Error{Errc::kIo, fmt::format("the server answered {}", answer->status)};
    }
    if (*received <= offset && next > 0) standstills += 1;
    offset = *received;
    next = std::min<std::uint64_t>(kPieceBytes, sending.file.size - offset);
    progress.show(offset / 1024,
                  static_cast<double>(offset) / static_cast<double>(sending.file.size));
  }
  return Error{Errc::kIo, "the server does not take the next piece"};
}

bool tell(const Context& context, const std::string& path, const std::string& document) {
  if (context.json) return context.print(document + "\n");
  const Json json = Json::parse(document, nullptr, false);
  const std::string hash = json.is_object() ? json.value("sha256", "") : "";
  return context.print(fmt::format("ok {} {}\n", hash, path));
}

/// HEAD is answered without words.
Error told(const Error& error, const std::string& of_what) {
  if (error.code != Errc::kNotFound) return error;
  return {Errc::kNotFound, "no body of " + of_what + " is there and complete"};
}

/// By its hash it stays the same one while it is fetched.
Result<std::string> last_hash(Context& context, std::int64_t series) {
  const auto head = fetch_patiently(
      context, {.method = "HEAD", .path = fmt::format("/api/v1/blobs/last?series={}", series)});
  if (!head) return told(head.error(), fmt::format("series {}", series));
  std::string tag(head->header("ETag"));
  std::erase(tag, '"');
  if (wire::Sha256Digest::from_hex(tag)) return tag;
  return Error{Errc::kIo, "the server does not say which body is the last one"};
}

}  // namespace

Result<std::string> send_blob(Context& context, const BlobOptions& options,
                              const std::string& path) {
  auto file = open_upload(path);
  if (!file) return file.error();
  auto target = target_of(*file, options);
  if (!target) return target.error();
  Sending sending{*std::move(file), *std::move(target)};
  auto document =
      send(context, sending,
           options.type.empty() ? wire::media_type_of(sending.file.name) : options.type);
  if (document) return document;
  return Error{document.error().code, path + ": " + document.error().message};
}

int run_write_blobs(Context& context, const BlobOptions& options) {
  if (options.measurement.empty()) {
    return context.fail({Errc::kInvalid, "--blob needs --measurement"});
  }
  if (!options.time.empty() && options.files.size() > 1) {
    return context.fail({Errc::kInvalid, "--time is of one file"});
  }
  for (const std::string& path : options.files) {
    const auto document = send_blob(context, options, path);
    if (!document) return context.fail(document.error());
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
  std::string hash = options.blob;
  if (last) {
    auto found = last_hash(context, options.series);
    if (!found) return context.fail(found.error());
    hash = *std::move(found);
  }
  const auto done = download(context, "/api/v1/blobs/" + encode_query(hash),
                             options.output.empty() ? "-" : options.output);
  return done ? kExitDone : context.fail(told(done.error(), "this sha256"));
}

}  // namespace fieldpost::cli
