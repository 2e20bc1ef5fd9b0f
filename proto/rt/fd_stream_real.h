#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <deque>
#include <memory>
#include <string>
#include <utility>  // before Asio 1.74, which forgets it

#include "proto/rt/file_descriptor.h"
#include "proto/rt/real_loop.h"
#include "proto/rt/streams.h"

namespace fieldpost::rt {

inline constexpr std::size_t kReadChunkBytes = 256 * 1024;  ///< at most, of one on_data

/// A non-blocking file descriptor on the loop. Operations in flight hold it, so it may be let go of
/// inside its own handlers.
class FdStream final : public std::enable_shared_from_this<FdStream> {
 public:
  FdStream(RealLoop& loop, FileDescriptor fd);

  void start(Stream::Handlers handlers);
  void set_reading(bool reading);
  void send(std::string bytes);
  [[nodiscard]] std::size_t unsent() const { return unsent_; }
  void close_after_send();
  void drop();       ///< closes; no handler is called any more
  void drain_now();  ///< hands over what has come already, until there is nothing or it ends

 private:
  void arm_read();
  void arm_write();
  void read_once();
  bool read_chunk();
  void flush();
  void end();
  void close(const std::string& why);
  [[nodiscard]] bool is_open() const { return fd_.is_open(); }

  RealLoop& loop_;
  boost::asio::posix::stream_descriptor fd_;
  Stream::Handlers handlers_;
  std::deque<std::string> queue_;
  std::size_t sent_of_front_ = 0;
  std::size_t unsent_ = 0;
  bool started_ = false;
  bool reading_ = true;
  bool ended_ = false;
  bool read_armed_ = false;
  bool write_armed_ = false;
  bool closing_ = false;
};

/// The port's view of an FdStream; dropping it drops the stream.
std::unique_ptr<Stream> make_stream(RealLoop& loop, FileDescriptor fd);

}  // namespace fieldpost::rt
