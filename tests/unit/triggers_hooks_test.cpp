#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "coordinator/triggers/hooks/github.h"
#include "coordinator/triggers/hooks/hook_door.h"
#include "coordinator/triggers/hooks/hook_json.h"
#include "coordinator/triggers/hooks/hook_signature.h"

using namespace fieldpost;               // NOLINT
using namespace fieldpost::coordinator;  // NOLINT
using nlohmann::json;
using rt::Errc;

namespace {

const std::string kSecret = "a secret of the hook";
const std::string kOld = "1f0c6c9a0b3de1f4a7c5b2d8e9f60718293a4b5c";
const std::string kNew = "9e8d7c6b5a493827160f1e2d3c4b5a6978877665";
const std::string kZero(40, '0');
constexpr rt::UnixTime kNow{1'714'560'000'000'000'000};

std::string load(const std::string& name) {
  std::ifstream file(std::string(FIELDPOST_TEST_DATA_DIR) + "/hooks/" + name);
  INFO(name);
  REQUIRE(file.good());
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

json load_json(const std::string& name) {
  return json::parse(load(name));
}

/// The header that the forge would send with a body.
rt::HttpHeaders headers_of(Forge forge, const std::string& kind, const std::string& body) {
  const std::string hmac = hmac_sha256_hex(kSecret, body);
  rt::HttpHeaders headers{{"content-type", "application/json; charset=utf-8"}};
  if (forge == Forge::kGithub) {
    headers.add("X-GitHub-Event", kind);
    headers.add("X-GitHub-Delivery", "guid-1");
    headers.add("X-Hub-Signature-256", "sha256=" + hmac);
  } else if (forge == Forge::kGitea) {
    headers.add("X-GitHub-Event", kind);
    headers.add("X-Gitea-Event", kind);
    headers.add("X-Gitea-Delivery", "uuid-1");
    headers.add("X-Gitea-Signature", hmac);
  } else {
    headers.add("X-Gitlab-Event", kind);
    headers.add("X-Gitlab-Token", kSecret);
    headers.add("Idempotency-Key", "key-1");
  }
  return headers;
}

rt::Result<HookEvent> receive(Forge forge, const std::string& kind, const std::string& body) {
  const HookDoor door{.name = "door", .forge = forge, .secret = kSecret};
  return read_hook(door, headers_of(forge, kind, body), body, kNow);
}

HookEvent event_of(Forge forge, const std::string& kind, const std::string& body) {
  auto event = receive(forge, kind, body);
  INFO((event ? "" : event.error().message));
  REQUIRE(event.has_value());
  CHECK(event->received == kNow);
  CHECK(event->forge == forge);
  return *std::move(event);
}

/// What is said of a message that is refused.
std::string refusal(Forge forge, const std::string& kind, const json& body) {
  const auto event = receive(forge, kind, body.dump());
  REQUIRE_FALSE(event.has_value());
  CHECK(event.error().code == Errc::kInvalid);
  return event.error().message;
}

bool says(const std::string& message, const std::string& what) {
  INFO(message);
  return message.find(what) != std::string::npos;
}

void check_push(const HookEvent& event) {
  CHECK(event.kind == HookKind::kPush);
  CHECK(event.repository.full_name == "shore/buoy");
  CHECK(event.repository.clone_urls.size() == 2);
  CHECK(event.ref == "refs/heads/main");
  CHECK(event.ref_kind == RefKind::kBranch);
  CHECK(event.ref_name == "main");
  CHECK(event.commit_before == kOld);
  CHECK(event.commit_after == kNew);
  CHECK(event.sender == "ada");
  CHECK_FALSE(event.is_truncated);
  CHECK_FALSE(event.pull_request.has_value());
}

}  // namespace

TEST_CASE("a push to GitHub is read, with all paths of its commits, each once") {
  const HookEvent event = event_of(Forge::kGithub, "push", load("github_push.json"));
  check_push(event);
  CHECK(event.delivery == "guid-1");
  CHECK(event.said_kind == "push");
  CHECK(event.repository.clone_urls == std::vector<std::string>{"https://github.com/shore/buoy.git",
                                                                "git@github.com:shore/buoy.git"});
  CHECK(event.changed_paths ==
        std::vector<std::string>{"docs/depth.md", "src/depth.c", "src/old.c"});
}

TEST_CASE("a tag that is new and a branch that is gone are pushes without one of the commits") {
  const HookEvent tag = event_of(Forge::kGithub, "push", load("github_push_tag.json"));
  CHECK(tag.ref_kind == RefKind::kTag);
  CHECK(tag.ref_name == "v1.2.0");
  CHECK(tag.is_creation());
  CHECK(tag.commit_after == kNew);
  CHECK(tag.is_truncated);
  const HookEvent gone = event_of(Forge::kGithub, "push", load("github_push_deleted.json"));
  CHECK(gone.is_deletion());
  CHECK(gone.ref_name == "feature/depth");
  CHECK(gone.commit_before == kNew);
}

TEST_CASE("a ref that is neither a branch nor a tag has no name") {
  json body = load_json("github_push.json");
  body["ref"] = "refs/notes/commits";
  const HookEvent event = event_of(Forge::kGithub, "push", body.dump());
  CHECK(event.ref_kind == RefKind::kNone);
  CHECK(event.ref_name.empty());
}

TEST_CASE("the paths of a push are truncated when the forge says that they are not all") {
  json body = load_json("github_push.json");
  body["forced"] = true;
  CHECK(event_of(Forge::kGithub, "push", body.dump()).is_truncated);
  body["forced"] = false;
  while (body["commits"].size() < kGithubCommitsMax) body["commits"].push_back(body["commits"][0]);
  CHECK(event_of(Forge::kGithub, "push", body.dump()).is_truncated);
  for (const auto& [forge, file, total] :
       {std::tuple{Forge::kGitlab, "gitlab_push.json", "total_commits_count"},
        std::tuple{Forge::kGitea, "gitea_push.json", "total_commits"}}) {
    INFO(file);
    json other = load_json(file);
    other[total] = 21;
    CHECK(event_of(forge, "push", other.dump()).is_truncated);
    other.erase(total);
    CHECK(event_of(forge, "push", other.dump()).is_truncated);
  }
}

TEST_CASE("paths that are not kept make it truncated") {
  json body = load_json("github_push.json");
  body["commits"][0]["added"] = {"a\nb"};
  CHECK(event_of(Forge::kGithub, "push", body.dump()).is_truncated);
  body["commits"][0]["added"] = {7};
  CHECK(event_of(Forge::kGithub, "push", body.dump()).is_truncated);
  body["commits"][0]["added"] = {std::string(HookJson::kTextBytesMax + 1, 'a')};
  CHECK(event_of(Forge::kGithub, "push", body.dump()).is_truncated);
  body["commits"][0]["added"] = json::array();
  for (std::size_t i = 0; i < kChangedPathsMax; ++i) {
    body["commits"][0]["added"].push_back(std::to_string(i));
  }
  const HookEvent event = event_of(Forge::kGithub, "push", body.dump());
  CHECK(event.is_truncated);
  CHECK(event.changed_paths.size() == kChangedPathsMax);
}

TEST_CASE("a pull request at GitHub is read, with the fork that it comes from") {
  const HookEvent event =
      event_of(Forge::kGithub, "pull_request", load("github_pull_request.json"));
  CHECK(event.kind == HookKind::kPullRequest);
  REQUIRE(event.pull_request.has_value());
  CHECK(*event.pull_request == PullRequest{.number = 12,
                                           .action = PullAction::kUpdated,
                                           .said_action = "synchronize",
                                           .head_branch = "depth",
                                           .head_repository = "bob/buoy",
                                           .head_commit = kNew,
                                           .base_branch = "main"});
  CHECK(event.sender == "bob");
  CHECK(event.is_truncated);
  CHECK(event.ref.empty());
}

TEST_CASE("what happened to a pull request is said in one word for all forges") {
  json body = load_json("github_pull_request.json");
  const auto action = [&](const std::string& said) {
    body["action"] = said;
    return event_of(Forge::kGithub, "pull_request", body.dump()).pull_request->action;
  };
  CHECK(action("opened") == PullAction::kOpened);
  CHECK(action("reopened") == PullAction::kReopened);
  CHECK(action("labeled") == PullAction::kOther);
  CHECK(action("closed") == PullAction::kClosed);
  body["pull_request"]["merged"] = true;
  CHECK(action("closed") == PullAction::kMerged);
  json merge = load_json("gitlab_merge_request.json");
  const auto of_gitlab = [&](const std::string& said) {
    merge["object_attributes"]["action"] = said;
    return event_of(Forge::kGitlab, "Merge Request Hook", merge.dump()).pull_request->action;
  };
  CHECK(of_gitlab("open") == PullAction::kOpened);
  CHECK(of_gitlab("reopen") == PullAction::kReopened);
  CHECK(of_gitlab("close") == PullAction::kClosed);
  CHECK(of_gitlab("merge") == PullAction::kMerged);
  CHECK(of_gitlab("approved") == PullAction::kOther);
  CHECK(of_gitlab("update") == PullAction::kUpdated);
  merge["object_attributes"].erase("oldrev");
  CHECK(of_gitlab("update") == PullAction::kOther);
}

TEST_CASE("a ping and unknown events are told apart, and need no repository") {
  const HookEvent ping = event_of(Forge::kGithub, "ping", load("github_ping.json"));
  CHECK(ping.kind == HookKind::kPing);
  CHECK(ping.repository.full_name == "shore/buoy");
  CHECK(event_of(Forge::kGithub, "ping", "{}").kind == HookKind::kPing);
  const HookEvent star = event_of(Forge::kGithub, "star", "{\"action\":\"created\"}");
  CHECK(star.kind == HookKind::kOther);
  CHECK(star.said_kind == "star");
  CHECK(event_of(Forge::kGitlab, "Job Hook", "{\"object_kind\":\"build\"}").kind ==
        HookKind::kOther);
}

TEST_CASE("pushes and merge requests at GitLab are read") {
  const HookEvent push = event_of(Forge::kGitlab, "Push Hook", load("gitlab_push.json"));
  check_push(push);
  CHECK(push.delivery == "key-1");
  CHECK(push.changed_paths == std::vector<std::string>{"docs/depth.md", "src/depth.c"});
  const HookEvent tag = event_of(Forge::kGitlab, "Tag Push Hook", load("gitlab_tag_push.json"));
  CHECK(tag.kind == HookKind::kPush);
  CHECK(tag.ref_kind == RefKind::kTag);
  const HookEvent merge =
      event_of(Forge::kGitlab, "Merge Request Hook", load("gitlab_merge_request.json"));
  CHECK(*merge.pull_request == PullRequest{.number = 12,
                                           .action = PullAction::kUpdated,
                                           .said_action = "update",
                                           .head_branch = "depth",
                                           .head_repository = "bob/buoy",
                                           .head_commit = kNew,
                                           .base_branch = "main"});
  CHECK(merge.sender == "bob");
}

TEST_CASE("pushes and pull requests at Gitea are read") {
  const HookEvent push = event_of(Forge::kGitea, "push", load("gitea_push.json"));
  check_push(push);
  CHECK(push.delivery == "uuid-1");
  CHECK(push.changed_paths == std::vector<std::string>{"docs/depth.md", "src/depth.c"});
  const HookEvent pull = event_of(Forge::kGitea, "pull_request", load("gitea_pull_request.json"));
  CHECK(pull.pull_request->action == PullAction::kMerged);
  json updated = load_json("gitea_pull_request.json");
  updated["action"] = "synchronized";
  updated["sender"].erase("login");
  const HookEvent again = event_of(Forge::kGitea, "pull_request", updated.dump());
  CHECK(again.pull_request->action == PullAction::kUpdated);
  CHECK(again.sender == "ada");
}

TEST_CASE("a message without what it needs is refused by the name of the member") {
  const json push = load_json("github_push.json");
  const auto without = [&](const std::string& member, const json& value) {
    json body = push;
    body[member] = value;
    return refusal(Forge::kGithub, "push", body);
  };
  CHECK(says(without("ref", nullptr), "\"ref\": expected a ref such as refs/heads/main"));
  CHECK(says(without("ref", "main"), "found \"main\""));
  CHECK(says(without("ref", "refs/heads/a..b"), "\"ref\""));
  CHECK(says(without("ref", "refs/heads/--upload-pack=x"), "\"ref\""));
  CHECK(says(without("ref", "refs/heads/"), "\"ref\""));
  CHECK(says(without("ref", 7), "\"ref\""));
  CHECK(says(without("before", "abc"), "\"before\": expected 40 or 64 hex digits"));
  CHECK(says(without("after", std::string(40, 'A')), "\"after\""));
  CHECK(says(without("repository", json::object()), "\"repository/full_name\""));
  json nothing = push;
  nothing["before"] = nothing["after"] = kZero;
  CHECK(says(refusal(Forge::kGithub, "push", nothing), "expected another commit"));
  json pull = load_json("github_pull_request.json");
  pull["number"] = 0;
  CHECK(says(refusal(Forge::kGithub, "pull_request", pull), "\"number\""));
  pull["number"] = 1;
  pull["pull_request"]["head"]["ref"] = "-x";
  CHECK(says(refusal(Forge::kGithub, "pull_request", pull), "its source"));
  pull["pull_request"]["head"]["ref"] = "x";
  pull["pull_request"]["base"].erase("ref");
  CHECK(says(refusal(Forge::kGithub, "pull_request", pull), "its target"));
  pull["pull_request"]["base"]["ref"] = "main";
  pull["pull_request"]["head"]["sha"] = 5;
  CHECK(says(refusal(Forge::kGithub, "pull_request", pull), "its commit"));
  CHECK(says(refusal(Forge::kGitlab, "Push Hook", {{"object_kind", "push"}}),
             "\"project/path_with_namespace\""));
  CHECK(says(refusal(Forge::kGithub, "push", json::array()), "no JSON object"));
}

TEST_CASE("a message without its kind or its name is refused") {
  const std::string body = load("github_push.json");
  const std::string hmac = hmac_sha256_hex(kSecret, body);
  const auto said = [&](Forge forge, rt::HttpHeaders headers) {
    headers.add("Content-Type", "application/json");
    headers.add("X-Hub-Signature-256", "sha256=" + hmac);
    headers.add("X-Gitlab-Token", kSecret);
    const auto event = read_hook({"door", forge, kSecret}, headers, body, kNow);
    REQUIRE_FALSE(event.has_value());
    CHECK(event.error().code == Errc::kInvalid);
    return event.error().message;
  };
  CHECK(says(said(Forge::kGithub, {}), "X-GitHub-Event"));
  CHECK(says(said(Forge::kGithub, {{"X-GitHub-Event", "push"}}), "X-GitHub-Delivery"));
  CHECK(says(said(Forge::kGitea, {}), "X-Gitea-Event"));
  CHECK(says(said(Forge::kGitea, {{"X-Gitea-Event", "push"}}), "X-Gitea-Delivery"));
  CHECK(says(said(Forge::kGitlab, {}), "X-Gitlab-Event"));
  CHECK(says(said(Forge::kGit, {}), "plain git"));
}

TEST_CASE("a message that is no JSON, or a form, is refused with what to set at the forge") {
  const HookDoor door{"door", Forge::kGithub, kSecret};
  const std::string form = "payload=%7B%7D";
  rt::HttpHeaders headers{{"Content-Type", "application/x-www-form-urlencoded"},
                          {"X-Hub-Signature-256", "sha256=" + hmac_sha256_hex(kSecret, form)}};
  const auto event = read_hook(door, headers, form, kNow);
  CHECK(event.error().code == Errc::kInvalid);
  CHECK(says(event.error().message, "expected the content type application/json"));
  CHECK(receive(Forge::kGithub, "push", "{").error().code == Errc::kInvalid);
  CHECK(receive(Forge::kGithub, "push", "").error().code == Errc::kInvalid);
  const std::string deep = "{\"a\":" + std::string(70, '[') + std::string(70, ']') + "}";
  CHECK(says(receive(Forge::kGithub, "push", deep).error().message, "nests deeper than 64"));
}

TEST_CASE("a message that is too large is refused unread") {
  const std::string large(kHookBodyBytesMax + 1, ' ');
  CHECK(receive(Forge::kGithub, "push", large).error().code == Errc::kFull);
  CHECK(HookJson::parse(large).error().code == Errc::kFull);
  std::string many = "{\"commits\":[";
  for (std::size_t i = 0; i < HookJson::kValuesMax; ++i) many += "0,";
  CHECK(HookJson::parse(many + "0]}").error().code == Errc::kFull);
}
