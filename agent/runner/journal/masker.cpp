#include "agent/runner/journal/masker.h"

#include <algorithm>
#include <string>
#include <utility>

#include "proto/rt/base64.h"

namespace fieldpost::agent::runner {
namespace {

constexpr std::string_view kMask = "***";

std::string in_url(std::string_view text, std::string_view digits) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       std::string_view("-._~").find(c) != std::string_view::npos;
    const auto byte = static_cast<unsigned char>(c);
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += digits[byte >> 4U];
      out += digits[byte & 15U];
    }
  }
  return out;
}

/// Without the padding: it is found where something follows the secret, too.
std::string in_base64(std::string_view text) {
  std::string out = rt::to_base64(text);
  while (out.ends_with('=')) out.pop_back();
  return out;
}

std::string for_urls(std::string base64) {
  std::ranges::replace(base64, '+', '-');
  std::ranges::replace(base64, '/', '_');
  return base64;
}

std::size_t index_of(char c) {
  return static_cast<unsigned char>(c);
}

}  // namespace

Masker::Masker(const Pairs& secrets) {
  for (const auto& [name, value] : secrets) {
    add_word(value);
    add_word(in_base64(value));
    add_word(for_urls(in_base64(value)));
    add_word(in_url(value, "0123456789ABCDEF"));
    add_word(in_url(value, "0123456789abcdef"));
    for (std::size_t begin = 0; begin < value.size();) {
      const std::size_t end = std::min(value.find('\n', begin), value.size());
      std::string line = value.substr(begin, end - begin);
      if (line.ends_with('\r')) line.pop_back();
      add_word(std::move(line));
      begin = end + 1;
    }
  }
}

void Masker::add_word(std::string word) {
  if (word.size() < kSecretBytesMin || std::ranges::find(words_, word) != words_.end()) return;
  by_first_byte_[index_of(word[0])].push_back(words_.size());
  words_.push_back(std::move(word));
}

std::string Masker::add(std::string_view bytes) {
  if (words_.empty()) return std::string(bytes);
  held_ += bytes;
  return show(false);
}

std::string Masker::flush() {
  std::string shown = show(true);
  covered_ = 0;
  return shown;
}

std::string Masker::masked(std::string_view text) const {
  Masker alone = *this;
  alone.held_ = text;
  alone.covered_ = 0;
  return alone.show(true);
}

Masker::Match Masker::match(std::string_view text) const {
  Match found;
  for (const std::size_t index : by_first_byte_[index_of(text[0])]) {
    const std::string& word = words_[index];
    if (text.starts_with(word)) {
      found.size = std::max(found.size, word.size());
    } else if (text.size() < word.size() && std::string_view(word).starts_with(text)) {
      found.may_be_longer = true;
    }
  }
  return found;
}

std::string Masker::show(bool is_end) {
  std::string shown;
  std::size_t at = 0;
  for (; at < held_.size(); ++at) {
    const std::size_t plain = at;
    while (covered_ == 0 && at < held_.size() && by_first_byte_[index_of(held_[at])].empty()) ++at;
    shown.append(held_, plain, at - plain);
    if (at == held_.size()) break;
    const Match found = match(std::string_view(held_).substr(at));
    if (found.may_be_longer && !is_end) break;
    if (found.size > 0 && covered_ == 0) shown += kMask;
    covered_ = std::max(covered_, found.size);
    if (covered_ == 0) {
      shown += held_[at];
    } else {
      covered_ -= 1;
    }
  }
  held_.erase(0, at);
  return shown;
}

}  // namespace fieldpost::agent::runner
