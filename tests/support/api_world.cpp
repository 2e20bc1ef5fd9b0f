#include "tests/support/api_world.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <bit>
#include <nlohmann/json.hpp>

#include "proto/wire/readings_codec.h"

namespace fieldpost::test {

ApiWorld::ApiWorld() {
  desk.emplace(questions, store.make_query());
  studies.emplace(questions, store.make_reader(),
                  [this](const auto& job, const auto& done) { done(store.change_studies(job)); });
  exports.emplace(coordinator::ExportDeskPorts{loop, clock, random, exporter, files, log, *studies},
                  store.make_reader(), "/exports", "1.2.3");
  imports.emplace(coordinator::ImportDeskPorts{loop, clock, importer, files, log, *studies,
                                               [this](const auto& job, const auto& done) {
                                                 done(store.run_store(job));
                                               }},
                  "/imports");
  api.emplace(services());
}

coordinator::Services ApiWorld::services() {
  return {.view = view,
          .desk = *desk,
          .studies = *studies,
          .exports = *exports,
          .imports = *imports,
          .loop = loop,
          .parser = parser,
          .bodies = bodies,
          .clock = clock,
          .random = random,
          .log = log,
          .files = files,
          .blob_directory = "/blobs",
          .upload_directory = "/uploads",
          .version = "1.2.3",
          .http_counters = nullptr,
          .default_sensors = {}};
}

FakeAnswer& ApiWorld::ask(std::string_view method, std::string_view target, rt::HttpHeaders headers,
                          std::string body) {
  FakeAnswer& answer = answers.emplace_back();
  api->handle(make_request(method, target, std::move(headers), std::move(body)),
              make_responder(answer));
  sim.run_until([&] { return answer.response || answer.streaming; }, rt::Seconds{5});
  return answer;
}

nlohmann::json ApiWorld::get(std::string_view target, int status) {
  const FakeAnswer& answer = ask("GET", target);
  INFO("GET ", target);
  REQUIRE(answer.response.has_value());
  INFO("body ", answer.response->body);
  CHECK(answer.response->status == status);
  return nlohmann::json::parse(answer.response->body);
}

std::string ApiWorld::problem(std::string_view target, int status) {
  const auto document = get(target, status);
  CHECK(answers.back().response->headers.get("Content-Type") == "application/problem+json");
  CHECK(document.at("status") == status);
  return document.at("detail");
}

coordinator::SeriesId ApiWorld::add_series(
    const std::string& node, const std::string& key,
    const std::vector<std::pair<std::int64_t, double>>& readings, wire::Id128 boot) {
  auto no = store.number("SELECT no FROM node WHERE id = '" + node + "'");
  if (!no) no = store.add_node(node);
  const auto set = make_set({key});
  wire::Column column;
  for (const auto& [seconds, value] : readings) {
    column.times.push_back(seconds * 1'000'000'000);
    column.values.push_back(std::bit_cast<std::uint64_t>(value));
  }
  store.add(make_batch(*no, {1, ++seq_}, set, {{std::move(column)}, {}, {}}, boot));
  return store
      .number(fmt::format("SELECT id FROM series WHERE node_no = {} AND key = '{}'", *no, key))
      .value_or(0);
}

}  // namespace fieldpost::test
