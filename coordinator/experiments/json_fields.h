#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fieldpost::coordinator {

/// Reads a JSON object that somebody sent: each getter takes a member and says what is wrong with
/// it by its path ("sensors/2/unit"). Of an object and those inside it the first problem is kept;
/// getters of what is wrong answer with nothing. Ask `problem` once, at the end.
class JsonFields {
 public:
  /// An empty text is an empty object. `expected` says what the whole should have been, `path` what
  /// names its members inside of something larger: "files/3/".
  JsonFields(std::string_view text, std::string_view expected, std::string path = {});

  [[nodiscard]] bool has(std::string_view name) const;  ///< null counts as absent
  std::string text(std::string_view name, std::size_t bytes_max = 64 * 1024);
  /// The same, which must not be missing or empty.
  std::string required_text(std::string_view name, std::size_t bytes_max = 1024);
  bool flag(std::string_view name, bool otherwise);
  std::optional<double> number(std::string_view name);  ///< finite
  std::optional<std::int64_t> integer(std::string_view name);
  /// RFC 3339, or integer nanoseconds.
  std::optional<std::int64_t> time(std::string_view name);
  std::vector<std::string> texts(std::string_view name, std::size_t count_max);
  std::vector<double> numbers(std::string_view name, std::size_t count_max);
  /// The members of an object of texts, by name.
  std::vector<std::pair<std::string, std::string>> text_map(std::string_view name,
                                                            std::size_t count_max);
  JsonFields object(std::string_view name);  ///< an empty one when it is absent
  std::vector<JsonFields> objects(std::string_view name, std::size_t count_max);
  /// The member as it came, without insignificant space.
  [[nodiscard]] std::string raw(std::string_view name) const;

  /// Nothing but these: a misspelt member must not silently change what is done.
  void only(std::initializer_list<std::string_view> names);
  void complain(std::string_view name, std::string_view expected);
  [[nodiscard]] const std::string& problem() const;

 private:
  struct Document;
  JsonFields(std::shared_ptr<Document> document, const void* value, std::string path);
  [[nodiscard]] const void* find(std::string_view name) const;
  const void* array(std::string_view name, std::size_t count_max);

  std::shared_ptr<Document> document_;
  const void* value_;  ///< of the document: an object
  std::string path_;   ///< "sensors/2/"; empty at the top
};

}  // namespace fieldpost::coordinator
