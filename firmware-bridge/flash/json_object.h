#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fieldpost::bridge {

/// A JSON object that was read, of which nothing is expected to be as it should.
class JsonObject {
 public:
  /// nullopt: it is no JSON object, or nests too deep.
  static std::optional<JsonObject> parse(std::string_view json);

  [[nodiscard]] bool has(const char* key) const;
  /// Empty: it is not there, or no text.
  [[nodiscard]] std::string text(const char* key) const;
  /// nullopt: it is not there, or no whole number from 0 on.
  [[nodiscard]] std::optional<std::uint64_t> number(const char* key) const;
  /// False: it is not there, or not true.
  [[nodiscard]] bool flag(const char* key) const;
  /// Objects in an array; what is none is left out.
  [[nodiscard]] std::vector<JsonObject> objects(const char* key) const;
  [[nodiscard]] std::string dump() const;

 private:
  struct Value;
  std::shared_ptr<const Value> value_;
};

/// Writes an object in one line; bytes that are not UTF-8 become U+FFFD.
class JsonLine {
 public:
  JsonLine& text(std::string_view key, std::string_view value);
  JsonLine& number(std::string_view key, std::uint64_t value);
  JsonLine& flag(std::string_view key, bool value);
  /// `value` is JSON already.
  JsonLine& raw(std::string_view key, std::string_view value);
  /// Of values that are JSON already.
  JsonLine& array(std::string_view key, const std::vector<std::string>& values);
  [[nodiscard]] std::string done() const { return text_ + "}"; }  ///< without an end of line

 private:
  void begin(std::string_view key);
  std::string text_ = "{";
};

}  // namespace fieldpost::bridge
