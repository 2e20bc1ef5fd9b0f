#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
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

/// Sends what the coordinator does not have yet.
Result<Json> send(Context& context, UploadFile& file, Json row) {
  Progress progress(context, "KiB");
  const std::string path = one_path(row.at("id").get<std::string>()) + "/data?offset=";
  int standstills = 0;
  while (row.at("state") == "uploading") {
    const auto offset = row.at("received").get<std::uint64_t>();
    auto piece = read_piece(file, offset, std::min<std::uint64_t>(kPieceBytes, file.size - offset));
    if (!piece) return piece.error();
    auto answer = fetch_patiently(
        context,
        {.method = "PUT", .path = path + std::to_string(offset), .body = *std::move(piece)});
    if (!answer && answer.error().code == Errc::kBusy) {
      // Somebody else has brought it to its end meanwhile.
      auto now = fetch_json(context, one_path(row.at("id").get<std::string>()));
      if (!now || now->at("state") == "uploading") return answer.error();
      return now;
    }
    if (!answer) return answer.error();
    const auto received = received_in(*answer, file.size);
    if (!received) return Error{Errc::kIo, fmt::format("the server answered {}", answer->status)};
    standstills = *received > offset ? 0 : standstills + 1;
    if (standstills > kStandstillsMax) {
      return Error{Errc::kIo, "the server does not take the next piece"};
    }
    row = Json::parse(answer->body);
    progress.show(*received / 1024,
                  static_cast<double>(*received) / static_cast<double>(file.size));
  }
  progress.finish();
  return row;
}

/// Follows it to its end.
Result<Json> await(Context& context, Json row) {
  Progress progress(context, "readings");
  while (row.at("state") == "running") {
    std::optional<double> part;
    if (row.at("part").is_number()) part = row.at("part").get<double>();
    progress.show(row.at("readings").get<std::uint64_t>(), part);
    context.pause(kAskAgainMs);
    // Also over a restart of the coordinator: the import goes on after it.
    const auto next = fetch_patiently(context, {.path = one_path(row.at("id").get<std::string>())});
    if (!next) return next.error();
    row = Json::parse(next->body);
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

}  // namespace

int run_import(Context& context, const ImportOptions& options) {
  if (options.list) return list_imports(context);
  if (!options.remove.empty()) return remove_import(context, options.remove);
  if (options.file.empty()) return context.fail({Errc::kInvalid, "expected a file to bring in"});
  auto file = open_upload(options.file);
  if (!file && std::filesystem::is_directory(options.file)) {
    return context.fail({Errc::kInvalid, fmt::format("{0}: it is a directory: pack it first, "
                                                     "`tar -cf {0}.tar {0}`",
                                                     options.file)});
  }
  if (!file) return context.fail(file.error());
  const auto request = request_of(options, *file);
  if (!request) return context.fail(request.error());
  auto row = send_json(context, "POST", kImports, *request);
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
