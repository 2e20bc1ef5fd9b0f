// fieldpost: the user's command line.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "proto/mapping/rules.h"
#include "proto/rt/daemon_main.h"
#include "proto/rt/system_clock.h"
#include "proto/rt/system_files.h"
#include "proto/rt/system_random.h"
#include "proto/wire/flash_order.h"
#include "tools/cli/curl_fetcher.h"
#include "tools/cli/pipeline.h"
#include "tools/cli/settings.h"
#include "tools/cli/study_arguments.h"
#include "tools/cli/verbs.h"

namespace {

using namespace fieldpost;       // NOLINT: a program's own file
using namespace fieldpost::cli;  // NOLINT

constexpr std::size_t kConfigBytesMax = 64 * 1024;

constexpr const char* kFooter =
    R"(The coordinator's address is --url, else FIELDPOST_URL, else `url` under
[coordinator] in the configuration file (FIELDPOST_CONFIG, or
fieldpost/config.toml in the user's configuration directory, or
/etc/fieldpost/fieldpost.toml), else http://127.0.0.1:8080.

Exit codes: 0 done, 1 failed, 2 usage, 69 coordinator unreachable,
77 not permitted, 78 configuration.)";

struct Arguments {
  std::string url;
  bool json = false;
  StatusOptions status;
  NodesOptions nodes;
  FlashOptions flash;
  std::string released;
  SeriesChoice series;
  QueryOptions query;
  DeleteOptions deletion;
  ReprocessOptions reprocess;
  std::string rules_file;
  TailOptions tail;
  DecodeOptions decode;
  WriteOptions write;
  BlobOptions blobs;
  GetBlobOptions blob;
  SpoolOptions spool;
  PipelineCheck pipeline;
  StudyArguments study;
};

struct Verb {
  std::function<int(Context&, const Settings&)> run;
  bool alone = false;  ///< asks no coordinator, so wrong settings for one do not matter
};

/// A verb takes --json and --url after its name too.
CLI::App* add_verb(CLI::App& app, Arguments& arguments, const char* name, const char* what) {
  CLI::App* verb = app.add_subcommand(name, what);
  verb->add_flag("--json", arguments.json, "Print JSON");
  verb->add_option("--url", arguments.url, "Address of the coordinator, http://HOST:PORT");
  return verb;
}

/// Empty: it is an id.
std::string what_is_wrong_with_id(const std::string& text) {
  const bool digits = text.find_first_not_of("0123456789") == std::string::npos;
  if (digits && !text.empty() && text.size() < 19) return {};
  return "`" + text +
         "` is not the id of a series: `fieldpost series` lists them, and --node, --measurement, "
         "--field and --tag choose by name";
}

void add_choice(CLI::App* verb, SeriesChoice& choice) {
  verb->add_option("series", choice.ids, "Ids of series, as `fieldpost series` lists them")
      ->check(what_is_wrong_with_id);
  verb->add_option("--node", choice.node, "Only series of this node");
  verb->add_option("--measurement", choice.measurement, "Only series of this measurement");
  verb->add_option("--field", choice.field, "Only series of this field");
  verb->add_option("--tag", choice.tags, "Only series with this tag, KEY=VALUE; may be repeated")
      ->allow_extra_args(false);
}

void add_flash_verb(CLI::App& nodes, Arguments& arguments) {
  FlashOptions& flash = arguments.flash;
  CLI::App* verb = add_verb(nodes, arguments, "flash",
                            "Have a node's bridge flash a board; it takes the old firmware back "
                            "when the new one does not run");
  verb->add_option("node", flash.node, "The node")->required();
  verb->add_option("--board", flash.board, "The board, as its bridge calls it")->required();
  verb->add_option("--image", flash.image, "Intel HEX file")->check(CLI::ExistingFile);
  verb->add_option("--sha256", flash.sha256, "An image that the bridge keeps, instead");
  verb->add_option("--firmware", flash.firmware, "Version that the board tells afterwards")
      ->required();
  verb->add_option("--timeout", flash.timeout_s, "Seconds that it has for that")
      ->check(CLI::Range(1u, wire::kFlashTimeoutMaxS));
  verb->add_flag("--no-wait", flash.no_wait, "Only send the command");
}

