#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "coordinator/triggers/hooks/seen_deliveries.h"
#include "tests/support/fakes/fake_seen_deliveries.h"

using namespace fieldpost;  // NOLINT
using coordinator::delivery_keys;
using coordinator::Forge;
using coordinator::HookDoor;
using coordinator::HookEvent;
using coordinator::is_replay;
using coordinator::SeenDeliveries;
using rt::UnixTime;

namespace {

constexpr UnixTime kNow{1'714'560'000'000'000'000};

struct Door {
  HookDoor door;
  sim::FakeSeenDeliveries seen;

  explicit Door(Forge forge) : door{.name = "door", .forge = forge, .secret = {}} {}

  /// Whether it is handled; then it is remembered.
  bool take(const std::string& delivery, const std::string& body, UnixTime now = kNow,
            const std::string& kind = "push") {
    HookEvent event{.forge = door.forge};
    event.delivery = delivery;
    event.said_kind = kind;
    const auto keys = delivery_keys(door, event, body);
    const auto replay = is_replay(seen, keys, now);
    REQUIRE(replay.has_value());
    if (*replay) return false;
    REQUIRE(seen.remember(keys, now).has_value());
    return true;
  }
};

}  // namespace

TEST_CASE("a message that comes again under its name is a replay") {
  for (const Forge forge : {Forge::kGithub, Forge::kGitea, Forge::kGitlab}) {
    Door door(forge);
    CHECK(door.take("id-1", "one"));
    CHECK_FALSE(door.take("id-1", "one"));
    CHECK_FALSE(door.take("id-1", "two"));
    CHECK(door.take("id-2", "two"));
    CHECK(door.take("id-1", "three", kNow, "create"));  // one push is two kinds of message
  }
}

TEST_CASE("a recorded message of a forge that signs the body alone is known under any name") {
  for (const Forge forge : {Forge::kGithub, Forge::kGitea}) {
    Door door(forge);
    CHECK(door.take("id-1", "one"));
    CHECK_FALSE(door.take("id-2", "one"));
  }
}

TEST_CASE("the same body of GitLab is a replay only where it has no name") {
  Door door(Forge::kGitlab);
  CHECK(door.take("id-1", "one"));
  CHECK(door.take("id-2", "one"));
  CHECK(door.take("", "two"));
  CHECK_FALSE(door.take("", "two"));
}

TEST_CASE("doors do not know of one another") {
  Door door(Forge::kGithub);
  CHECK(door.take("id-1", "one"));
  door.door.name = "another";
  CHECK(door.take("id-1", "one"));
}

TEST_CASE("a message is forgotten after seven days") {
  Door door(Forge::kGithub);
  CHECK(door.take("id-1", "one"));
  CHECK_FALSE(door.take("id-1", "one", kNow + SeenDeliveries::kKeptFor));
  CHECK(door.take("id-1", "one", kNow + SeenDeliveries::kKeptFor + rt::Seconds{1}));
  CHECK(door.seen.size() == 2);
}

TEST_CASE("no more messages are remembered than there is room for") {
  Door door(Forge::kGithub);
  constexpr std::size_t kMessages = SeenDeliveries::kKeysMax / 2;
  for (std::size_t i = 0; i <= kMessages; ++i) {
    CHECK(door.take("id-" + std::to_string(i), std::to_string(i)));
  }
  CHECK(door.seen.size() == SeenDeliveries::kKeysMax);
  CHECK_FALSE(door.take("id-1", "1"));
  CHECK(door.take("id-0", "0"));
}

TEST_CASE("a failure to look is told, for nobody knows then whether it is a replay") {
  sim::FakeSeenDeliveries seen;
  seen.failure = rt::Error{rt::Errc::kIo, "the disk is gone"};
  const auto replay = is_replay(seen, {"key"}, kNow);
  REQUIRE_FALSE(replay.has_value());
  CHECK(replay.error().code == rt::Errc::kIo);
}
