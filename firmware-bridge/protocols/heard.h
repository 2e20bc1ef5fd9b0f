#pragma once

#include <map>
#include <string>
#include <string_view>

#include "firmware-bridge/protocols/protocol.h"

/// What every protocol does with what it found.
namespace fieldpost::bridge {

/// Bounds of what a board says: what a bridge adds to a key fits beside it into wire's.
inline constexpr std::size_t kBoardKeyBytesMax = 2048;
inline constexpr std::size_t kBoardTagsMax = 32;

/// By field.
using Units = std::map<std::string, std::string>;

/// Puts a reading to the others, with the unit for its field where it has none. false: it is none
/// that an agent takes (its number is not finite, its text too long or not UTF-8, its key not a
/// valid one); `why_bad` says so.
bool add_reading(Heard& heard, Measured reading, const Units& units);

/// Cut to a line of text and made printable.
void set_why_bad(Heard& heard, std::string_view why);

}  // namespace fieldpost::bridge
