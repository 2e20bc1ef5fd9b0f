#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "proto/rt/result.h"
#include "proto/wire/messages.h"

namespace fieldpost::coordinator {

/// A complete hello: its pages joined.
struct Statement {
  std::string node;
  wire::Hello head;                                      ///< of the last page; its list is empty
  std::vector<wire::IncarnationStatement> incarnations;  ///< parts of one incarnation joined
  wire::Hash128 hash;  ///< of the pages as they came; an answer must name it [chal-3]
};

/// Joins the pages of one nonce, in their order; leaves `hash` to the caller. kInvalid: two live
/// incarnations, none, or ranges that overlap.
rt::Result<Statement> join_pages(const std::string& node, std::vector<wire::Hello> pages);

/// Collects the pages of hellos that are not complete. Of a node it knows those of the newest nonce
/// only. Loop thread.
class StatementInbox {
 public:
  explicit StatementInbox(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  /// `bytes` is the page as it came. A statement if it was the last page that was missing; nothing
  /// if more are, or if it is there already. kInvalid: the pages make no statement; kFull: all
  /// nodes' pages together are too large. On either the node's pages are forgotten.
  rt::Result<std::optional<Statement>> take(const std::string& node, wire::Hello page,
                                            const std::string& bytes);
  void forget(const std::string& node);
  void clear();
  [[nodiscard]] std::size_t size() const { return size_; }  ///< bytes

 private:
  struct Page {
    wire::Hello hello;
    wire::Hash128 hash;
  };
  struct Pages {
    std::uint64_t nonce = 0;
    std::map<std::uint32_t, Page> by_number;
    std::size_t size = 0;
  };

  std::size_t bytes_max_;
  std::size_t size_ = 0;
  std::map<std::string, Pages> of_;
};

}  // namespace fieldpost::coordinator
