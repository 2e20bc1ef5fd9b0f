// What must hold, judged after a calm.
#pragma once

#include "tests/model/session/protocol.h"

namespace fieldpost::model::session {

/// The first broken property, or nullptr.
const char* broken_after_calm(const Protocol& p, const State& s);

}  // namespace fieldpost::model::session
