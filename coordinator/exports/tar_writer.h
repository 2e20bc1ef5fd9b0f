#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "proto/rt/result.h"

namespace fieldpost::coordinator {

/// Makes a tar archive (POSIX pax, plain ustar where that is enough) piece by piece. The same calls
/// give the same bytes. One thread at a time.
class TarWriter {
 public:
  TarWriter();
  ~TarWriter();
  TarWriter(const TarWriter&) = delete;
  TarWriter& operator=(const TarWriter&) = delete;

  /// The file before must have all its bytes. `time_s`: of the entry, since 1970.
  rt::Status begin_file(const std::string& path, std::uint64_t size, std::int64_t time_s);
  rt::Status add(std::string_view bytes);
  rt::Status finish();
  /// What was made since the last call.
  [[nodiscard]] std::string take();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fieldpost::coordinator
