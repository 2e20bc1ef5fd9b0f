# What the coordinator answers over HTTP: core, like the rest.
add_library(
  fieldpost_coordinator_http STATIC
  http/aggregate_answer.cpp
  http/aggregate_routes.cpp
  http/api.cpp
  http/blob_routes.cpp
  http/blob_stream.cpp
  http/blob_uploads.cpp
  http/byte_stream.cpp
  http/calibrated_answer.cpp
  http/config_routes.cpp
  http/csv_export.cpp
  http/cursor.cpp
  http/deletion_routes.cpp
  http/experiment_routes.cpp
  http/export_download.cpp
  http/export_routes.cpp
  http/device_routes.cpp
  http/foreign_page.cpp
  http/health_routes.cpp
  http/import_routes.cpp
  http/live_routes.cpp
  http/live_stream.cpp
  http/logbook_routes.cpp
  http/member_routes.cpp
  http/node_routes.cpp
  http/own_paths.cpp
  http/page_routes.cpp
  http/readings_answer.cpp
  http/readings_routes.cpp
  http/readings_walk.cpp
  http/recording_routes.cpp
  http/replay_routes.cpp
  http/router.cpp
  http/study_answers.cpp
  http/upload_file.cpp
  http/upload_room.cpp
  http/write_routes.cpp)
fieldpost_embed(
  fieldpost_coordinator_http fieldpost::coordinator::web web_files.h
  ${CMAKE_CURRENT_SOURCE_DIR}/web/index.html kPage
  ${CMAKE_CURRENT_SOURCE_DIR}/web/page.js kScript
  ${CMAKE_CURRENT_SOURCE_DIR}/web/page.css kStyle
  ${CMAKE_CURRENT_SOURCE_DIR}/web/icon.svg kIcon
  ${CMAKE_CURRENT_SOURCE_DIR}/http/openapi.json kOpenApi)
target_link_libraries(
  fieldpost_coordinator_http
  PUBLIC fieldpost_coordinator
  PRIVATE fieldpost_config nlohmann_json::nlohmann_json)
