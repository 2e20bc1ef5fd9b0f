#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto/rt/result.h"

/// The commands of librsync's delta format: literal bytes, copies out of the base, an end. They are
/// read by code of ours, since librsync trusts a delta: it bounds neither what it writes nor, by
/// itself, where copies lie.
namespace fieldpost::delta {

struct DeltaCommand {
  enum class Kind : std::uint8_t { kLiteral, kCopy, kEnd };
  Kind kind = Kind::kEnd;
  std::string_view literal;  ///< a piece of one, never empty; valid until the reader is used again
  std::uint64_t offset = 0;  ///< of a copy, in the base
  std::uint64_t size = 0;    ///< of a copy, never 0
};

/// Takes a stream of commands apart, in pieces as they come.
class CommandReader {
 public:
  void add(std::string_view bytes);
  /// nullopt: more bytes are needed. kInvalid: it is no delta. After an end or a failure nothing
  /// more is read.
  rt::Result<std::optional<DeltaCommand>> next();
  /// Bytes that were added and not read.
  [[nodiscard]] std::size_t waiting() const { return bytes_.size() - taken_; }

 private:
  [[nodiscard]] std::string_view rest() const { return std::string_view(bytes_).substr(taken_); }
  std::optional<DeltaCommand> literal();
  rt::Result<std::optional<DeltaCommand>> command();

  std::string bytes_;
  std::size_t taken_ = 0;
  std::uint64_t literal_left_ = 0;
  bool is_begun_ = false;  ///< the magic was there
};

/// Appends commands to a stream.
class CommandWriter {
 public:
  explicit CommandWriter(std::string& out);
  void literal(std::string_view bytes);
  void copy(std::uint64_t offset, std::uint64_t size);
  void end();

 private:
  std::string& out_;
};

}  // namespace fieldpost::delta
