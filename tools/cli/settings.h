#pragma once

#include <functional>
#include <optional>
#include <string>

#include "proto/rt/result.h"

namespace fieldpost::cli {

struct Settings {
  std::string url = "http://127.0.0.1:8080";
  std::string token;   ///< empty: none
  std::string source;  ///< where the url comes from, for `doctor`
};

using Environment = std::function<std::optional<std::string>(const std::string& name)>;
/// kNotFound when there is no such file.
using ReadFile = std::function<rt::Result<std::string>(const std::string& path)>;

/// --url, else FIELDPOST_URL, else the configuration file (`url` and `token_file` of
/// [coordinator]), else the
/// development default. The file is FIELDPOST_CONFIG, or config.toml in the user's configuration
/// directory, or /etc/fieldpost/fieldpost.toml. kInvalid names file, key and what was expected.
[[nodiscard]] rt::Result<Settings> load_settings(const std::string& url_option,
                                                 const Environment& environment,
                                                 const ReadFile& read_file);

}  // namespace fieldpost::cli