void add_overview_verbs(CLI::App& app, Arguments& arguments, Verb& chosen) {
  CLI::App* status =
      add_verb(app, arguments, "status", "How everything is: what needs attention, then the nodes");
  status->add_flag("--gaps", arguments.status.gaps, "List the gaps too");
  status->callback([&] {
    chosen.run = [&](Context& context, const Settings&) {
      return run_status(context, arguments.status);
    };
  });
  CLI::App* nodes =
      add_verb(app, arguments, "nodes", "List nodes, show one, send it a command, or release it");
  nodes->add_option("node", arguments.nodes.id, "Show this node only");
  nodes->add_option("--command", arguments.nodes.command, "Send this command, for example ping");
  nodes->add_option("--arguments", arguments.nodes.arguments, "Its arguments, a JSON object");
  nodes->callback([&] {
    chosen.run = [&](Context& context, const Settings&) {
      if (!arguments.flash.node.empty()) return run_flash(context, arguments.flash);
      return arguments.released.empty() ? run_nodes(context, arguments.nodes)
                                        : run_release(context, arguments.released);
    };
  });
  CLI::App* release = add_verb(*nodes, arguments, "release",
                               "Take a node as new after one of two machines was stopped");
  release->add_option("node", arguments.released, "Of which two machines ran")->required();
  add_flash_verb(*nodes, arguments);
  add_verb(app, arguments, "doctor", "Look for what is wrong between here and the nodes")
      ->callback([&] {
        chosen.run = [](Context& context, const Settings& settings) {
          return run_doctor(context, settings.source);
        };
      });
}

void add_bucket_options(CLI::App* verb, BucketOptions& buckets) {
  auto* points =
      verb->add_option("--points", buckets.points,
                       "So many buckets of each series: count, min, max, mean, first, last")
          ->check(CLI::Range(1, 10'000));
  verb->add_option("--width", buckets.width,
                   "Buckets that begin at multiples of this: 10s, 5m, 1h, 1d")
      ->excludes(points);
  verb->add_option("--of", buckets.of, "What goes into buckets: value, derivative or rate a second")
      ->check(CLI::IsMember({"value", "derivative", "rate"}));
  verb->add_option("--fill", buckets.fill,
                   "For buckets without readings: none, null, previous, linear or a number");
  verb->add_option("--group-by", buckets.group_by,
                   "Join series that agree in node, measurement, field or tag.KEY")
      ->delimiter(',');
}

void add_query_verb(CLI::App& app, Arguments& arguments, Verb& chosen) {
  QueryOptions& query = arguments.query;
  CLI::App* verb =
      add_verb(app, arguments, "query", "Print readings of series, or buckets of them");
  add_choice(verb, query.choice);
  verb->add_option("--from", query.from, "First time, included: RFC 3339 or integer nanoseconds");
  verb->add_option("--to", query.to, "Last time, excluded");
  add_bucket_options(verb, query.buckets);
  verb->add_flag("--last", query.last, "Only the last reading of each series");
  verb->add_option("--limit", query.limit, "Readings at most; all by default");
  verb->add_flag("--corrected", query.corrected,
                 "Shift times that a node stamped while its clock was wrong");
  auto* calibrated = verb->add_option("--calibrated", query.calibrated,
                                      "Calibrated values, by the sensors of this experiment");
  verb->add_option("--calibrated-by", query.calibrated_by,
                   "The same by this sensor config: its newest version, or CONFIG@VERSION")
      ->excludes(calibrated);
  verb->add_option("--format", query.format, "How to print: table, csv or json")
      ->option_text("FORMAT")
      ->transform(
          CLI::CheckedTransformer(std::map<std::string, QueryFormat>{{"table", QueryFormat::kTable},
                                                                     {"csv", QueryFormat::kCsv},
                                                                     {"json", QueryFormat::kJson}},
                                  CLI::ignore_case));
  auto* blob = verb->add_option("--blob", arguments.blob.blob,
                                "Give the bytes of a body instead: its SHA-256, or `last` of one "
                                "series that is given by its id");
  verb->add_option("-o,--output", arguments.blob.output, "Where its bytes go; standard output")
      ->needs(blob);
  verb->callback([&] {
    chosen.run = [&](Context& context, const Settings&) {
      if (arguments.blob.blob.empty()) return run_query(context, arguments.query);
      const auto& ids = arguments.query.choice.ids;
      if (ids.size() > 1) return context.fail({rt::Errc::kInvalid, "--blob is of one series"});
      if (!ids.empty()) arguments.blob.series = ids.front();
      return run_get_blob(context, arguments.blob);
    };
  });
}

/// Keeps apart what is not given and what is given empty.
void add_text(CLI::App* verb, const char* name, std::optional<std::string>& into,
              const char* what) {
  verb->add_option_function<std::string>(
      name, [&into](const std::string& text) { into = text; }, what);
}

void add_delete_verb(CLI::App& app, Arguments& arguments, Verb& chosen) {
  DeleteOptions& deletion = arguments.deletion;
  CLI::App* verb =
      add_verb(app, arguments, "delete",
               "Delete readings of a node, a measurement, or both, for good; without --really it\n"
               "only tells how many");
  add_text(verb, "--node", deletion.node, "Only readings of this node");
  add_text(verb, "--measurement", deletion.measurement, "Only readings of this measurement");
  add_text(verb, "--from", deletion.from,
           "First time, included: RFC 3339 or integer nanoseconds; all earlier ones by default");
  add_text(verb, "--to", deletion.to, "Last time, excluded; all later ones by default");
  add_text(verb, "--reason", deletion.reason, "Why, for those who find the hole");
  verb->add_flag("--really", deletion.really, "Do it");
  verb->callback([&] {
    chosen.run = [&](Context& context, const Settings&) {
      return run_delete(context, arguments.deletion);
    };
  });
}

/// `-` is standard input.
rt::Result<std::string> read_rules(const std::string& path) {
  if (path != "-") {
    rt::SystemFiles files;
    return files.read(path, 0, mapping::kRulesBytesMax + 1);  // what is longer is refused as such
  }
  std::string text(mapping::kRulesBytesMax + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), stdin));
  return text;
}

