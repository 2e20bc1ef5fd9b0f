#pragma once

#include "firmware-bridge/ports/port_address.h"
#include "proto/rt/file_descriptor.h"
#include "proto/rt/result.h"

/// Linux's termios2, which knows every baud rate. Apart from everything that includes <termios.h>:
/// the two do not go together.
namespace fieldpost::bridge {

/// Raw, without echo, signals, flow control and modem lines, with these settings; drops what has
/// come and what is unsent. kInvalid: `fd` is no tty or cannot do that; kNotFound: there is no chip
/// behind it.
rt::Status set_up_tty(int fd, const SerialSettings& settings);

/// kInvalid: it cannot be that fast; kIo.
rt::Status set_tty_baud(int fd, unsigned baud);

/// Discards what the kernel has not sent yet, and closes: otherwise it waits for up to 30 s until a
/// board that takes nothing has it. Others that have the same open file keep it open. Again is
/// nothing.
void close_tty(rt::FileDescriptor& tty);

}  // namespace fieldpost::bridge
