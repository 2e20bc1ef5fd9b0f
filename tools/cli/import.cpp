#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "tools/cli/progress.h"
#include "tools/cli/study.h"
#include "tools/cli/text_table.h"
#include "tools/cli/upload.h"
#include "tools/cli/words.h"

namespace fieldpost::cli {
namespace {

using Json = nlohmann::ordered_json;
using rt::Errc;
using rt::Error;
using rt::Result;

constexpr const char* kImports = "/api/v1/imports";
constexpr std::int64_t kAskAgainMs = 300;
constexpr int kStandstillsMax = 3;  ///< answers by which nothing more is there
constexpr int kConflictStatus = 409;

std::string one_path(const std::string& id) {
  return kImports + ("/" + encode_query(id));
}

int list_imports(Context& context) {
  constexpr auto kRight = TextTable::Align::kRight;
  TextTable table({{"import"},
                   {"state"},
                   {"file"},
                   {"readings", kRight},
                   {"left out", kRight},
                   {"created"},
                   {"error"}});
  Json all = Json::array();
  const auto walked = for_each_item(context, kImports, [&](const Json& item) {
    table.add({value_words(item.at("id")), value_words(item.at("state")),
               value_words(item.at("request").at("name")),
               count_words(item.at("readings").get<std::uint64_t>()),
               count_words(item.at("rows_bad").get<std::uint64_t>()),
               time_words(item.at("created")), value_words(item.at("error"))});
    all.push_back(item);
    return true;
  });
  if (!walked) return context.fail(walked.error());
  context.print(context.json ? all.dump(2) + "\n" : table.text());
  return kExitDone;
}

int remove_import(Context& context, const std::string& id) {
  const auto gone = fetch_good(context.fetcher, {.method = "DELETE", .path = one_path(id)});
  if (!gone) return context.fail(gone.error());
  context.print(context.json ? "{}\n" : "removed\n");
  return kExitDone;
}

Result<Json> request_of(const ImportOptions& options, const UploadFile& file) {
  Json body = {{"name", file.name}, {"size", file.size}, {"sha256", file.hash.hex()}};
  const std::pair<const char*, const std::string&> texts[] = {{"format", options.format},
                                                              {"node", options.node},
                                                              {"node_from", options.node_from},
                                                              {"precision", options.precision},
                                                              {"delimiter", options.delimiter}};
  for (const auto& [name, value] : texts) {
    if (!value.empty()) body[name] = value;
  }
  if (!options.columns.empty()) body["columns"] = options.columns;
  if (options.again) body["again"] = true;
  if (options.mapping) {
    Json mapping = Json::parse(*options.mapping, nullptr, false);
    if (!mapping.is_object()) return Error{Errc::kInvalid, "--mapping: expected a JSON object"};
    body["mapping"] = std::move(mapping);
  }
  return body;
}

/// The import that an answer tells of.
Result<Json> row_in(const Result<Fetched>& answer) {
  if (!answer) return answer.error();
  Json row = Json::parse(answer->body, nullptr, false);
  const bool is_row = row.is_object() && row.contains("id") && row["id"].is_string() &&
                      row.contains("state") && row["state"].is_string();
  if (is_row) return row;
  return Error{Errc::kIo,
               fmt::format("the server answered {}, which is not understood", answer->status)};
}

Result<Json> announce(Context& context, const ImportOptions& options, const Json& request) {
  const Fetch fetch{.method = "POST",
                    .path = kImports,
                    .headers = {{"Content-Type", "application/json"}},
                    .body = request.dump(-1, ' ', false, Json::error_handler_t::replace)};
  // Each request that says "again" makes another one.
  if (options.again) return row_in(fetch_good(context.fetcher, fetch));
  return row_in(fetch_patiently(context, fetch));
}

Result<Json> fetch_row(Context& context, const Json& row) {
  return row_in(fetch_patiently(context, {.path = one_path(row.at("id").get<std::string>())}));
}

/// Where it stands after a piece. Refused, it may have come to its end without us, or have failed.
Result<Json> send_piece(Context& context, const Json& row, std::uint64_t offset,
                        std::string piece) {
  const std::string path = one_path(row.at("id").get<std::string>()) + "/data?offset=";
  const auto answer = ask_patiently(
      context, {.method = "PUT", .path = path + std::to_string(offset), .body = std::move(piece)});
  if (answer && answer->status == kConflictStatus) return fetch_row(context, row);
  if (!answer) return answer.error();
  return row_in(only_good(*answer));
}

/// Of one that is uploading.
Result<std::uint64_t> received_of(const Json& row, const UploadFile& file) {
  if (row.contains("received") && row["received"].is_number_unsigned()) {
    const auto received = row["received"].get<std::uint64_t>();
    if (received <= file.size) return received;
  }
  return Error{Errc::kIo, "the server does not say how much of the file it has"};
}

/// Sends what the coordinator does not have yet.
Result<Json> send(Context& context, UploadFile& file, Json row) {
  Progress progress(context, "KiB");
  int standstills = 0;
  std::optional<std::uint64_t> before;
  while (row.at("state") == "uploading") {
    const auto offset = received_of(row, file);
    if (!offset) return offset.error();
    standstills = before && *offset <= *before ? standstills + 1 : 0;
    if (standstills > kStandstillsMax) {
      return Error{Errc::kIo, "the server does not take the next piece"};
    }
    before = *offset;
    progress.show(*offset / 1024, static_cast<double>(*offset) / static_cast<double>(file.size));
    auto piece =
        read_piece(file, *offset, std::min<std::uint64_t>(kPieceBytes, file.size - *offset));
    if (!piece) return piece.error();
    auto next = send_piece(context, row, *offset, *std::move(piece));
    if (!next) return next;
    row = *std::move(next);
  }
  progress.finish();
  return row;
}

/// Follows it to its end, also over restarts of the coordinator.
Result<Json> await(Context& context, Json row) {
  Progress progress(context, "readings");
  while (row.at("state") == "running") {
    std::optional<double> part;
    if (row.at("part").is_number()) part = row.at("part").get<double>();
    progress.show(row.at("readings").get<std::uint64_t>(), part);
    context.pause(kAskAgainMs);
    auto next = fetch_row(context, row);
    if (!next) return next;
    row = *std::move(next);
  }
  progress.finish();
  return row;
}

/// What came of it; 1 when it failed, or rows were left out.
int tell(Context& context, const std::string& name, const Json& row) {
  const bool failed = row.at("state") == "failed";
  const auto bad = row.at("rows_bad").get<std::uint64_t>();
  if (failed) {
    if (context.json) context.print(row.dump(2) + "\n");
    return context.fail({Errc::kIo, name + ": " + value_words(row.at("error"))});
  }
  context.print(context.json ? row.dump(2) + "\n"
                             : fmt::format("{}: {} readings\n", name,
                                           count_words(row.at("readings").get<std::uint64_t>())));
  if (bad == 0) return kExitDone;
  for (const Json& problem : row.at("problems")) {
    fmt::print(context.err, "fieldpost: {}: {}\n", name, value_words(problem));
  }
  return context.fail({Errc::kIo, fmt::format("{}: {} rows were left out, the others stand", name,
                                              count_words(bad))});
}

/// What an import takes is one file.
Error pack_first(const std::string& directory) {
  std::error_code failed;
  auto whole = std::filesystem::absolute(directory, failed).lexically_normal();
  if (!whole.has_filename()) whole = whole.parent_path();
  const std::string parent = whole.parent_path();
  const std::string name = whole.filename();
  const bool is_here = directory == name || directory == name + "/";
  return {Errc::kInvalid, fmt::format("{}: it is a directory: pack it first, `tar{} -cf {}.tar {}`",
                                      directory, is_here ? "" : " -C " + parent, name, name)};
}

}  // namespace

int run_import(Context& context, const ImportOptions& options) {
  if (options.list) return list_imports(context);
  if (!options.remove.empty()) return remove_import(context, options.remove);
  if (options.file.empty()) return context.fail({Errc::kInvalid, "expected a file to bring in"});
  std::error_code failed;  // then opening it says what is wrong
  if (std::filesystem::is_directory(options.file, failed)) {
    return context.fail(pack_first(options.file));
  }
  auto file = open_upload(options.file);
  if (!file) return context.fail(file.error());
  const auto request = request_of(options, *file);
  if (!request) return context.fail(request.error());
  auto row = announce(context, options, *request);
  const bool was_done = row && row->at("state") == "done";
  if (row) row = send(context, *file, *std::move(row));
  if (!row) return context.fail({row.error().code, file->name + ": " + row.error().message});
  if (was_done && !context.json) {
    fmt::print(context.err, "fieldpost: {}: it was brought in before; nothing changes\n",
               file->name);
  }
  if (options.no_wait) {
    context.print(context.json ? row->dump(2) + "\n"
                               : fmt::format("import {}\n", value_words(row->at("id"))));
    return kExitDone;
  }
  row = await(context, *std::move(row));
  if (!row) return context.fail(row.error());
  return tell(context, file->name, *row);
}

}  // namespace fieldpost::cli
