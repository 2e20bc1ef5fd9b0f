// A complete statement cut into pages, as the coordinator joins them again [hello-5].
#include "agent/uplink/hello_pages.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "coordinator/ingest/statement.h"
#include "proto/wire/hash.h"
#include "proto/wire/limits.h"

namespace fieldpost::agent {
namespace {

using coordinator::Statement;
using coordinator::StatementInbox;
using wire::IncarnationStatement;

constexpr wire::SpoolId kSpool{7, 8};

wire::Hello head() {
  wire::Hello hello;
  hello.nonce = 42;
  hello.spool = kSpool;
  hello.version = "test";
  hello.labels = {"field", "north"};
  return hello;
}

/// Incarnations 1 … count, each the parent of the next, the last one live.
std::vector<IncarnationStatement> chain(std::uint64_t count) {
  std::vector<IncarnationStatement> out(count);
  for (std::uint64_t i = 1; i <= count; ++i) {
    IncarnationStatement& each = out[i - 1];
    each.id = {kSpool, i};
    if (i > 1) each.parent = {kSpool, i - 1};
    each.ordinal = i;
    each.highest = 1'000'000;
    each.live = i == count;
  }
  return out;
}

/// Every second name, from `first` on.
std::vector<wire::SeqRange> fragments(std::uint64_t first, std::size_t count) {
  std::vector<wire::SeqRange> out;
  for (std::size_t i = 0; i < count; ++i) out.push_back({first + 2 * i, first + 2 * i});
  return out;
}

/// Through the wire into `inbox`.
rt::Result<std::optional<Statement>> take(StatementInbox& inbox, const wire::Hello& page,
                                          const std::string& node = "n1") {
  const std::string bytes = wire::encode(page);
  CHECK(bytes.size() <= wire::kEnvelopeBytesMax);
  auto hello = wire::decode_hello(bytes);
  REQUIRE(hello.has_value());
  return inbox.take(node, std::move(*hello), bytes);
}

wire::Hash128 hash_of(const std::vector<wire::Hello>& pages) {
  std::vector<wire::Hash128> hashes;
  for (const wire::Hello& page : pages) hashes.push_back(wire::hash128(wire::encode(page)));
  return wire::statement_hash(hashes);
}

/// As the coordinator takes them: in any order, through the wire, joined.
Statement taken(const std::vector<wire::Hello>& pages) {
  StatementInbox inbox(64 << 20);
  std::optional<Statement> whole;
  for (std::size_t i = pages.size(); i-- > 0;) {
    REQUIRE(!whole);
    auto statement = take(inbox, pages[i]);
    REQUIRE(statement.has_value());
    whole = std::move(*statement);
  }
  REQUIRE(whole.has_value());
  CHECK(whole->hash == hash_of(pages));
  CHECK(inbox.size() == 0);
  return std::move(*whole);
}

TEST_CASE("a small statement is one page, and lists everything") {
  auto statement = chain(3);
  statement[0].held = {{1, 5}, {9, 9}};
  statement[2].kept = {{2, 4}};
  const auto pages = hello_pages(head(), statement, false);
  REQUIRE(pages.size() == 1);
  CHECK(pages[0].pages == 1);
  CHECK(pages[0].digest.is_zero());
  CHECK(pages[0].digest_count == 0);
  CHECK(taken(pages).incarnations == statement);
}

TEST_CASE(
    "old incarnations that hold and keep nothing go as a digest, the recent ones are listed") {
  auto statement = chain(20);
  statement[1].held = {{3, 3}};
  statement[4].kept = {{1, 2}};
  wire::Hash128 digest;
  std::vector<IncarnationStatement> listed;
  for (std::size_t i = 0; i < statement.size(); ++i) {
    const IncarnationStatement& each = statement[i];
    if (i == 1 || i == 4 || i + wire::kHelloRecentIncarnations >= statement.size()) {
      listed.push_back(each);
      continue;
    }
    const wire::Hash128 part = wire::digest_of(each.id, each.parent, each.highest);
    digest = {digest.hi ^ part.hi, digest.lo ^ part.lo};
  }
  const auto pages = hello_pages(head(), statement, false);
  REQUIRE(pages.size() == 1);
  CHECK(pages[0].digest == digest);
  CHECK(pages[0].digest_count == 20 - listed.size());
  CHECK(taken(pages).incarnations == listed);
}

TEST_CASE("when the coordinator asks for all, each incarnation is listed and nothing is digested") {
  const auto statement = chain(2000);
  const auto pages = hello_pages(head(), statement, true);
  CHECK(pages.size() > 1);
  for (const wire::Hello& page : pages) {
    CHECK(page.digest.is_zero());
    CHECK(page.digest_count == 0);
  }
  CHECK(taken(pages).incarnations == statement);
}

TEST_CASE("one incarnation with very many ranges is stated over pages and joined again") {
  auto statement = chain(2);
  statement[0].held = fragments(1, 100'000);
  statement[0].kept = fragments(400'000, 10'000);
  statement[1].held = fragments(1, 3);
  const auto pages = hello_pages(head(), statement, false);
  CHECK(pages.size() > 10);
  CHECK(pages.size() <= static_cast<std::size_t>(wire::kHelloPagesMax));
  for (std::size_t i = 0; i < pages.size(); ++i) {
    CHECK(pages[i].page == i);
    CHECK(pages[i].pages == pages.size());
    CHECK(pages[i].nonce == 42);
    CHECK(pages[i].labels == head().labels);
  }
  CHECK(taken(pages).incarnations == statement);
}

TEST_CASE("one bit that changed on the way gives a statement another hash") {
  auto statement = chain(2);
  statement[0].held = {{1, 5}, {9, 9}};
  const auto pages = hello_pages(head(), statement, false);
  const std::string good = wire::encode(pages[0]);
  const wire::Hash128 hash = taken(pages).hash;
  std::size_t understood = 0;
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    auto hello = wire::decode_hello(bad);
    if (!hello) continue;
    StatementInbox inbox(64 << 20);
    const auto joined = inbox.take("n1", std::move(*hello), bad);
    if (!joined || !*joined) continue;
    understood += 1;
    CHECK((*joined)->hash != hash);
  }
  CHECK(understood > 100);  // or nothing was shown
}

TEST_CASE("pages of another hello, and those that came already, are not mixed in") {
  auto statement = chain(2);
  statement[0].held = fragments(1, 20'000);
  auto pages = hello_pages(head(), statement, false);
  REQUIRE(pages.size() >= 2);
  StatementInbox inbox(64 << 20);
  CHECK(!*take(inbox, pages[0]));
  const std::size_t one = inbox.size();
  CHECK(!*take(inbox, pages[0]));
  CHECK(inbox.size() == one);
  wire::Hello of_another = pages[1];
  of_another.nonce += 1;
  CHECK(!*take(inbox, of_another));  // the newest nonce counts
  CHECK(!*take(inbox, pages[1], "n2"));
  for (std::size_t i = 1; i < pages.size(); ++i) CHECK(!*take(inbox, pages[i]));
  const auto whole = take(inbox, pages[0]);
  REQUIRE(*whole);
  CHECK((*whole)->incarnations == statement);
}

TEST_CASE("pages of all nodes together are bounded, and who meets the bound begins anew") {
  auto statement = chain(2);
  statement[0].held = fragments(1, 20'000);
  const auto pages = hello_pages(head(), statement, false);
  REQUIRE(pages.size() >= 2);
  StatementInbox inbox(wire::encode(pages[0]).size() * 3 / 2);
  CHECK(!*take(inbox, pages[0]));
  const auto refused = take(inbox, pages[0], "n2");
  REQUIRE(!refused);
  CHECK(refused.error().code == rt::Errc::kFull);
  inbox.forget("n1");
  CHECK(inbox.size() == 0);
  CHECK(!*take(inbox, pages[0], "n2"));
}

TEST_CASE("half a million ranges are the most that the pages of one hello hold") {
  auto statement = chain(1);
  statement[0].held = fragments(1, 500'000);
  CHECK(hello_pages(head(), statement, false).size() <=
        static_cast<std::size_t>(wire::kHelloPagesMax));
  statement[0].held = fragments(1, 530'000);
  CHECK(hello_pages(head(), statement, false).size() >
        static_cast<std::size_t>(wire::kHelloPagesMax));
}

}  // namespace
}  // namespace fieldpost::agent
