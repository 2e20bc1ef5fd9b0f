#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "firmware-bridge/control/control_line.h"
#include "firmware-bridge/flash/flash_outcome.h"
#include "proto/rt/result.h"
#include "proto/rt/streams.h"

namespace fieldpost::bridge {

/// The other end of the control socket, one question at a time. kUnavailable: the connection is
/// lost; after a flash was asked for, ask again over a new one, with the same id. Loop thread.
class ControlClient {
 public:
  using OnLine = std::function<void(rt::Result<std::string> line)>;
  using OnProgress = std::function<void(const FlashProgress&)>;
  using OnOutcome = std::function<void(rt::Result<FlashOutcome>)>;

  explicit ControlClient(std::unique_ptr<rt::Stream> stream);
  ControlClient(const ControlClient&) = delete;
  ControlClient& operator=(const ControlClient&) = delete;

  /// The answer as the bridge wrote it, {"devices":[…]}. Errors of the bridge come with their code.
  void devices(OnLine on_answer);
  void images(const std::string& device, OnLine on_answer);
  /// `on_outcome` is called once; that the flash failed is an outcome, no error. The client may not
  /// be dropped in it.
  void flash(const FlashRequest& request, OnProgress on_progress, OnOutcome on_outcome);
  /// kNotFound: the bridge does not know the id.
  void flash_result(const std::string& id, OnProgress on_progress, OnOutcome on_outcome);

 private:
  void ask(const std::string& line, OnProgress on_progress, OnLine on_answer);
  void on_data(std::string_view bytes);
  void on_closed(const std::string& why);
  void take(const std::string& line);

  std::unique_ptr<rt::Stream> stream_;
  LineBuffer lines_;
  OnProgress on_progress_;
  OnLine on_answer_;  ///< while something is asked
  bool closed_ = false;
};

}  // namespace fieldpost::bridge
