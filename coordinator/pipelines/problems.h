#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace fieldpost::coordinator {

struct Place {
  std::string file;
  int line = 0;  ///< from 1, as are columns; 0: the file as a whole
  int column = 0;
};

/// What is wrong with a pipeline.
struct Problem {
  Place place;
  std::string key;  ///< "jobs.test.steps.2.run"; empty: none
  std::string what;
  std::string expected;  ///< may be empty
};

/// "FILE:LINE:COL: key: what, expected …".
[[nodiscard]] std::string to_string(const Problem& problem);

/// All that is wrong, in the order in which it was found. The first kProblemsMax are kept, the rest
/// is counted.
class Problems {
 public:
  static constexpr std::size_t kProblemsMax = 100;

  void add(Place place, std::string key, std::string what, std::string expected = {});
  /// " (did you mean `name`?)", or nothing when nothing is near, or nothing more would be kept.
  [[nodiscard]] std::string near_name(const std::string& word,
                                      const std::vector<std::string>& known) const;
  [[nodiscard]] bool empty() const { return all_.empty(); }
  [[nodiscard]] const std::vector<Problem>& all() const { return all_; }
  [[nodiscard]] std::size_t left_out() const { return left_out_; }

 private:
  std::vector<Problem> all_;
  std::size_t left_out_ = 0;
};

}  // namespace fieldpost::coordinator
