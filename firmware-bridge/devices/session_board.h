#pragma once

#include <functional>
#include <optional>
#include <string>

#include "firmware-bridge/devices/device_session.h"
#include "firmware-bridge/flash/flash_board.h"
#include "proto/rt/loop.h"

namespace fieldpost::bridge {

/// A session's board, to be flashed. Its bootloader starts the firmware when the tool is done.
class SessionBoard final : public FlashBoard {
 public:
  /// Where the board is now: kNotFound when it is not plugged in.
  using FindPath = std::function<rt::Result<std::string>(const PortAddress&)>;
  SessionBoard(rt::Loop& loop, DeviceSession& session, FindPath find_path);
  ~SessionBoard() override;
  SessionBoard(const SessionBoard&) = delete;
  SessionBoard& operator=(const SessionBoard&) = delete;

  void suspend(OnDone on_free) override;
  void resume() override;
  void await(std::optional<std::string> version, rt::Nanos within, OnDone on_done) override;
  [[nodiscard]] rt::Result<std::string> port() override;
  [[nodiscard]] std::string version() override;

 private:
  void on_heard(const Heard& heard);
  void look();
  void end(rt::Status done);

  rt::Loop& loop_;
  DeviceSession& session_;
  FindPath find_path_;
  std::optional<std::string> told_;  ///< version, since `resume`
  bool measures_ = false;            ///< since `resume`
  std::optional<std::string> wanted_;
  OnDone on_done_;  ///< while somebody waits
  rt::TimerId timer_ = rt::TimerId::kNone;
};

}  // namespace fieldpost::bridge
