#include "tests/support/fakes/fake_http.h"

#include <utility>

namespace fieldpost::test {
namespace {

class FakeStream final : public rt::HttpStream {
 public:
  explicit FakeStream(FakeAnswer& answer) : answer_(answer) {}
  ~FakeStream() override {
    answer_.ended = true;
    answer_.on_closed = nullptr;
    answer_.on_drained = nullptr;
  }
  FakeStream(const FakeStream&) = delete;
  FakeStream& operator=(const FakeStream&) = delete;

  void send(std::string bytes) override {
    answer_.text += bytes;
    answer_.unsent += bytes.size();
    if (answer_.auto_drain) answer_.unsent = 0;
  }
  [[nodiscard]] std::size_t unsent() const override { return answer_.unsent; }
  void cut() override { answer_.cut = true; }
  void on_closed(std::function<void()> handler) override { answer_.on_closed = std::move(handler); }
  void on_drained(std::function<void()> handler) override {
    answer_.on_drained = std::move(handler);
  }

 private:
  FakeAnswer& answer_;
};

class FakeResponder final : public rt::HttpResponder {
 public:
  explicit FakeResponder(FakeAnswer& answer) : answer_(answer) {}
  void respond(rt::HttpResponse response) override {
    FP_CHECK(!answer_.response && !answer_.streaming);
    answer_.response = std::move(response);
  }
  std::unique_ptr<rt::HttpStream> start_stream(int status, rt::HttpHeaders headers,
                                               std::optional<std::uint64_t> size) override {
    FP_CHECK(!answer_.response && !answer_.streaming);
    answer_.streaming = true;
    answer_.stream_status = status;
    answer_.stream_size = size;
    answer_.stream_headers = std::move(headers);
    return std::make_unique<FakeStream>(answer_);
  }

 private:
  FakeAnswer& answer_;
};

}  // namespace

/// What holds the stream may be held by its handlers alone.
FakeAnswer::~FakeAnswer() {
  const auto closed = std::exchange(on_closed, nullptr);
  const auto drained = std::exchange(on_drained, nullptr);
}

void FakeAnswer::drain() {
  unsent = 0;
  if (const auto handler = on_drained) handler();
}

void FakeAnswer::leave() {
  on_drained = nullptr;
  if (const auto handler = std::exchange(on_closed, nullptr)) handler();
}

std::shared_ptr<rt::HttpResponder> make_responder(FakeAnswer& answer) {
  return std::make_shared<FakeResponder>(answer);
}

rt::HttpRequest make_request(std::string_view method, std::string_view target,
                             rt::HttpHeaders headers, std::string body) {
  rt::HttpRequest request;
  request.method = method;
  request.target = rt::parse_http_target(target).value();
  request.headers = std::move(headers);
  request.body = std::move(body);
  return request;
}

}  // namespace fieldpost::test
