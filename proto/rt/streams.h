#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "proto/rt/result.h"

namespace fieldpost::rt {

/// A byte stream: a connected socket or a child's pipe. Dropping it closes it.
class Stream {
 public:
  virtual ~Stream() = default;
  struct Handlers {
    std::function<void(std::string bytes)> on_data;
    /// The other side closed, the stream failed (`why` not empty), or close_after_send is done.
    /// Called once; then nothing more.
    std::function<void(std::string why)> on_closed;
    /// The other side sends no more but may still read: answer, then close_after_send. Without
    /// this handler that counts as closed.
    std::function<void()> on_end = nullptr;
  };
  virtual void start(Handlers handlers) = 0;
  /// Pauses or resumes on_data; the kernel's buffer then pushes back on the sender.
  virtual void set_reading(bool reading) = 0;
  /// Queues bytes; `unsent()` says how many are queued still. Ignored after on_closed.
  virtual void send(std::string bytes) = 0;
  [[nodiscard]] virtual std::size_t unsent() const = 0;
  /// Closes after what is queued has been sent.
  virtual void close_after_send() = 0;
};

/// A listening socket. Dropping it stops listening (a unix socket's file is removed).
class Listener {
 public:
  virtual ~Listener() = default;
  [[nodiscard]] virtual std::string address() const = 0;  ///< "127.0.0.1:43211", or the path
};

/// Makes streams. Loop thread only.
class Streams {
 public:
  virtual ~Streams() = default;
  using OnAccept = std::function<void(std::unique_ptr<Stream>)>;
  /// Creates missing parent directories; takes over a socket file that nobody listens on, and fails
  /// with kBusy when somebody does. Mode 0660.
  virtual Result<std::unique_ptr<Listener>> listen_unix(const std::string& path,
                                                        OnAccept on_accept) = 0;
  /// Waits until the connection stands, which on one machine is no time. kUnavailable: nobody
  /// listens; kNotFound: no such file; kDenied; kInvalid: the path is too long for a socket.
  virtual Result<std::unique_ptr<Stream>> connect_unix(const std::string& path) = 0;
};

}  // namespace fieldpost::rt
