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

std::string csv_row(const Json& item, const Json& bucket) {
  std::string tags;
  for (const auto& [key, value] : item.at("tags").items()) {
    tags += (tags.empty() ? "" : ";") + key + "=" + value.get<std::string>();
  }
  std::string row = value_words(bucket.at(0));
  row += "," + item.at("id").dump();
  for (const std::string& text : {value_words(item.at("node")), value_words(item.at("measurement")),
                                  tags, value_words(item.at("field"))}) {
    row += "," + csv_text(text);
  }
  for (std::size_t i = 1; i < bucket.size(); ++i) row += "," + bucket.at(i).dump();
  return row + "\r\n";
}

}  // namespace

std::string QueryOutput::title_of(const Json& item) {
  const std::string id = item.at("id").dump();
  if (id == last_series_) return {};
  const bool first = last_series_.empty();
  last_series_ = id;
  const Json& unit = item.at("unit");
  return fmt::format("{}# {} {} {}{}\n", first ? "" : "\n", id, value_words(item.at("node")),
                     series_words(item), unit.is_null() ? "" : " in " + value_words(unit));
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
    if (!begun_) out = "time,series,node,measurement,tags,field,count,min,max,mean,first,last\r\n";
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

void QueryOutput::finish() {
  if (format_ != QueryFormat::kJson) return;
  context_.print(std::string(begun_ ? "\n" : "{\"items\":[") + "],\"next_cursor\":null}\n");
}

}  // namespace fieldpost::cli