void add_reprocess_verb(CLI::App& app, Arguments& arguments, Verb& chosen) {
  ReprocessOptions& options = arguments.reprocess;
  CLI::App* verb = add_verb(
      app, arguments, "reprocess",
      "Make readings anew of messages that were kept raw, by other rules; without --really\n"
      "it only tells what would change");
  verb->add_option("--node", options.node, "Whose messages they are");
  verb->add_option("--source", options.source,
                   "Which source's, as the tag `source` of fieldpost_raw says");
  verb->add_option("--from", options.from,
                   "First arrival, included: RFC 3339 or integer nanoseconds");
  verb->add_option("--to", options.to, "Last arrival, excluded");
  auto* rules = verb->add_option("--rules", arguments.rules_file,
                                 "File of the rules, a JSON object with the keys of [[source]]; - "
                                 "is standard input");
  auto* really = verb->add_flag("--really", options.really, "Do it");
  verb->add_flag("--lines", options.lines,
                 "Print the readings that would be made as line protocol; changes nothing")
      ->excludes(really)
      ->needs(rules);
  auto* quarantined =
      verb->add_flag("--quarantined", options.quarantined,
                     "Look again at records that were not understood when they came")
          ->excludes(rules);
  verb->add_flag("--give-up", options.give_up, "Turn those that still are not into a gap")
      ->needs(quarantined);
  verb->callback([&] {
    chosen.run = [&](Context& context, const Settings&) {
      if (!arguments.rules_file.empty()) {
        auto text = read_rules(arguments.rules_file);
        if (!text) return context.fail(text.error());
        arguments.reprocess.rules = *std::move(text);
      }
      return run_reprocess(context, arguments.reprocess);
    };
  });
}

