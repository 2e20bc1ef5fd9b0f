#pragma once

#include <cstddef>
#include <memory>

#include "agent/sources/line_pump.h"
#include "agent/sources/source.h"
#include "proto/rt/http.h"
#include "proto/wire/influx_http.h"

namespace fieldpost::agent {

/// The agent's HTTP door for InfluxDB clients. A write is answered when it is on disk.
class HttpWrite final : public Source {
 public:
  static constexpr std::size_t kBodyBytesMax = 64 << 20;  ///< of all writes at once; more: 503

  explicit HttpWrite(LinePorts ports) : ports_(ports) { health_.name = "http_write"; }
  /// Answers any request; 404 for what is not InfluxDB's.
  void handle(rt::HttpRequest request, std::shared_ptr<rt::HttpResponder> responder);
  [[nodiscard]] SourceHealth health() const override { return health_; }

 private:
  struct Write {
    wire::InfluxWrite influx;
    std::shared_ptr<rt::HttpResponder> responder;
    rt::Result<wire::ParsedLines> lines = wire::ParsedLines{};
    wire::LineReport report;
    std::size_t readings = 0;
    std::size_t bytes = 0;
  };
  using WritePtr = std::shared_ptr<Write>;

  void begin(rt::HttpRequest request, std::shared_ptr<rt::HttpResponder> responder);
  void on_parsed(const WritePtr& write);
  void on_stored(Write& write, const rt::Result<Accepted>& result);
  void refuse(Write& write, const rt::Error& error);
  void count_error(std::size_t count, const std::string& what);

  LinePorts ports_;
  SourceHealth health_;
  std::size_t bytes_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fieldpost::agent
