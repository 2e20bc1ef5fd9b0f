#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "coordinator/imports/import_sink.h"
#include "proto/rt/result.h"
#include "proto/wire/line_protocol.h"
#include "proto/wire/readings.h"

namespace fieldpost::coordinator {

/// Gathers rows of samples as exports have them: of whom, which series, when, and the raw value.
class SampleRows {
 public:
  static constexpr std::size_t kRowsMax = 8192;
  static constexpr std::size_t kBytesMax = 2 << 20;  ///< of texts and keys

  /// What rows of a series go into; nothing else than its type is for others.
  struct Place {
    wire::ParsedLines* lines = nullptr;
    std::size_t column = 0;
    wire::ValueType type = wire::ValueType::kF64;
  };
  /// Stays until `give`. kInvalid: no name of a node, or no key of a series.
  rt::Result<Place*> find(std::string_view node, std::string_view series);
  /// `bits` as in wire::Column.
  void add(Place& place, std::int64_t time, std::uint64_t bits);
  /// Of a string series. kInvalid: too long, or not UTF-8.
  rt::Status add_text(Place& place, std::int64_t time, std::string_view text);
  /// A value as the text formats of exports have it.
  rt::Status add_value(Place& place, std::int64_t time, std::string_view text);

  /// Enough was gathered to be given on.
  [[nodiscard]] bool is_full() const { return rows_ >= kRowsMax || bytes_ >= kBytesMax; }
  /// To the sink; empty afterwards.
  void give(ImportSink& sink);

 private:
  std::map<std::string, wire::ParsedLines, std::less<>> nodes_;
  std::unordered_map<std::string, Place> places_;  ///< by node, a line feed, and series
  std::string last_key_;
  Place* last_ = nullptr;
  std::size_t rows_ = 0, bytes_ = 0;
};

}  // namespace fieldpost::coordinator
