#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "tools/cli/download.h"
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

constexpr std::int64_t kAskAgainMs = 300;

std::string exports_path(const ExportOptions& options, const std::string& rest = {}) {
  return experiment_path(options.experiment, "/exports" + rest);
}

std::string one_path(const ExportOptions& options, const Json& row, const std::string& rest = {}) {
  return exports_path(options, "/" + row.at("id").get<std::string>() + rest);
}

Json request_of(const ExportOptions& options) {
  Json body = Json::object();
  const std::pair<const char*, const std::string&> texts[] = {{"format", options.format},
                                                              {"from", options.from},
                                                              {"to", options.to},
                                                              {"time", options.time}};
  for (const auto& [name, value] : texts) {
    if (!value.empty()) body[name] = value;
  }
  const std::pair<const char*, const std::vector<std::string>&> lists[] = {
      {"participants", options.participants},
      {"tasks", options.tasks},
      {"sensors", options.sensors}};
  for (const auto& [name, values] : lists) {
    if (!values.empty()) body[name] = values;
  }
  return body;
}

int list_exports(Context& context, const ExportOptions& options) {
  constexpr auto kRight = TextTable::Align::kRight;
  TextTable table({{"export"},
                   {"state"},
                   {"format"},
                   {"readings", kRight},
                   {"size", kRight},
                   {"created"},
                   {"error"}});
  Json all = Json::array();
  const auto walked = for_each_item(context, exports_path(options), [&](const Json& item) {
    table.add({value_words(item.at("id")), value_words(item.at("state")),
               value_words(item.at("request").at("format")),
               count_words(item.at("readings").get<std::uint64_t>()),
               bytes_words(item.at("bytes").get<std::uint64_t>()), time_words(item.at("created")),
               value_words(item.at("error"))});
    all.push_back(item);
    return true;
  });
  if (!walked) return context.fail(walked.error());
  context.print(context.json ? all.dump(2) + "\n" : table.text());
  return kExitDone;
}

/// Made by this call, it is still there: asked for without its id it would be another one.
Error with_id(const Error& error, const ExportOptions& options, const std::string& id) {
  if (!options.id.empty() || error.code == Errc::kNotFound) return error;
  return {error.code, fmt::format("{} (`fieldpost export {} --id {}` goes on with this export)",
                                  error.message, options.experiment, id)};
}

rt::Result<Json> fetch_row(Context& context, const std::string& path) {
  const auto answer = fetch_patiently(context, {.path = path});
  if (!answer) return answer.error();
  Json row = Json::parse(answer->body, nullptr, false);
  if (row.is_object()) return row;
  return Error{Errc::kIo, "the answer to " + path + " is not understood"};
}

/// Follows it to its end, also over restarts of the coordinator.
rt::Result<Json> await(Context& context, const ExportOptions& options, Json row) {
  Progress progress(context, "readings");
  while (row.at("state") == "running") {
    const auto total = row.at("files_total").get<double>();
    std::optional<double> part;
    if (total > 0) part = std::min(1.0, row.at("files").get<double>() / total);
    progress.show(row.at("readings").get<std::uint64_t>(), part);
    context.pause(kAskAgainMs);
    auto next = fetch_row(context, one_path(options, row));
    if (!next) return with_id(next.error(), options, row.at("id").get<std::string>());
    row = *std::move(next);
  }
  if (row.at("state") == "done") return row;
  const std::string why = row.at("error").get<std::string>();
  return Error{Errc::kIo, why.empty() ? "the export was cancelled" : why};
}

int remove_export(Context& context, const ExportOptions& options) {
  const auto gone = fetch_good(
      context.fetcher,
      {.method = "DELETE", .path = exports_path(options, "/" + encode_query(options.id))});
  if (!gone) return context.fail(gone.error());
  context.print(context.json ? "{}\n" : "removed\n");
  return kExitDone;
}

}  // namespace

int run_export(Context& context, const ExportOptions& options) {
  if (options.list) return list_exports(context, options);
  if (options.remove) return remove_export(context, options);
  auto row = options.id.empty()
                 ? send_json(context, "POST", exports_path(options), request_of(options))
                 : fetch_json(context, exports_path(options, "/" + encode_query(options.id)));
  if (!row) return context.fail(row.error());
  if (options.no_wait) {
    context.print(context.json
                      ? row->dump(2) + "\n"
                      : fmt::format("export {}: `fieldpost export {} --id {}` fetches it\n",
                                    value_words(row->at("id")), options.experiment,
                                    value_words(row->at("id"))));
    return kExitDone;
  }
  row = await(context, options, *std::move(row));
  if (!row) return context.fail(row.error());
  const std::string path = options.out.empty() ? options.experiment + ".tar" : options.out;
  if (auto done = download(context, one_path(options, *row, "/archive"), path); !done) {
    return context.fail(with_id(done.error(), options, row->at("id").get<std::string>()));
  }
  if (path == "-") return kExitDone;
  context.print(context.json ? row->dump(2) + "\n"
                             : fmt::format("{}: {} readings, {}\n", path,
                                           count_words(row->at("readings").get<std::uint64_t>()),
                                           bytes_words(row->at("bytes").get<std::uint64_t>())));
  return kExitDone;
}

}  // namespace fieldpost::cli
