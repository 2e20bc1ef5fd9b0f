#pragma once

#include <functional>
#include <string>
#include <vector>

#include "coordinator/experiments/sensor_config.h"
#include "coordinator/experiments/study_desk.h"
#include "coordinator/exports/export_desk.h"
#include "coordinator/http/query_desk.h"
#include "coordinator/http/router.h"
#include "coordinator/http/views.h"
#include "coordinator/imports/import_desk.h"
#include "proto/mapping/http_route.h"
#include "proto/rt/clock.h"
#include "proto/rt/files.h"
#include "proto/rt/http.h"
#include "proto/rt/log.h"
#include "proto/rt/loop.h"
#include "proto/rt/random.h"
#include "proto/rt/worker.h"

namespace fieldpost::coordinator {

/// What routes work with. All of it outlives them.
struct Services {
  CoordinatorView& view;
  QueryDesk& desk;
  StudyDesk& studies;
  ExportDesk& exports;
  ImportDesk& imports;
  rt::Loop& loop;
  rt::Worker& parser;  ///< of requests: parsing off the loop
  rt::Worker& bodies;  ///< of its own: files of bodies, both ways
  const rt::WallClock& clock;
  rt::Random& random;
  rt::Log& log;
  rt::Files& files;              ///< called on the workers only
  std::string blob_directory;    ///< of bodies
  std::string upload_directory;  ///< of those that come in pieces
  std::string version;
  std::function<rt::HttpCounters()> http_counters;               ///< may be empty
  std::vector<Sensor> default_sensors = {};                      ///< what new configs begin with
  std::vector<mapping::HttpRoute> routes = {};                   ///< of devices
  std::function<std::vector<Metric>()> route_metrics = nullptr;  ///< set by Api
};

inline constexpr std::size_t kPageDefault = 100;  ///< items of a list
inline constexpr std::size_t kPageMax = 1000;

}  // namespace fieldpost::coordinator
