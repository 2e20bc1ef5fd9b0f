#pragma once

#include <cstdint>
#include <string>

namespace fieldpost::cli {

[[nodiscard]] std::string count_words(std::uint64_t count);  ///< "1,284,551"
[[nodiscard]] std::string duration_words(double seconds);    ///< "11 d 4 h", "2 min 3 s", "0.4 s"
[[nodiscard]] std::string bytes_words(std::uint64_t bytes);  ///< "48 MiB"

}  // namespace fieldpost::cli
