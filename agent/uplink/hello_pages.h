#pragma once

#include <vector>

#include "proto/wire/messages.h"

namespace fieldpost::agent {

/// Cuts a complete statement into hello messages that fit an envelope [hello-5]. Unless `list_all`,
/// incarnations that hold and keep nothing, but for the most recent ones, go into the digest.
/// `head` carries everything else. At least one page.
[[nodiscard]] std::vector<wire::Hello> hello_pages(
    const wire::Hello& head, std::vector<wire::IncarnationStatement> statement, bool list_all);

}  // namespace fieldpost::agent
