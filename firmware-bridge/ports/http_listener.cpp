#include "firmware-bridge/ports/http_listener.h"

#include <utility>

#include "proto/rt/http_text.h"

namespace fieldpost::bridge {
namespace {

using rt::Errc;
using rt::HttpRequest;
using rt::HttpResponder;
using rt::HttpResponse;

constexpr std::size_t kBodiesBytesMax = kHttpPendingMax * kHttpMessageBytesMax;
constexpr int kConnectionsMax = 128;
constexpr const char* kRetryAfterS = "1";

HttpResponse try_later(std::string_view why) {
  HttpResponse response = rt::problem_response(503, why);
  response.headers.add("Retry-After", kRetryAfterS);
  return response;
}

HttpResponse answer_to(const rt::Status& taken) {
  if (taken) return {.status = 204, .headers = {}, .body = {}};
  if (taken.error().code != Errc::kInvalid) return try_later(taken.error().message);
  return rt::problem_response(400, taken.error().message);
}

/// A request whose message is under way. Answered once; dropped without an answer, its client gets
/// 500.
class Pending {
 public:
  Pending(std::shared_ptr<std::size_t> count, std::shared_ptr<HttpResponder> responder)
      : count_(std::move(count)), responder_(std::move(responder)) {
    *count_ += 1;
  }
  ~Pending() { leave(); }
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;

  void answer(const rt::Status& taken) {
    if (const auto responder = std::exchange(responder_, nullptr)) {
      leave();
      responder->respond(answer_to(taken));
    }
  }

 private:
  void leave() {
    if (const auto count = std::exchange(count_, nullptr)) *count -= 1;
  }

  std::shared_ptr<std::size_t> count_;
  std::shared_ptr<HttpResponder> responder_;
};

class Door {
 public:
  Door(std::string path, OnMessage on_message)
      : path_(std::move(path)), on_message_(std::move(on_message)) {}

  void take(HttpRequest request, const std::shared_ptr<HttpResponder>& responder) const {
    if (request.target.path != path_) {
      return responder->respond(rt::problem_response(404, "this bridge takes " + path_));
    }
    if (request.method != "POST") {
      HttpResponse response = rt::problem_response(405, "messages come by POST");
      response.headers.add("Allow", "POST");
      return responder->respond(std::move(response));
    }
    if (*pending_ >= kHttpPendingMax) {
      return responder->respond(try_later("too many messages wait to be written to disk"));
    }
    const auto pending = std::make_shared<Pending>(pending_, responder);
    on_message_(std::move(request.body),
                [pending](const rt::Status& taken) { pending->answer(taken); });
  }

 private:
  std::string path_;
  OnMessage on_message_;
  std::shared_ptr<std::size_t> pending_ = std::make_shared<std::size_t>(0);
};

class HttpMessages final : public rt::Listener {
 public:
  explicit HttpMessages(std::unique_ptr<rt::HttpListener> listener)
      : listener_(std::move(listener)) {}
  [[nodiscard]] std::string address() const override { return listener_->address(); }

 private:
  std::unique_ptr<rt::HttpListener> listener_;
};

}  // namespace

rt::Result<std::unique_ptr<rt::Listener>> listen_http(rt::HttpServer& server,
                                                      const PortAddress& address,
                                                      OnMessage on_message) {
  rt::HttpServerOptions options;
  options.listen = address.host_port();
  options.body_bytes_max = kHttpMessageBytesMax;
  options.bodies_bytes_max = kBodiesBytesMax;
  options.connections_max = kConnectionsMax;
  auto listener = server.listen(
      options, [door = std::make_shared<Door>(address.path, std::move(on_message))](
                   HttpRequest request, const std::shared_ptr<HttpResponder>& responder) {
        door->take(std::move(request), responder);
      });
  if (!listener) return listener.error();
  return std::unique_ptr<rt::Listener>(std::make_unique<HttpMessages>(*std::move(listener)));
}

}  // namespace fieldpost::bridge
