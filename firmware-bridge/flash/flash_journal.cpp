#include "firmware-bridge/flash/flash_journal.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "firmware-bridge/flash/json_object.h"

namespace fieldpost::bridge {
namespace {

constexpr unsigned kMode = 0640;
constexpr std::size_t kJsonBytesMax = 1 << 20;
constexpr std::uint64_t kTimeoutSecondsMax = 86'400;

std::string_view name_of(FlashRecord::State state) {
  switch (state) {
    case FlashRecord::State::kBegun: return "begun";
    case FlashRecord::State::kWriting: return "writing";
    case FlashRecord::State::kReverting: return "reverting";
  }
  return "";
}

std::optional<FlashRecord::State> state_of(std::string_view name) {
  using State = FlashRecord::State;
  for (const State state : {State::kBegun, State::kWriting, State::kReverting}) {
    if (name == name_of(state)) return state;
  }
  return std::nullopt;
}

std::string encode(const FlashRecord& record) {
  const auto seconds = std::chrono::duration_cast<rt::Seconds>(record.timeout).count();
  return JsonLine()
      .text("id", record.id)
      .text("device", record.device)
      .text("asked_by", record.asked_by)
      .text("state", name_of(record.state))
      .text("part", record.part)
      .text("programmer", record.programmer)
      .text("version", record.version)
      .text("old_version", record.old_version)
      .number("timeout_s", static_cast<std::uint64_t>(seconds))
      .text("old_sha256", record.old_sha256)
      .text("new_sha256", record.new_sha256)
      .text("failed_step", to_string(record.failed_step))
      .text("failure", record.failure)
      .flag("interrupted", record.interrupted)
      .done();
}

std::optional<FlashRecord> decode_record(std::string_view json) {
  const auto in = JsonObject::parse(json);
  if (!in) return std::nullopt;
  const auto state = state_of(in->text("state"));
  const auto step = flash_step_of(in->text("failed_step"));
  const auto timeout = in->number("timeout_s");
  if (!state || !step || !timeout || *timeout > kTimeoutSecondsMax) return std::nullopt;
  FlashRecord record;
  record.id = in->text("id");
  record.device = in->text("device");
  record.asked_by = in->text("asked_by");
  record.state = *state;
  record.part = in->text("part");
  record.programmer = in->text("programmer");
  record.version = in->text("version");
  record.old_version = in->text("old_version");
  record.timeout = rt::Seconds(*timeout);
  record.old_sha256 = in->text("old_sha256");
  record.new_sha256 = in->text("new_sha256");
  record.failed_step = *step;
  record.failure = in->text("failure");
  record.interrupted = in->flag("interrupted");
  return record;
}

std::string_view name_of(FlashJournal::File file) {
  switch (file) {
    case FlashJournal::File::kNew: return "new.hex";
    case FlashJournal::File::kOld: return "old.hex";
    case FlashJournal::File::kWrite: return "write.hex";
    case FlashJournal::File::kRevert: return "revert.hex";
    case FlashJournal::File::kRead: return "read.hex";
  }
  return "";
}

rt::Error damaged(const std::string& path) {
  return {rt::Errc::kCorrupt,
          fmt::format("reading {}: it is not what was written there; look at what the boards run, "
                      "then remove it",
                      path)};
}

/// Of a device whose transaction.json cannot be read.
rt::Error damaged_record(const std::string& device, const std::string& why) {
  return {rt::Errc::kCorrupt,
          fmt::format("{}. {} is not flashed until that file is gone: look at what the board runs "
                      "(old.hex beside it is what it held before it was written to), remove it and "
                      "start the bridge again",
                      why, device)};
}

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string image_path(const std::string& folder, const std::string& sha256) {
  return fmt::format("{}/images/{}.hex", folder, sha256);
}

}  // namespace

rt::Result<FlashJournal> FlashJournal::open(rt::Files& files, std::string directory) {
  FlashJournal journal(files, std::move(directory));
  if (auto done = files.make_directories(journal.directory_); !done) return done.error();
  if (auto done = files.sync(parent_of(journal.directory_)); !done) return done.error();
  const std::string path = journal.directory_ + "/outcomes.json";
  const auto text = files.read(path, 0, kJsonBytesMax);
  if (!text && text.error().code == rt::Errc::kNotFound) return journal;
  if (!text) return text.error();
  const auto kept = JsonObject::parse(*text);
  if (!kept) return damaged(path);
  for (const JsonObject& each : kept->objects("outcomes")) {
    auto outcome = decode_flash_outcome(each.dump());
    if (!outcome) return damaged(path);
    journal.outcomes_.push_back(*std::move(outcome));
  }
  return journal;
}

const FlashOutcome* FlashJournal::find_outcome(std::string_view id) const {
  const auto found = std::ranges::find(outcomes_, id, &FlashOutcome::id);
  return found == outcomes_.end() ? nullptr : &*found;
}

rt::Status FlashJournal::keep_outcome(FlashOutcome outcome) {
  std::erase_if(outcomes_, [&](const FlashOutcome& each) { return each.id == outcome.id; });
  outcomes_.push_back(std::move(outcome));
  if (outcomes_.size() > kOutcomesMax) outcomes_.pop_front();
  std::vector<std::string> lines;
  lines.reserve(outcomes_.size());
  for (const FlashOutcome& each : outcomes_) lines.push_back(encode(each));
  return write(directory_ + "/outcomes.json", JsonLine().array("outcomes", lines).done());
}

rt::Result<FlashJournal::Unfinished> FlashJournal::load_unfinished() const {
  const auto names = files_->list(directory_);
  if (!names) return names.error();
  Unfinished unfinished;
  for (const std::string& name : *names) {
    if (name.find('.') != std::string::npos) continue;  // no device is called so
    const std::string path = folder(name) + "/transaction.json";
    const auto text = files_->read(path, 0, kJsonBytesMax);
    if (!text && text.error().code == rt::Errc::kNotFound) continue;
    auto record = text ? decode_record(*text) : std::nullopt;
    if (record && record->device == name) {
      unfinished.records.push_back(*std::move(record));
      continue;
    }
    const std::string why = text ? fmt::format("reading {}: it is not what was written there", path)
                                 : text.error().message;
    unfinished.damaged.emplace(name, damaged_record(name, why));
  }
  return unfinished;
}

rt::Status FlashJournal::begin(const FlashRecord& record, const FlashImage& image) {
  if (auto done = make_folders(record.device); !done) return done;
  if (auto done = write(path(record.device, File::kNew), format_intel_hex(image)); !done) {
    return done;
  }
  return write_record(record);
}

rt::Status FlashJournal::begin_write(const FlashRecord& record, const Images& images) {
  const std::pair<File, const FlashImage*> files[] = {
      {File::kOld, &images.old}, {File::kWrite, &images.write}, {File::kRevert, &images.revert}};
  for (const auto& [file, image] : files) {
    auto done = write(path(record.device, file), format_intel_hex(*image));
    if (!done) return done;
  }
  return write_record(record);
}

rt::Status FlashJournal::begin_revert(const FlashRecord& record) {
  return write_record(record);
}

rt::Status FlashJournal::forget(const std::string& device) {
  if (auto done = files_->remove(folder(device) + "/transaction.json"); !done) return done;
  for (const File file : {File::kNew, File::kOld, File::kWrite, File::kRevert, File::kRead}) {
    if (auto done = files_->remove(path(device, file)); !done) return done;
  }
  return rt::ok();
}

std::string FlashJournal::path(const std::string& device, File file) const {
  return fmt::format("{}/{}", folder(device), name_of(file));
}

rt::Result<FlashImage> FlashJournal::load(const std::string& device, File file) const {
  return load_hex(path(device, file));
}

rt::Status FlashJournal::clear_read(const std::string& device) {
  return files_->remove(path(device, File::kRead));
}

rt::Status FlashJournal::keep_image(const std::string& device, const FlashImage& image,
                                    const std::string& version) {
  if (auto done = make_folders(device); !done) return done;
  auto images = load_images(device);
  if (!images) return images.error();
  const std::string sha256 = image.sha256().hex();
  if (auto done = write(image_path(folder(device), sha256), format_intel_hex(image)); !done) {
    return done;
  }
  std::erase_if(*images, [&](const KeptImage& each) { return each.sha256 == sha256; });
  images->push_back({sha256, version, static_cast<std::uint32_t>(image.flat().size())});
  std::vector<KeptImage> gone;
  while (images->size() > kImagesMax) {
    gone.push_back(std::move(images->front()));
    images->erase(images->begin());
  }
  std::vector<std::string> lines;
  for (const KeptImage& each : *images) {
    lines.push_back(JsonLine()
                        .text("sha256", each.sha256)
                        .text("version", each.version)
                        .number("bytes", each.bytes)
                        .done());
  }
  auto done =
      write(folder(device) + "/images/index.json", JsonLine().array("images", lines).done());
  for (std::size_t i = 0; i < gone.size() && done; ++i) {
    done = files_->remove(image_path(folder(device), gone[i].sha256));
  }
  return done;
}

rt::Result<std::vector<KeptImage>> FlashJournal::load_images(const std::string& device) const {
  const std::string path = folder(device) + "/images/index.json";
  const auto text = files_->read(path, 0, kJsonBytesMax);
  std::vector<KeptImage> images;
  if (!text && text.error().code == rt::Errc::kNotFound) return images;
  if (!text) return text.error();
  const auto in = JsonObject::parse(*text);
  if (!in) return damaged(path);
  for (const JsonObject& each : in->objects("images")) {
    images.push_back({each.text("sha256"), each.text("version"),
                      static_cast<std::uint32_t>(each.number("bytes").value_or(0))});
  }
  return images;
}

rt::Result<FlashImage> FlashJournal::load_image(const std::string& device,
                                                const std::string& sha256) const {
  if (!wire::Sha256Digest::from_hex(sha256)) {
    return rt::Error{rt::Errc::kInvalid, "a SHA-256 has 64 digits of 0 to 9 and a to f"};
  }
  auto image = load_hex(image_path(folder(device), sha256));
  if (!image && image.error().code == rt::Errc::kNotFound) {
    return rt::Error{rt::Errc::kNotFound, fmt::format("no image {} of {} is kept", sha256, device)};
  }
  if (image && image->sha256().hex() != sha256) return damaged(image_path(folder(device), sha256));
  return image;
}

std::string FlashJournal::folder(const std::string& device) const {
  return fmt::format("{}/{}", directory_, device);
}

rt::Status FlashJournal::write(const std::string& path, std::string_view text) {
  return files_->write_durably(path, text, kMode);
}

rt::Status FlashJournal::write_record(const FlashRecord& record) {
  return write(folder(record.device) + "/transaction.json", encode(record));
}

rt::Result<FlashImage> FlashJournal::load_hex(const std::string& path) const {
  const auto text = files_->read(path, 0, kHexBytesMax + 1);
  if (!text) return text.error();
  auto image = parse_intel_hex(*text);
  if (!image) {
    return rt::Error{rt::Errc::kCorrupt, fmt::format("{}: {}", path, image.error().message)};
  }
  return image;
}

/// Their names must be on disk before what lies in them can be.
rt::Status FlashJournal::make_folders(const std::string& device) {
  if (auto done = files_->make_directories(folder(device) + "/images"); !done) return done;
  if (auto done = files_->sync(directory_); !done) return done;
  return files_->sync(folder(device));
}

}  // namespace fieldpost::bridge
