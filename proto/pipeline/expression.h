#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proto/pipeline/json.h"
#include "proto/rt/result.h"

namespace fieldpost::pipeline {

inline constexpr std::size_t kExpressionBytesMax = 16 * 1024;
inline constexpr int kExpressionDepthMax = 50;
/// Of each text that an expression makes on its way.
inline constexpr std::size_t kExpressionResultMax = 1024 * 1024;

/// What expressions ask for that stands in no context.
class Functions {
 public:
  virtual ~Functions() = default;
  [[nodiscard]] virtual bool always() const { return true; }
  [[nodiscard]] virtual bool success() const = 0;
  [[nodiscard]] virtual bool failure() const = 0;
  [[nodiscard]] virtual bool cancelled() const = 0;
  /// Of the files that match, in hex; empty when none does.
  [[nodiscard]] virtual rt::Result<std::string> hash_files(
      const std::vector<std::string>& patterns) const = 0;
};

/// What an expression is evaluated in; both outlive the evaluation.
struct Scope {
  const Json& contexts;  ///< an object: "github", "matrix", …
  const Functions& functions;
};

/// A context that an expression names, or a function that it calls.
struct Use {
  struct Part {
    std::string name;        ///< the first one in lower case
    std::size_t offset = 0;  ///< in the expression's text
    std::size_t size = 0;    ///< there, with the quotes of ['name']
    bool is_quoted = false;
  };
  bool is_call = false;
  std::vector<Part> path;  ///< `steps.build.outputs`; ends before what is only known later
};

/// An expression in the language of GitHub's workflows. Names of contexts, members and functions
/// are the same in either case, as there. Objects are equal when their content is.
class Expression {
 public:
  struct Node;

  /// kInvalid: "column N: …, expected …". Functions are known by name and number of arguments.
  static rt::Result<Expression> parse(std::string_view text);

  [[nodiscard]] const std::vector<Use>& uses() const { return uses_; }
  /// Whether it calls always, success, failure or cancelled.
  [[nodiscard]] bool asks_status() const;
  /// What is missing is null. kInvalid: a function cannot work with what it was given; kFull: a
  /// text grew beyond kExpressionResultMax; and what the caller's functions fail with.
  [[nodiscard]] rt::Result<Json> evaluate(const Scope& scope) const;

 private:
  std::shared_ptr<const Node> root_;
  std::vector<Use> uses_;
};

}  // namespace fieldpost::pipeline
