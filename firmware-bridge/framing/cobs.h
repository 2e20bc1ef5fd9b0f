#pragma once

#include <string>
#include <string_view>

/// Consistent Overhead Byte Stuffing (Cheshire and Baker, IEEE/ACM Transactions on Networking 7(2),
/// 1999): a zero ends a frame, and stands nowhere inside it.
namespace fieldpost::bridge {

/// Replaces `out` by what stands in a frame; the zero at its end is not part of it. false: no frame
/// is like that.
[[nodiscard]] bool decode_cobs(std::string_view frame, std::string& out);
/// The frame, without the zero at its end.
[[nodiscard]] std::string encode_cobs(std::string_view bytes);

}  // namespace fieldpost::bridge
