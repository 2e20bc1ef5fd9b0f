#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/runner/job/job.h"
#include "proto/rt/result.h"

namespace fieldpost::agent::runner {

/// One object of a JobSpec, read key by key. The first thing that is wrong stays, whatever is read
/// after it; so a reader reads all and asks once.
class JobFields {
 public:
  /// kInvalid: it is no JSON object, or nests too deep.
  static rt::Result<JobFields> parse(std::string_view json);

  struct TextBounds {
    std::size_t bytes_max = 4096;
    bool required = false;
  };
  struct NumberBounds {
    std::uint64_t least = 0;
    std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t preset = 0;
    bool required = false;
  };
  /// What is absent or null has its preset.
  std::string text(const char* key, TextBounds bounds);
  /// A text, or a number as text.
  std::string text_or_number(const char* key);
  std::uint64_t number(const char* key, NumberBounds bounds);
  bool flag(const char* key);
  std::vector<std::string> texts(const char* key, std::size_t count_max);
  /// An object of texts, numbers and booleans; the last two become text.
  Pairs pairs(const char* key, std::size_t count_max);
  /// A JSON object as it stands; {} where there is none.
  std::string object_text(const char* key);
  /// Calls `take` for each object of an array, or for the one object that stands there.
  void each(const char* key, std::size_t count_max, const std::function<void(JobFields&)>& take);

  /// All of it, but for `key`.
  [[nodiscard]] std::string text_without(const char* key) const;
  /// For what only the caller can tell to be wrong.
  void fail(std::string_view key, std::string_view expected);
  [[nodiscard]] const std::optional<rt::Error>& error() const { return *error_; }

 private:
  struct Value;
  JobFields(std::shared_ptr<const Value> value, std::string where,
            std::shared_ptr<std::optional<rt::Error>> error)
      : value_(std::move(value)), where_(std::move(where)), error_(std::move(error)) {}

  std::shared_ptr<const Value> value_;
  std::string where_;  ///< "steps[2]."
  std::shared_ptr<std::optional<rt::Error>> error_;
};

}  // namespace fieldpost::agent::runner
