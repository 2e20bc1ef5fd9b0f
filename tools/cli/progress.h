#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tools/cli/context.h"

namespace fieldpost::cli {

/// Says on standard error how far long work is: a bar on a terminal, and elsewhere a line of its
/// own every few seconds. Short work is not spoken of there at all.
class Progress {
 public:
  /// `unit` is what is counted, "lines".
  Progress(const Context& context, std::string unit);
  ~Progress() { finish(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `part` of the work is done, from 0 to 1; none: nobody knows, and there is no bar to fill.
  void show(std::uint64_t done, std::optional<double> part);
  void finish();  ///< before anything else is printed; nothing is shown after it

 private:
  [[nodiscard]] std::string bar() const;

  const Context& context_;
  std::string unit_;
  std::uint64_t done_ = 0;
  std::optional<double> part_;
  std::int64_t shown_ns_;
  bool begun_ = false;
};

}  // namespace fieldpost::cli
