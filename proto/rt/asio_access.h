#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <utility>  // before Asio 1.74, which forgets it

#include "proto/rt/real_loop.h"

namespace fieldpost::rt {

/// For adapters that do their input and output on the loop's io_context. Nobody else includes this.
struct AsioAccess {
  static boost::asio::io_context& io_context(RealLoop& loop);
  /// Runs a handler of Asio's as a turn of the loop: its time is measured.
  static void turn(RealLoop& loop, const std::function<void()>& task);
};

}  // namespace fieldpost::rt
