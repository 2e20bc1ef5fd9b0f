#include "tools/cli/settings.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "proto/rt/config.h"
#include "proto/rt/config_schema.h"

namespace fieldpost::cli {
namespace {

constexpr const char* kSystemFile = "/etc/fieldpost/fieldpost.toml";
constexpr const char* kUrlExpected = "http://HOST:PORT or https://HOST";

bool is_url(std::string_view url) {
  return url.starts_with("http://") || url.starts_with("https://");
}

rt::ConfigSchema make_schema() {
  rt::ConfigKey url{.name = "url", .preset = Settings().url, .meaning = "Where the coordinator is"};
  url.is_valid = &is_url;
  url.expectation = kUrlExpected;
  rt::ConfigKey token{.name = "token_file", .meaning = "A file that holds the user's token"};
  rt::ConfigSection section;
  section.name = "coordinator";
  section.keys = {url, token};
  return {section};
}

/// The file that FIELDPOST_CONFIG names; empty: none.
std::string named_file(const Environment& environment) {
  return environment("FIELDPOST_CONFIG").value_or("");
}

std::vector<std::string> config_paths(const Environment& environment) {
  if (const std::string path = named_file(environment); !path.empty()) return {path};
  std::vector<std::string> paths;
  if (const auto base = environment("XDG_CONFIG_HOME")) {
    paths.push_back(*base + "/fieldpost/config.toml");
  } else if (const auto home = environment("HOME")) {
    paths.push_back(*home + "/.config/fieldpost/config.toml");
  }
  paths.emplace_back(kSystemFile);
  return paths;
}

/// The first file that there is; one that was named has to be there.
rt::Result<rt::ConfigSources> read_sources(const Environment& environment,
                                           const ReadFile& read_file) {
  rt::ConfigSources sources;
  const bool named = !named_file(environment).empty();
  for (const std::string& path : config_paths(environment)) {
    auto text = read_file(path);
    if (!text && text.error().code == rt::Errc::kNotFound && !named) continue;
    if (!text) return rt::Error{rt::Errc::kInvalid, text.error().message};
    sources.file_name = path;
    sources.file_text = *std::move(text);
    break;
  }
  return sources;
}

rt::Status override_url(Settings& settings, const std::string& where, const std::string& url) {
  if (!is_url(url)) {
    return rt::Error{rt::Errc::kInvalid,
                     fmt::format("{}: expected {}, not \"{}\"", where, kUrlExpected, url)};
  }
  settings.url = url;
  settings.source = where;
  return rt::ok();
}

}  // namespace

rt::Result<Settings> load_settings(const std::string& url_option, const Environment& environment,
                                   const ReadFile& read_file) {
  const auto sources = read_sources(environment, read_file);
  if (!sources) return sources.error();
  const auto config = rt::load_config(make_schema(), *sources);
  if (!config) return config.error();
  const rt::ConfigTable& coordinator = config->section("coordinator");
  Settings settings;
  settings.source = coordinator.text("url") == settings.url ? "the default" : sources->file_name;
  settings.url = coordinator.text("url");
  if (const std::string& file = coordinator.text("token_file"); !file.empty()) {
    const auto token = read_file(file);
    if (!token) return coordinator.error("token_file", token.error().message);
    settings.token = token->substr(0, token->find_first_of("\r\n"));
  }
  const auto variable = environment("FIELDPOST_URL");
  rt::Status done = rt::ok();
  if (!url_option.empty()) {
    done = override_url(settings, "--url", url_option);
  } else if (variable && !variable->empty()) {
    done = override_url(settings, "FIELDPOST_URL", *variable);
  }
  if (!done) return done.error();
  return settings;
}

}  // namespace fieldpost::cli
