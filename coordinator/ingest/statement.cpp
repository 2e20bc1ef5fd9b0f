#include "coordinator/ingest/statement.h"

#include <algorithm>
#include <utility>

#include "proto/wire/hash.h"

namespace fieldpost::coordinator {

using rt::Errc;
using rt::Error;
using rt::Result;
using wire::SeqRange;

Result<Statement> join_pages(const std::string& node, std::vector<wire::Hello> pages) {
  Statement out;
  out.node = node;
  std::map<wire::IncarnationId, std::size_t> places;
  int live = 0;
  for (wire::Hello& page : pages) {
    for (wire::IncarnationStatement& each : page.incarnations) {
      const auto [place, added] = places.try_emplace(each.id, out.incarnations.size());
      if (added) {
        live += each.live ? 1 : 0;
        out.incarnations.push_back(std::move(each));
        continue;
      }
      wire::IncarnationStatement& whole = out.incarnations[place->second];
      whole.held.insert(whole.held.end(), each.held.begin(), each.held.end());
      whole.kept.insert(whole.kept.end(), each.kept.begin(), each.kept.end());
    }
  }
  for (wire::IncarnationStatement& each : out.incarnations) {
    for (std::vector<SeqRange>* ranges : {&each.held, &each.kept}) {
      std::sort(ranges->begin(), ranges->end());
      for (std::size_t i = 1; i < ranges->size(); ++i) {
        if ((*ranges)[i].first <= (*ranges)[i - 1].last) {
          return Error{Errc::kInvalid, "a hello states one name twice"};
        }
      }
    }
  }
  if (live != 1) return Error{Errc::kInvalid, "a hello states one live incarnation"};
  out.head = std::move(pages.back());
  out.head.incarnations.clear();
  return out;
}

Result<std::optional<Statement>> StatementInbox::take(const std::string& node, wire::Hello page,
                                                      const std::string& bytes) {
  if (of_[node].nonce != page.nonce) forget(node);
  Pages& pages = of_[node];
  pages.nonce = page.nonce;
  const std::uint32_t count = page.pages;
  const bool fits = pages.by_number.empty() || pages.by_number.begin()->second.hello.pages == count;
  if (!fits || pages.by_number.contains(page.page)) return std::optional<Statement>();
  if (size_ + bytes.size() > bytes_max_) {
    forget(node);
    return Error{Errc::kFull, "hellos of all nodes that are not complete yet are too large"};
  }
  size_ += bytes.size();
  pages.size += bytes.size();
  const std::uint32_t number = page.page;
  pages.by_number.emplace(number, Page{std::move(page), wire::hash128(bytes)});
  if (pages.by_number.size() < count) return std::optional<Statement>();

  std::vector<wire::Hello> in_order;
  std::vector<wire::Hash128> hashes;
  for (auto& [each, whole] : pages.by_number) {
    in_order.push_back(std::move(whole.hello));
    hashes.push_back(whole.hash);
  }
  forget(node);
  auto statement = join_pages(node, std::move(in_order));
  if (!statement) return statement.error();
  statement->hash = wire::statement_hash(hashes);
  return std::optional<Statement>(std::move(*statement));
}

void StatementInbox::forget(const std::string& node) {
  const auto found = of_.find(node);
  if (found == of_.end()) return;
  size_ -= found->second.size;
  of_.erase(found);
}

void StatementInbox::clear() {
  of_.clear();
  size_ = 0;
}

}  // namespace fieldpost::coordinator
