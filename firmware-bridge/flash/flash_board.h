#pragma once

#include <functional>
#include <optional>
#include <string>

#include "proto/rt/result.h"
#include "proto/rt/time.h"

namespace fieldpost::bridge {

/// A board that is flashed, as its session sees it: who has the port, and what is heard. Loop
/// thread. Handlers are called once, never after the next call of the same function.
class FlashBoard {
 public:
  virtual ~FlashBoard() = default;
  using OnDone = std::function<void(rt::Status)>;

  /// Lets go of the port and does not take it again before `resume`. `on_free`: it is closed; may
  /// be called at once. Suspending a board that is suspended is no error.
  virtual void suspend(OnDone on_free) = 0;
  /// Takes the port again, restarts the board and asks who it is; tries until it has the port.
  virtual void resume() = 0;
  /// Waits for the board's first reading after `resume`, and, with `version`, for its word that it
  /// is that firmware. kUnavailable: it was not heard within that time; kInvalid: it says that it
  /// is something else.
  virtual void await(std::optional<std::string> version, rt::Nanos within, OnDone on_done) = 0;
  /// Path of the serial port as it is called now. kNotFound: it is not plugged in.
  [[nodiscard]] virtual rt::Result<std::string> port() = 0;
  /// The firmware's version as the board said it last; empty: it did not, since its port was opened
  /// or since it restarted.
  [[nodiscard]] virtual std::string version() = 0;
};

}  // namespace fieldpost::bridge
