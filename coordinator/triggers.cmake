# What starts builds: schedules, webhooks, repositories that are watched. Core.
find_package(date REQUIRED)
add_library(
  fieldpost_triggers STATIC
  triggers/cron.cpp
  triggers/cron_walk.cpp
  triggers/filters/event_filters.cpp
  triggers/filters/filter_pattern.cpp
  triggers/git/git_names.cpp
  triggers/git/git_poll.cpp
  triggers/git/ls_remote.cpp
  triggers/hook_event.cpp
  triggers/hooks/gitea.cpp
  triggers/hooks/github.cpp
  triggers/hooks/gitlab.cpp
  triggers/hooks/hook_door.cpp
  triggers/hooks/hook_json.cpp
  triggers/hooks/hook_parts.cpp
  triggers/hooks/hook_signature.cpp
  triggers/hooks/seen_deliveries.cpp
  triggers/in_quotes.cpp
  triggers/schedule.cpp
  triggers/time_zone.cpp)
target_link_libraries(
  fieldpost_triggers
  PUBLIC fieldpost_flags fieldpost_rt
  PRIVATE date::date date::date-tz fmt::fmt nlohmann_json::nlohmann_json PkgConfig::RE2
          PkgConfig::SODIUM)
