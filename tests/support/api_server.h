#pragma once

#include <memory>
#include <optional>
#include <string>

#include "coordinator/http/api.h"
#include "proto/rt/asio_http.h"
#include "proto/rt/real_loop.h"
#include "proto/rt/system_clock.h"
#include "proto/rt/system_random.h"
#include "tests/support/fakes/fake_view.h"
#include "tests/support/reading_world.h"
#include "tests/support/sim/sim_files.h"
#include "tests/support/sim/sim_log.h"

namespace fieldpost::test {

/// Runs jobs on the loop itself: the store of a ReadingWorld has one thread.
class LoopWorker final : public rt::Worker {
 public:
  explicit LoopWorker(rt::Loop& loop) : loop_(loop) {}
  void run(std::function<void()> job, std::function<void()> done) override;

 private:
  rt::Loop& loop_;
};

/// The coordinator's API on a real port of loopback, over a fake coordinator.
class ApiServer {
 public:
  explicit ApiServer(const std::string& listen = "127.0.0.1:0");
  [[nodiscard]] std::string url() const { return "http://" + listener_->address(); }

  rt::RealLoop loop;
  rt::SystemClock clock;
  ReadingWorld store;
  FakeView view;
  sim::SimFiles files{store.disk()};

 private:
  sim::SimWorld quiet_{1};
  sim::SimLog log_{quiet_, "centre"};
  LoopWorker worker_{loop};
  rt::SystemRandom random_;
  coordinator::QueryDesk desk_{worker_, store.make_query()};
  coordinator::StudyDesk studies_{
      worker_, store.make_reader(),
      [this](const auto& job, const auto& done) { done(store.change_studies(job)); }};
  coordinator::ExportDesk exports_{{loop, clock, random_, worker_, files, log_, studies_},
                                   store.make_reader(),
                                   "/exports",
                                   "1.2.3"};
  coordinator::ImportDesk imports_{
      {loop, clock, worker_, files, log_, studies_,
       [this](const auto& job, const auto& done) { done(store.run_store(job)); }},
      "/imports"};
  coordinator::Api api_;
  rt::AsioHttpServer server_{loop, clock};
  std::unique_ptr<rt::HttpListener> listener_;
};

}  // namespace fieldpost::test
