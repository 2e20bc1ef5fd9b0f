#include "proto/rt/asio_http.h"

#include <fmt/format.h>

#include <boost/asio/ip/tcp.hpp>
#include <cerrno>
#include <charconv>
#include <utility>  // before Asio 1.74, which forgets it

#include "proto/rt/asio_access.h"
#include "proto/rt/http_connection.h"

namespace fieldpost::rt {
namespace {

using boost::asio::ip::tcp;

constexpr int kBacklog = 512;
constexpr std::size_t kRefusalsMax = 64;  // connections that are being told that there are too many
constexpr Millis kAcceptRetry{100};       // after the process ran out of descriptors or memory

Error from_asio(const boost::system::error_code& code, std::string_view doing) {
  namespace error = boost::asio::error;
  Errc what = Errc::kIo;
  if (code == error::address_in_use) what = Errc::kBusy;
  if (code == error::access_denied) what = Errc::kDenied;
  if (code.value() == EADDRNOTAVAIL) what = Errc::kInvalid;
  return {what, fmt::format("{}: {}", doing, code.message())};
}

Error bad_address(std::string_view listen) {
  return {Errc::kInvalid, fmt::format("expected ADDRESS:PORT to listen on, for example "
                                      "127.0.0.1:8080 or [::1]:8080, not \"{}\"",
                                      listen)};
}

Result<tcp::endpoint> parse_endpoint(std::string_view listen) {
  const std::size_t colon = listen.rfind(':');
  if (colon == std::string_view::npos) return bad_address(listen);
  std::string host(listen.substr(0, colon));
  const std::string_view port_text = listen.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, failed] =
      std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  if (failed != std::errc{} || end != port_text.data() + port_text.size()) {
    return bad_address(listen);
  }
  if (host == "localhost") host = "127.0.0.1";
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  boost::system::error_code code;
  const auto address = boost::asio::ip::make_address(host, code);
  if (code) return bad_address(listen);
  return tcp::endpoint(address, port);
}

/// Accepts until it is dropped. Held by its own handlers, so `stop` ends it.
class Acceptor : public std::enable_shared_from_this<Acceptor> {
 public:
  Acceptor(std::shared_ptr<HttpService> service, tcp::acceptor acceptor)
      : service_(std::move(service)), acceptor_(std::move(acceptor)) {}

  void accept() {
    acceptor_.async_accept(
        [self = shared_from_this()](const boost::system::error_code& code, tcp::socket socket) {
          AsioAccess::turn(self->service_->loop, [&] { self->on_accept(code, std::move(socket)); });
        });
  }

  void stop() {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    const auto connections = service_->connections;
    for (const auto& [key, connection] : connections) connection->close();
  }

 private:
  void on_accept(const boost::system::error_code& code, tcp::socket socket) {
    if (!acceptor_.is_open()) return;
    if (!code) {
      take(std::move(socket));
    } else if (code != boost::asio::error::connection_aborted) {
      service_->loop.after(kAcceptRetry, [self = shared_from_this()] {
        if (self->acceptor_.is_open()) self->accept();
      });
      return;
    }
    accept();
  }

  void take(tcp::socket socket) {
    service_->counters.connections += 1;
    const auto most = static_cast<std::size_t>(service_->options.connections_max);
    const std::size_t open = service_->connections.size();
    if (open >= most) service_->counters.connections_refused += 1;
    if (open >= most + kRefusalsMax) return;
    const auto connection = std::make_shared<HttpConnection>(service_, std::move(socket));
    service_->connections.emplace(connection.get(), connection);
    open >= most ? connection->refuse() : connection->start();
  }

  std::shared_ptr<HttpService> service_;
  tcp::acceptor acceptor_;
};

class AsioHttpListener final : public HttpListener {
 public:
  AsioHttpListener(std::shared_ptr<HttpService> service, std::shared_ptr<Acceptor> acceptor,
                   std::string address)
      : service_(std::move(service)),
        acceptor_(std::move(acceptor)),
        address_(std::move(address)) {}
  ~AsioHttpListener() override { acceptor_->stop(); }
  AsioHttpListener(const AsioHttpListener&) = delete;
  AsioHttpListener& operator=(const AsioHttpListener&) = delete;

  [[nodiscard]] std::string address() const override { return address_; }
  [[nodiscard]] HttpCounters counters() const override {
    HttpCounters counters = service_->counters;
    counters.connections_open = service_->connections.size();
    return counters;
  }

 private:
  std::shared_ptr<HttpService> service_;
  std::shared_ptr<Acceptor> acceptor_;
  std::string address_;
};

}  // namespace

Result<std::unique_ptr<HttpListener>> AsioHttpServer::listen(const HttpServerOptions& options,
                                                             HttpHandler handler) {
  const auto endpoint = parse_endpoint(options.listen);
  if (!endpoint) return endpoint.error();
  if (!options.cert_file.empty() || !options.key_file.empty()) {
    return Error{Errc::kInvalid,
                 "this HTTP server has no TLS: put a proxy with TLS in front of it"};
  }
  tcp::acceptor acceptor(AsioAccess::io_context(loop_));
  boost::system::error_code code;
  acceptor.open(endpoint->protocol(), code);
  if (!code) acceptor.set_option(tcp::acceptor::reuse_address(true), code);
  if (!code) acceptor.bind(*endpoint, code);
  if (!code) acceptor.listen(kBacklog, code);
  if (code) return from_asio(code, fmt::format("listening on {}", options.listen));
  const std::string address = name_of(acceptor.local_endpoint(code));
  auto service = std::make_shared<HttpService>(
      HttpService{loop_, clock_, options, std::move(handler), {}, 0, {}});
  auto accepting = std::make_shared<Acceptor>(service, std::move(acceptor));
  accepting->accept();
  return std::unique_ptr<HttpListener>(
      std::make_unique<AsioHttpListener>(std::move(service), std::move(accepting), address));
}

}  // namespace fieldpost::rt
