#pragma once

#include "proto/rt/daemon_main.h"

/// What fieldpost-agent does besides running. The configuration is right, or it had not come here.
namespace fieldpost::agent {

int run_doctor(const rt::DaemonCommand& command);
/// Forgets the coordinator that the spool is pinned to. The agent has to be stopped.
int run_adopt(const rt::DaemonCommand& command);

}  // namespace fieldpost::agent
