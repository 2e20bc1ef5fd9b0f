#include "tests/support/cli_world.h"

#include <utility>

namespace fieldpost::test {

rt::Result<cli::Fetched> FakeFetcher::fetch(const cli::Fetch& fetch) {
  asked.push_back(fetch);
  const auto found = answers.find((fetch.method == "HEAD" ? "HEAD " : "") + fetch.path);
  if (found == answers.end()) return cli::Fetched{404, R"({"detail":"not in the script"})", {}, 0};
  auto& queue = found->second;
  rt::Result<cli::Fetched> answer = queue.front();
  if (queue.size() > 1) queue.pop_front();
  if (answer && fetch.on_data && (answer->status == 200 || answer->status == 206)) {
    if (fetch.on_status) fetch.on_status(answer->status);
    fetch.on_data(answer->body);
    answer->body.clear();
    if (breaks_off > 0) {
      breaks_off -= 1;
      return rt::Error{rt::Errc::kUnavailable, "the answer broke off"};
    }
  }
  if (fetch.on_tick) {
    if (on_wait) on_wait();
    fetch.on_tick();
  }
  return answer;
}

CliWorld::CliWorld(const std::string& input)
    : in_(std::tmpfile()), out_(std::tmpfile()), err_(std::tmpfile()) {
  std::fwrite(input.data(), 1, input.size(), in_);
  std::rewind(in_);
  context.in = in_;
  context.out = out_;
  context.err = err_;
  context.pause = [this](std::int64_t ms) { pauses.push_back(ms); };
  context.make_key = [this] { return "key" + std::to_string(++keys_); };
}

CliWorld::~CliWorld() {
  for (std::FILE* file : {in_, out_, err_}) std::fclose(file);
}

void CliWorld::answer(const std::string& path, std::string body, int status) {
  fetcher.answers[path].emplace_back(cli::Fetched{status, std::move(body), {}, 0});
}

void CliWorld::answer_error(const std::string& path, rt::Error error) {
  fetcher.answers[path].emplace_back(std::move(error));
}

std::string CliWorld::text_of(std::FILE* file) {
  std::fflush(file);
  std::rewind(file);
  std::string text;
  for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) text += static_cast<char>(c);
  return text;
}

}  // namespace fieldpost::test
