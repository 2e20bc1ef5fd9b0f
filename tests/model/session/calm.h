// The faults end: everybody is up, messages arrive, and the node does what it does until idle.
#pragma once

#include "tests/model/session/protocol.h"

namespace fieldpost::model::session {

enum class Late { kArrives, kLost };

/// `late` says what becomes of the messages that are on the way when the calm begins. A machine
/// that is not welcomed is retired by the operator after a few hellos.
void calm(Protocol& p, State& s, Late late);

/// Hello to welcome with nothing in between; the coordinator may be down or refuse.
void finish_session(Protocol& p, State& s, int machine);

}  // namespace fieldpost::model::session
