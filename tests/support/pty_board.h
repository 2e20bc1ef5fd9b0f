#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "proto/rt/file_descriptor.h"

namespace fieldpost::test {

/// A board at a pty, plugged in under a name that stays: `link` points to its serial port. Nobody
/// but the bridge has that open, so a board can be heard to be busy.
class PtyBoard {
 public:
  explicit PtyBoard(std::string link);  ///< plugs it in
  ~PtyBoard() { unplug(); }
  PtyBoard(const PtyBoard&) = delete;
  PtyBoard& operator=(const PtyBoard&) = delete;

  void plug_in();  ///< at a new pty
  void unplug();   ///< whoever has the port open sees it go
  /// All of it, as fast as it is read; false when for long it is not.
  [[nodiscard]] bool send(std::string_view bytes);
  /// What there is no room for is lost, as it is when a board sends and nobody reads.
  void send_what_fits(std::string_view bytes);
  /// Keeps what the other side says until then.
  void listen_until(std::chrono::steady_clock::time_point end);
  /// What the other side said since the last call.
  [[nodiscard]] std::string take_heard();
  [[nodiscard]] const std::string& link() const { return link_; }

 private:
  void hear();

  std::string link_;
  rt::FileDescriptor board_;
  std::string heard_;
};

}  // namespace fieldpost::test