void add_reading_verbs(CLI::App& app, Arguments& arguments, Verb& chosen) {
  CLI::App* series = add_verb(app, arguments, "series", "List series");
  add_choice(series, arguments.series);
  series->callback([&] {
    chosen.run = [&](Context& context, const Settings&) {
      return run_series(context, arguments.series);
    };
  });
  add_query_verb(app, arguments, chosen);
  add_delete_verb(app, arguments, chosen);
  add_reprocess_verb(app, arguments, chosen);
  CLI::App* tail =
      add_verb(app, arguments, "tail",
               "Follow readings as they are stored, the last ones first; series that are still to\n"
               "come too, up to 1,000");
  add_choice(tail, arguments.tail.choice);
  tail->add_option("-n,--count", arguments.tail.count, "Stop after so many readings");
  tail->add_flag("--lines", arguments.tail.lines, "Print line protocol");
  tail->callback([&] {
    chosen.run = [&](Context& context, const Settings&) {
      return run_tail(context, arguments.tail);
    };
  });
}

/// Files in place of lines.
void add_blob_options(CLI::App* write, BlobOptions& blobs) {
  auto* files = write->add_option("--blob", blobs.files,
                                  "Store these files as bodies, each with a reading that tells of "
                                  "it; what a try that broke off brought is not sent again");
  files->excludes(write->get_option("line"))->excludes(write->get_option("--precision"));
  write->add_option("--measurement", blobs.measurement, "Of the reading")->needs(files);
  write->add_option("--field", blobs.field, "Of the reading; frame by default")->needs(files);
  write->add_option("--tag", blobs.tags, "Of the reading, KEY=VALUE; may be repeated")
      ->allow_extra_args(false)
      ->needs(files);
  write->add_option("--time", blobs.time, "Of the reading; when the file was changed, by default")
      ->needs(files);
  write->add_option("--type", blobs.type, "Media type; by the file's name, by default")
      ->needs(files);
}

void add_write_verb(CLI::App& app, Arguments& arguments, Verb& chosen) {
  CLI::App* write = add_verb(app, arguments, "write",
                             "Store InfluxDB line protocol, from arguments or standard input, or "
                             "files");
  write->add_option("line", arguments.write.lines, "Lines; without any, standard input is read");
  write->add_option("--node", arguments.write.node,
                    "The node to which the readings belong; http by default");
  write
      ->add_option("--precision", arguments.write.precision,
                   "Unit of the timestamps: ns, us, ms, s, m or h")
      ->check(CLI::IsMember({"ns", "us", "ms", "s", "m", "h"}));
  add_blob_options(write, arguments.blobs);
  write->callback([&] {
    chosen.run = [&](Context& context, const Settings&) {
      arguments.blobs.node = arguments.write.node;
      return arguments.blobs.files.empty() ? run_write(context, arguments.write)
                                           : run_write_blobs(context, arguments.blobs);
    };
  });
}

void add_other_verbs(CLI::App& app, Arguments& arguments, Verb& chosen) {
  add_write_verb(app, arguments, chosen);
  CLI::App* decode = add_verb(
      app, arguments, "decode",
      "Print MQTT messages as JSON, one a line; reads lines of topic and payload in hex, as\n"
      "`mosquitto_sub -t 'fieldpost/#' -F '%t %x'` prints them. Needs no coordinator.");
  decode->add_option("--key", arguments.decode.key,
                     "The coordinator's public key in hex: signatures are checked");
  decode->callback([&] {
    chosen.alone = true;
    chosen.run = [&](Context& context, const Settings&) {
      return run_decode(context, arguments.decode);
    };
  });
  CLI::App* spool = add_verb(app, arguments, "spool",
                             "Show what is in an agent's spool, changing nothing. Needs no "
                             "coordinator.");
  spool->add_option("directory", arguments.spool.directory, "The agent's [spool] path")->required();
  spool->callback([&] {
    chosen.alone = true;
    chosen.run = [&](Context& context, const Settings&) {
      return run_spool(context, arguments.spool);
    };
  });
}

void add_pipeline_verbs(CLI::App& app, Arguments& arguments, Verb& chosen) {
  CLI::App* pipeline = app.add_subcommand("pipeline", "Look at pipelines");
  pipeline->require_subcommand(1);
  CLI::App* check = add_verb(*pipeline, arguments, "check",
                             "Check a pipeline's file, and those beside it that it uses. Needs no "
                             "coordinator.");
  check->add_option("file", arguments.pipeline.file, "The file")->required();
  check->callback([&] {
    chosen.alone = true;
    chosen.run = [&](Context& context, const Settings&) {
      rt::SystemFiles files;
      return run_pipeline_check(context, files, arguments.pipeline);
    };
  });
}

