#include "tools/cli/query_output.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tools/cli/text_table.h"

namespace fieldpost::cli {
namespace {

using Json = nlohmann::ordered_json;
using Align = TextTable::Align;

std::string csv_text(const std::string& text) {
  if (text.find_first_of("\",\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out.append(c == '"' ? 2 : 1, c);
  return out + '"';
}

std::string joined(const Json& pairs) {
  std::string out;
  for (const auto& [key, value] : pairs.items()) {
    out += (out.empty() ? "" : ";") + key + "=" + value.get<std::string>();
  }
  return out;
}

/// ",7,node,measurement,tags,field", or for a group ",7;8,node=a;tag.room=b".
std::string csv_what(const Json& item) {
  if (item.contains("group")) {
    std::string ids;
    for (const Json& id : item.at("series")) ids += (ids.empty() ? "" : ";") + id.dump();
    return "," + ids + "," + csv_text(joined(item.at("group")));
  }
  std::string row = "," + item.at("id").dump();
  for (const std::string& text : {value_words(item.at("node")), value_words(item.at("measurement")),
                                  joined(item.at("tags")), value_words(item.at("field"))}) {
    row += "," + csv_text(text);
  }
  return row;
}

std::string csv_row(const Json& item, const Json& bucket) {
  std::string row = value_words(bucket.at(0)) + csv_what(item);
  for (std::size_t i = 1; i < bucket.size(); ++i) {
    row += ",";
    if (!bucket.at(i).is_null()) row += bucket.at(i).dump();
  }
  return row + "\r\n";
}

std::string words_of(const Json& item) {
  if (!item.contains("group")) {
    return fmt::format("{} {} {}", item.at("id").dump(), value_words(item.at("node")),
                       series_words(item));
  }
  const std::string labels = joined(item.at("group"));
  return fmt::format("{} ({} series)", labels, item.at("series").size());
}

std::string calibrated_words(const Json& item) {
  return item.contains("calibration") || item.contains("calibrations") ? ", calibrated" : "";
}

}  // namespace

std::string QueryOutput::title_of(const Json& item) {
  const Json& unit = item.at("unit");
  std::string title = words_of(item) + (unit.is_null() ? "" : " in " + value_words(unit));
  title += calibrated_words(item);
  if (title == last_title_) return {};
  const bool first = last_title_.empty();
  last_title_ = title;
  return fmt::format("{}# {}\n", first ? "" : "\n", title);
}

bool QueryOutput::add_json(const Json& item) {
  const std::string before = begun_ ? ",\n" : "{\"items\":[\n";
  begun_ = true;
  return context_.print(before + item.dump());
}

bool QueryOutput::add_readings(const Json& item) {
  if (format_ == QueryFormat::kJson) return add_json(item);
  std::string out = title_of(item);
  for (const Json& pair : item.at("readings")) {
    out += value_words(pair.at(0)) + "  " + value_words(pair.at(1)) + "\n";
  }
  return context_.print(out);
}

bool QueryOutput::add_buckets(const Json& item) {
  if (format_ == QueryFormat::kJson) return add_json(item);
  std::string out;
  if (format_ == QueryFormat::kCsv) {
    const bool is_group = item.contains("group");
    if (!begun_) {
      out = fmt::format("time,series,{},count,min,max,mean,first,last\r\n",
                        is_group ? "group" : "node,measurement,tags,field");
    }
    begun_ = true;
    for (const Json& bucket : item.at("buckets")) out += csv_row(item, bucket);
    return context_.print(out);
  }
  TextTable table({{"TIME", {}},
                   {"COUNT", Align::kRight},
                   {"MIN", Align::kRight},
                   {"MAX", Align::kRight},
                   {"MEAN", Align::kRight},
                   {"FIRST", Align::kRight},
                   {"LAST", Align::kRight}});
  for (const Json& bucket : item.at("buckets")) {
    std::vector<std::string> row;
    for (const Json& cell : bucket) {
      row.push_back(cell.is_number_float() ? fmt::format("{:.6g}", cell.get<double>())
                                           : value_words(cell));
    }
    table.add(std::move(row));
  }
  return context_.print(title_of(item) + table.text());
}

bool QueryOutput::add_last(const Json& item) {
  if (format_ == QueryFormat::kJson) return add_json(item);
  const std::string time = value_words(item.at("time"));
  if (format_ == QueryFormat::kTable) {
    const Json& unit = item.at("unit");
    return context_.print(
        fmt::format("{}  {} = {}{}{}\n", time, words_of(item), value_words(item.at("value")),
                    unit.is_null() ? "" : " " + value_words(unit), calibrated_words(item)));
  }
  std::string out = begun_ ? "" : "time,series,node,measurement,tags,field,unit,value\r\n";
  begun_ = true;
  const Json& value = item.at("value");
  out += time + csv_what(item) + "," +
         csv_text(item.at("unit").is_null() ? "" : value_words(item.at("unit"))) + "," +
         (value.is_string() ? csv_text(value.get<std::string>()) : value.dump()) + "\r\n";
  return context_.print(out);
}

void QueryOutput::finish() {
  if (format_ != QueryFormat::kJson) return;
  context_.print(std::string(begun_ ? "\n" : "{\"items\":[") + "],\"next_cursor\":null}\n");
}

}  // namespace fieldpost::cli
