#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace fieldpost::bench {

/// Where a TCP server listens.
struct TcpAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  std::string name;  ///< HOST:PORT, as it was given

  static TcpAddress of_loopback(std::uint16_t port);
  /// Looks the host up; ends the benchmark when nobody knows it.
  static TcpAddress look_up(const std::string& host, std::uint16_t port);
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

/// A connected socket, blocking; closed with this object.
class Connection {
 public:
  static Connection to_unix(const std::string& path);
  static Connection to_loopback(std::uint16_t port);
  static Connection to(const TcpAddress& address);
  ~Connection();
  Connection(Connection&& other) noexcept;
  Connection& operator=(Connection&&) = delete;
  Connection(const Connection&) = delete;

  void send(std::string_view bytes);
  /// The next line without its line feed; false at the end.
  bool read_line(std::string& line);
  std::string read_exactly(std::size_t size);
  void shut();  ///< wakes a thread that reads

 private:
  explicit Connection(int fd) : fd_(fd) {}
  bool fill();
  int fd_;
  std::string buffer_;
  std::size_t at_ = 0;
};

/// A producer at the agent's socket.
class LineProducer {
 public:
  explicit LineProducer(const std::string& path) : connection_(Connection::to_unix(path)) {}
  /// Sends a batch; waits only while `under_way_max` are not answered. Ends the benchmark unless
  /// every answer is a plain `ok`.
  void send(std::string_view lines, std::size_t under_way_max);
  void wait_for_all();

 private:
  void take_answer();
  Connection connection_;
  std::size_t under_way_ = 0;
};

/// One kept-alive HTTP connection.
class HttpClient {
 public:
  explicit HttpClient(std::uint16_t port) : connection_(Connection::to_loopback(port)) {}
  explicit HttpClient(const TcpAddress& address) : connection_(Connection::to(address)) {}
  std::string get(const std::string& target);
  void post(const std::string& target, std::string_view body);

 private:
  std::string read_body();
  Connection connection_;
};

/// Follows one series at /api/v1/live and notes how old each value is when it arrives; the value's
/// time must be when it was sent.
class LiveWatch {
 public:
  LiveWatch(std::uint16_t port, std::int64_t series);
  ~LiveWatch();
  LiveWatch(const LiveWatch&) = delete;
  LiveWatch& operator=(const LiveWatch&) = delete;
  struct Seen {
    double sent_s = 0;  ///< wall clock
    double age_s = 0;
  };
  [[nodiscard]] std::vector<Seen> seen();

 private:
  void follow();
  Connection connection_;
  std::mutex mutex_;
  std::vector<Seen> seen_;
  std::thread thread_;
};

/// A port of 127.0.0.1 that nobody uses now.
[[nodiscard]] std::uint16_t free_port();
/// Wall clock, ns.
[[nodiscard]] std::int64_t wall_ns();

}  // namespace fieldpost::bench
