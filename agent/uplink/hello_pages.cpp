#include "agent/uplink/hello_pages.h"

#include <utility>

#include "proto/wire/limits.h"

namespace fieldpost::agent {

namespace {

/// Encoded sizes, rounded up: a page stays well below an envelope.
constexpr std::size_t kStatementBytes = 160;
constexpr std::size_t kRangeBytes = 16;
constexpr std::size_t kPageBytesMax = wire::kEnvelopeBytesMax / 2;

}  // namespace

std::vector<wire::Hello> hello_pages(const wire::Hello& head,
                                     std::vector<wire::IncarnationStatement> statement,
                                     bool list_all) {
  wire::Hash128 digest;
  std::uint32_t digest_count = 0;
  std::vector<wire::Hello> pages(1, head);
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < statement.size(); ++i) {
    wire::IncarnationStatement& each = statement[i];
    const bool recent =
        i + static_cast<std::size_t>(wire::kHelloRecentIncarnations) >= statement.size();
    if (!list_all && !recent && each.held.empty() && each.kept.empty()) {
      const wire::Hash128 part = wire::digest_of(each.id, each.parent, each.highest);
      digest = {digest.hi ^ part.hi, digest.lo ^ part.lo};
      digest_count += 1;
      continue;
    }
    // One incarnation with very many ranges is stated in parts; the coordinator joins them.
    std::size_t held = 0, kept = 0;
    do {
      if (bytes + kStatementBytes > kPageBytesMax) {
        pages.push_back(head);
        bytes = 0;
      }
      wire::IncarnationStatement part = {
          each.id, each.parent, each.ordinal, each.highest, each.live, {}, {}};
      bytes += kStatementBytes;
      while (held < each.held.size() && bytes < kPageBytesMax) {
        part.held.push_back(each.held[held++]);
        bytes += kRangeBytes;
      }
      while (held == each.held.size() && kept < each.kept.size() && bytes < kPageBytesMax) {
        part.kept.push_back(each.kept[kept++]);
        bytes += kRangeBytes;
      }
      pages.back().incarnations.push_back(std::move(part));
    } while (held < each.held.size() || kept < each.kept.size());
  }
  for (std::size_t i = 0; i < pages.size(); ++i) {
    pages[i].page = static_cast<std::uint32_t>(i);
    pages[i].pages = static_cast<std::uint32_t>(pages.size());
    pages[i].digest = digest;
    pages[i].digest_count = digest_count;
  }
  return pages;
}

}  // namespace fieldpost::agent
