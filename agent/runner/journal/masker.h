#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "agent/runner/job/job.h"

namespace fieldpost::agent::runner {

/// Puts *** in the place of secrets in a stream of bytes, however it is cut: of each secret as it
/// is, each of its lines, in base64 and as in a URL. What may be the beginning of one is kept back,
/// at most the longest one less a byte.
class Masker {
 public:
  explicit Masker(const Pairs& secrets);

  /// What can be shown of the stream so far.
  std::string add(std::string_view bytes);
  /// The rest: nothing more belongs to it.
  std::string flush();
  [[nodiscard]] bool holds_back() const { return !held_.empty(); }
  /// A text of its own; the stream is not touched.
  [[nodiscard]] std::string masked(std::string_view text) const;

 private:
  struct Match {
    std::size_t size = 0;        ///< of the longest secret here; 0: none
    bool may_be_longer = false;  ///< the text ends inside one
  };
  void add_word(std::string word);
  [[nodiscard]] Match match(std::string_view text) const;
  /// Shows `held_` up to where a secret may begin that is not all there.
  std::string show(bool is_end);

  std::vector<std::string> words_;
  std::array<std::vector<std::size_t>, 256> by_first_byte_;
  std::string held_;
  std::size_t covered_ = 0;  ///< bytes of what comes that belong to a secret that was found
};

}  // namespace fieldpost::agent::runner
