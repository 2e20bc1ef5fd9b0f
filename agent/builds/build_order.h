#pragma once

#include <optional>
#include <string_view>

#include "proto/rt/result.h"
#include "proto/wire/build.h"

/// What the arguments of all verbs of builds share. proto/README.md, section 10.
namespace fieldpost::agent {

/// Which attempt of a job a command is about. nullopt: they are no JSON object that says it.
[[nodiscard]] std::optional<wire::JobAttempt> parse_attempt(std::string_view arguments);

/// Whether the runner may do it when it is asked again: it is not there, or busy, or what it said
/// is not known.
[[nodiscard]] bool is_runner_away(rt::Errc code);

}  // namespace fieldpost::agent
