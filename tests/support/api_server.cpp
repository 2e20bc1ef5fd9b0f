#include "tests/support/api_server.h"

#include <utility>

namespace fieldpost::test {

void LoopWorker::run(std::function<void()> job, std::function<void()> done) {
  loop_.post([job = std::move(job), done = std::move(done)] {
    job();
    done();
  });
}

ApiServer::ApiServer(const std::string& listen)
    : api_(coordinator::Services{.view = view,
                                 .desk = desk_,
                                 .studies = studies_,
                                 .exports = exports_,
                                 .imports = imports_,
                                 .loop = loop,
                                 .parser = worker_,
                                 .bodies = worker_,
                                 .clock = clock,
                                 .random = random_,
                                 .log = log_,
                                 .files = files,
                                 .blob_directory = "/blobs",
                                 .upload_directory = "/uploads",
                                 .version = "1.2.3",
                                 .http_counters = [this] { return listener_->counters(); },
                                 .default_sensors = {}}) {
  auto listening =
      server_.listen({.listen = listen}, [this](rt::HttpRequest request, auto responder) {
        api_.handle(std::move(request), std::move(responder));
      });
  listener_ = std::move(listening).value();
}

}  // namespace fieldpost::test
