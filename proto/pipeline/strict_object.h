#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "proto/pipeline/json.h"

namespace fieldpost::pipeline {

/// Reads a JSON object of which every member has to be asked for. The first problem is kept, by
/// the member's path; getters of what is absent or wrong answer with nothing. The object and the
/// problem outlive it.
class StrictObject {
 public:
  /// `path` stands before the names of its members: "steps/2/".
  StrictObject(const Json& object, std::string path, std::string& problem);

  std::string text(std::string_view name, std::size_t bytes_max);
  /// The same, which must not be missing or empty.
  std::string required_text(std::string_view name, std::size_t bytes_max);
  std::uint64_t number(std::string_view name, std::uint64_t most);
  bool flag(std::string_view name, bool otherwise);
  std::vector<std::string> texts(std::string_view name);
  std::map<std::string, std::string> text_map(std::string_view name);
  /// An object as text; "{}" when it is absent.
  std::string object_text(std::string_view name);
  std::vector<StrictObject> objects(std::string_view name, std::size_t count_max);
  /// None or one.
  std::vector<StrictObject> object(std::string_view name);
  /// Complains about what nobody asked for.
  void finish();
  void complain(std::string_view name, std::string_view expected);

 private:
  const Json* take(std::string_view name);
  const Json& object_;
  std::string path_;
  std::string& problem_;
  std::vector<std::string_view> asked_;  ///< names are literals of the caller's
};

}  // namespace fieldpost::pipeline
