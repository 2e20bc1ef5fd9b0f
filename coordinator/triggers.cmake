# What starts builds: schedules, webhooks, repositories that are watched. Core.
find_package(date REQUIRED)
add_library(
  fieldpost_triggers STATIC
  triggers/cron.cpp
  triggers/cron_walk.cpp
  triggers/in_quotes.cpp
  triggers/schedule.cpp
  triggers/time_zone.cpp)
target_link_libraries(
  fieldpost_triggers
  PUBLIC fieldpost_flags fieldpost_rt
  PRIVATE date::date date::date-tz fmt::fmt)
