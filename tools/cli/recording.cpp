#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "tools/cli/study.h"
#include "tools/cli/text_table.h"
#include "tools/cli/verbs.h"
#include "tools/cli/words.h"

namespace fieldpost::cli {
namespace {

using Json = nlohmann::ordered_json;
using rt::Errc;
using rt::Error;

std::string name_of(const Json& member) {
  return member.is_object() ? value_words(member.at("name")) : "-";
}

void add_if_there(Json& body, const char* name, const std::string& value) {
  if (!value.empty()) body[name] = value;
}

std::string recording_words(const Json& recording) {
  return fmt::format(
      "recording {}: {} to {}\n", value_words(recording.at("id")),
      time_words(recording.at("started")),
      recording.at("stopped").is_null() ? "now" : time_words(recording.at("stopped")));
}

rt::Result<std::vector<std::string>> open_ones(Context& context, const std::string& experiment) {
  std::vector<std::string> ids;
  const auto walked =
      for_each_item(context, experiment_path(experiment, "/recordings"), [&](const Json& item) {
        if (item.at("stopped").is_null()) ids.push_back(item.at("id").get<std::string>());
        return true;
      });
  if (!walked) return walked.error();
  return ids;
}

rt::Result<std::vector<std::string>> meant(Context& context, const RecordingStop& stop) {
  if (!stop.recording.empty()) return std::vector<std::string>{stop.recording};
  auto open = open_ones(context, stop.experiment);
  if (!open || stop.all || open->size() == 1) return open;
  if (open->empty()) return Error{Errc::kNotFound, "no recording of it is open"};
  return Error{Errc::kInvalid, fmt::format("{} recordings are open, such as {}: name one, or --all",
                                           open->size(), open->front())};
}

/// Each on a line of its own, as `fieldpost query --blob` fetches it.
std::string attachment_words(const Json& entry) {
  std::string out;
  for (const Json& each : entry.value("attachments", Json::array())) {
    out += fmt::format("\n    {}  {}  {}", value_words(each.at("sha256")),
                       bytes_words(each.at("size").get<std::uint64_t>()),
                       value_words(each.at("name")));
  }
  return out;
}

/// Sends the files; how an entry names them.
rt::Result<Json> send_attachments(Context& context, const LogbookEntry& entry) {
  BlobOptions options;
  options.measurement = kLogbookMeasurement;
  options.field = "attachment";
  options.tags = {"experiment=" + entry.experiment};
  Json out = Json::array();
  for (const std::string& path : entry.attachments) {
    const auto document = send_blob(context, options, path);
    if (!document) return document.error();
    const Json sent = Json::parse(*document, nullptr, false);
    Json item = {{"sha256", sent.value("sha256", "")}};
    if (sent.contains("name") && sent["name"].is_string()) item["name"] = sent["name"];
    out.push_back(std::move(item));
  }
  return out;
}

}  // namespace

int list_recordings(Context& context, const std::string& experiment) {
  TextTable table({{"recording"}, {"started"}, {"stopped"}, {"participant"}, {"task"}, {"by"}});
  Json all = Json::array();
  const auto walked =
      for_each_item(context, experiment_path(experiment, "/recordings"), [&](const Json& item) {
        table.add({value_words(item.at("id")), time_words(item.at("started")),
                   item.at("stopped").is_null() ? "open" : time_words(item.at("stopped")),
                   name_of(item.at("participant")), name_of(item.at("task")),
                   value_words(item.at("started_by"))});
        all.push_back(item);
        return true;
      });
  if (!walked) return context.fail(walked.error());
  context.print(context.json ? all.dump(2) + "\n" : table.text());
  return kExitDone;
}

int start_recording(Context& context, const RecordingStart& start) {
  Json body = Json::object();
  add_if_there(body, "participant", start.participant);
  add_if_there(body, "task", start.task);
  add_if_there(body, "operator", start.member_operator);
  add_if_there(body, "time", start.time);
  add_if_there(body, "stop", start.stop);
  add_if_there(body, "by", start.by);
  if (!start.nodes.empty()) body["nodes"] = start.nodes;
  const auto started =
      send_json(context, "POST", experiment_path(start.experiment, "/recordings"), body);
  if (!started) return context.fail(started.error());
  context.print(context.json ? started->dump(2) + "\n" : recording_words(*started));
  return kExitDone;
}

int stop_recording(Context& context, const RecordingStop& stop) {
  const auto ids = meant(context, stop);
  if (!ids) return context.fail(ids.error());
  Json body = Json::object();
  add_if_there(body, "time", stop.time);
  add_if_there(body, "by", stop.by);
  Json all = Json::array();
  for (const std::string& id : *ids) {
    const auto stopped = send_json(
        context, "POST",
        experiment_path(stop.experiment, "/recordings/" + encode_query(id) + "/stop"), body);
    if (!stopped) return context.fail(stopped.error());
    all.push_back(*stopped);
    if (!context.json) context.print(recording_words(*stopped));
  }
  if (context.json) context.print(all.dump(2) + "\n");
  return kExitDone;
}

int show_logbook(Context& context, const std::string& experiment) {
  Json all = Json::array();
  const auto walked =
      for_each_item(context, experiment_path(experiment, "/logbook"), [&](const Json& item) {
        if (context.json) {
          all.push_back(item);
          return true;
        }
        return context.print(fmt::format(
            "{}  {}{}: {}\n", time_words(item.at("time")), value_words(item.at("author")),
            item.at("participant").is_null() ? "" : ", " + name_of(item.at("participant")),
            value_words(item.at("text")) + attachment_words(item)));
      });
  if (!walked) return context.fail(walked.error());
  if (context.json) context.print(all.dump(2) + "\n");
  return kExitDone;
}

/// With an id of its own: sent twice, it is written once.
int write_logbook(Context& context, const LogbookEntry& entry) {
  Json body = {{"id", context.make_key()}, {"text", entry.text}};
  if (!entry.attachments.empty()) {
    auto attachments = send_attachments(context, entry);
    if (!attachments) return context.fail(attachments.error());
    body["attachments"] = *std::move(attachments);
  }
  add_if_there(body, "author", entry.author);
  add_if_there(body, "participant", entry.participant);
  add_if_there(body, "recording", entry.recording);
  add_if_there(body, "time", entry.time);
  const auto written =
      send_json(context, "POST", experiment_path(entry.experiment, "/logbook"), body);
  if (!written) return context.fail(written.error());
  context.print(context.json ? written->dump(2) + "\n" : "written\n");
  return kExitDone;
}

}  // namespace fieldpost::cli