/// Measuring is a program of its own beside this one; comes back only when that cannot be started.
int run_bench(std::vector<std::string> arguments) {
  std::array<char, 4096> self{};
  const ssize_t size = ::readlink("/proc/self/exe", self.data(), self.size());
  const std::string_view path(self.data(), size < 0 ? 0 : static_cast<std::size_t>(size));
  std::string bench = std::string(path.substr(0, path.rfind('/') + 1)) + "fieldpost-bench";
  std::vector<char*> pointers = {bench.data()};
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  std::signal(SIGPIPE, SIG_DFL);  // an ignored signal stays ignored in the next program
  ::execv(bench.c_str(), pointers.data());
  fmt::print(stderr, "fieldpost: starting {}: not found or not executable\n", bench);
  return kExitFailed;
}

/// What comes after its name is that program's.
void add_bench_verb(CLI::App& app, const Arguments& arguments, Verb& chosen) {
  CLI::App* bench = app.add_subcommand("bench", "Measure: `fieldpost bench --help` says what");
  bench->set_help_flag();
  bench->allow_extras();
  bench->callback([&arguments, &chosen, bench] {
    chosen.alone = true;
    chosen.run = [&arguments, bench](Context&, const Settings&) {
      std::vector<std::string> passed_on = bench->remaining();
      if (arguments.json) passed_on.emplace_back("--json");
      return run_bench(std::move(passed_on));
    };
  });
}

rt::Result<Settings> load(const Arguments& arguments) {
  rt::SystemFiles files;
  return load_settings(
      arguments.url,
      [](const std::string& name) -> std::optional<std::string> {
        const char* value = std::getenv(name.c_str());
        return value == nullptr ? std::nullopt : std::optional<std::string>(value);
      },
      [&](const std::string& path) { return files.read(path, 0, kConfigBytesMax); });
}

std::string make_key() {
  std::array<std::uint8_t, 16> bytes{};
  rt::SystemRandom().fill(bytes);
  std::string key;
  for (const std::uint8_t byte : bytes) key += fmt::format("{:02x}", byte);
  return key;
}

int run(const Arguments& arguments, const Verb& verb) {
  const auto settings = verb.alone ? Settings() : load(arguments);
  if (!settings) {
    fmt::print(stderr, "fieldpost: {}\n", settings.error().message);
    return kExitConfig;
  }
  CurlFetcher fetcher(settings->url, settings->token);
  rt::SystemClock clock;
  Context context{.fetcher = fetcher, .clock = clock};
  context.json = arguments.json;
  context.terminal = ::isatty(STDERR_FILENO) != 0;
  context.out_terminal = ::isatty(STDOUT_FILENO) != 0;
  context.pause = [](std::int64_t ms) {
    std::this_thread::sleep_for(std::chrono::milliseconds(ms));
  };
  context.make_key = &make_key;
  return verb.run(context, *settings);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  CLI::App app("Readings of field nodes, from your terminal", "fieldpost");
  app.set_version_flag("--version", "fieldpost " + rt::version_text());
  app.footer(kFooter);
  app.require_subcommand(1);
  Arguments arguments;
  Verb verb;
  app.add_flag("--json", arguments.json, "Print JSON");
  app.add_option("--url", arguments.url, "Address of the coordinator, http://HOST:PORT");
  add_overview_verbs(app, arguments, verb);
  add_reading_verbs(app, arguments, verb);
  add_other_verbs(app, arguments, verb);
  add_study_verbs(app, arguments.study,
                  {[&](CLI::App& parent, const char* name, const char* what) {
                     return add_verb(parent, arguments, name, what);
                   },
                   [&](std::function<int(Context&)> run) {
                     verb.run = [run = std::move(run)](Context& context, const Settings&) {
                       return run(context);
                     };
                   }});
  add_pipeline_verbs(app, arguments, verb);
  add_bench_verb(app, arguments, verb);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitDone : kExitUsage;
  }
  return run(arguments, verb);
}
