#include "proto/wire/media_type.h"

#include <algorithm>
#include <array>
#include <utility>

namespace fieldpost::wire {
namespace {

using Known = std::pair<std::string_view, std::string_view>;
constexpr std::array<Known, 18> kKnown{{{"avi", "video/x-msvideo"},
                                        {"bmp", "image/bmp"},
                                        {"csv", "text/csv"},
                                        {"gif", "image/gif"},
                                        {"gz", "application/gzip"},
                                        {"h264", "video/h264"},
                                        {"jpeg", "image/jpeg"},
                                        {"jpg", "image/jpeg"},
                                        {"json", "application/json"},
                                        {"mkv", "video/x-matroska"},
                                        {"mp4", "video/mp4"},
                                        {"pdf", "application/pdf"},
                                        {"png", "image/png"},
                                        {"tif", "image/tiff"},
                                        {"tiff", "image/tiff"},
                                        {"txt", "text/plain"},
                                        {"wav", "audio/wav"},
                                        {"webp", "image/webp"}}};

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

}  // namespace

std::string media_type_of(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return std::string(kAnyMediaType);
  const std::string end = lower_case(name.substr(dot + 1));
  const auto found = std::find_if(kKnown.begin(), kKnown.end(),
                                  [&](const Known& known) { return known.first == end; });
  return std::string(found == kKnown.end() ? kAnyMediaType : found->second);
}

std::string media_type_of_field(std::string_view field) {
  std::string_view type = field.substr(0, field.find(';'));
  while (!type.empty() && type.back() == ' ') type.remove_suffix(1);
  return type.empty() ? std::string(kAnyMediaType) : lower_case(type);
}

}  // namespace fieldpost::wire
