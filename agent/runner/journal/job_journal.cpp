#include "agent/runner/journal/job_journal.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/runner/job/job.h"
#include "agent/runner/journal/facts.h"

namespace fieldpost::agent::runner {
namespace {

constexpr unsigned kMode = 0600;
constexpr std::size_t kAgainBytes = 256 * 1024;
constexpr const char* kSpec = "spec.json";
constexpr const char* kFacts = "facts.jsonl";
constexpr const char* kLog = "log";

}  // namespace

rt::Result<JobJournal> JobJournal::create(rt::Files& files, std::string directory,
                                          std::string_view spec) {
  JobJournal journal(files, std::move(directory));
  const std::string parent = journal.directory_.substr(0, journal.directory_.rfind('/'));
  journal.spec_ = spec;
  rt::Status done = files.make_directories(journal.directory_);
  if (done) done = files.write_at(journal.path(kFacts), 0, "", kMode);
  if (done) done = files.write_at(journal.path(kLog), 0, "", kMode);
  // Last: with it, the job is there.
  if (done) done = files.write_durably(journal.path(kSpec), spec, kMode);
  if (done) done = files.sync(journal.directory_);
  if (done) done = files.sync(parent);
  if (done) return journal;
  if (!files.remove_all(journal.directory_)) {
    // It lies there without its whole spec, or is found as a job that nobody was told of.
  }
  return done.error();
}

rt::Result<JobJournal> JobJournal::open(rt::Files& files, std::string directory) {
  JobJournal journal(files, std::move(directory));
  auto spec = files.read(journal.path(kSpec), 0, kSpecBytesMax + 1);
  if (!spec) return spec.error();
  journal.spec_ = *std::move(spec);
  if (auto done = journal.read_facts(); !done) return done.error();
  const auto log = files.info(journal.path(kLog));
  if (!log && log.error().code != rt::Errc::kNotFound) return log.error();
  if (!log) return journal;
  journal.log_size_ = log->size;
  // Behind what was told may be the rest of a write that failed.
  if (journal.has_ended()) {
    journal.log_size_ = std::min(log->size, *ended_log_bytes(journal.facts_.back()));
  }
  if (auto done = journal.sync_log(); !done) return done.error();
  return journal;
}

std::string JobJournal::spec_path() const {
  return path(kSpec);
}

rt::Status JobJournal::read_facts() {
  const auto text = files_->read(path(kFacts), 0, kFactsBytesMax + 1);
  if (!text && text.error().code == rt::Errc::kNotFound) return rt::ok();
  if (!text) return text.error();
  if (text->size() > kFactsBytesMax) {
    return rt::Error{rt::Errc::kCorrupt,
                     fmt::format("reading {}: more than {} bytes", path(kFacts), kFactsBytesMax)};
  }
  std::size_t begin = 0;
  for (std::size_t end = text->find('\n'); end != std::string::npos;
       end = text->find('\n', begin)) {
    facts_.push_back(text->substr(begin, end - begin));
    begin = end + 1;
  }
  facts_size_ = begin;
  if (begin == text->size()) return rt::ok();
  return files_->write_durably(path(kFacts), text->substr(0, begin), kMode);
}

bool JobJournal::has_ended() const {
  return !facts_.empty() && ended_log_bytes(facts_.back()).has_value();
}

rt::Status JobJournal::add_fact(std::string line) {
  if (line.size() >= kFactBytesMax || facts_size_ + line.size() >= kFactsBytesMax) {
    return rt::Error{rt::Errc::kFull, fmt::format("a fact of {} bytes: at most {}, and {} a job",
                                                  line.size(), kFactBytesMax, kFactsBytesMax)};
  }
  if (auto done = sync_log(); !done) return done;
  const std::string with_end = line + "\n";
  if (auto done = write_fact(with_end); !done) {
    damaged_ = true;
    return done;
  }
  damaged_ = false;
  facts_size_ += with_end.size();
  facts_.push_back(std::move(line));
  return rt::ok();
}

rt::Status JobJournal::write_fact(const std::string& with_end) {
  if (damaged_) {
    // What the last attempt left may be longer than this line.
    std::string all;
    for (const std::string& fact : facts_) all += fact + "\n";
    return files_->write_durably(path(kFacts), all + with_end, kMode);
  }
  if (auto done = files_->write_at(path(kFacts), facts_size_, with_end, kMode); !done) return done;
  return files_->sync(path(kFacts));
}

rt::Status JobJournal::append_log(std::string_view bytes) {
  if (bytes.empty()) return rt::ok();
  if (auto done = files_->write_at(path(kLog), log_size_, bytes, kMode); !done) return done;
  log_size_ += bytes.size();
  return rt::ok();
}

rt::Status JobJournal::sync_log() {
  if (log_synced_ == log_size_) return rt::ok();
  rt::Status done = sync_failed_ ? write_log_again() : rt::ok();
  if (done) done = files_->sync(path(kLog));
  sync_failed_ = !done.has_value();
  if (done) log_synced_ = log_size_;
  return done;
}

/// After a sync that failed, Linux takes what it did not write for written.
rt::Status JobJournal::write_log_again() {
  for (std::uint64_t at = log_synced_; at < log_size_;) {
    const auto size = std::min<std::uint64_t>(kAgainBytes, log_size_ - at);
    const auto bytes = files_->read(path(kLog), at, static_cast<std::size_t>(size));
    if (!bytes) return bytes.error();
    if (bytes->empty()) {
      return rt::Error{rt::Errc::kCorrupt, fmt::format("{} is shorter than it was", path(kLog))};
    }
    if (auto done = files_->write_at(path(kLog), at, *bytes, kMode); !done) return done;
    at += bytes->size();
  }
  return rt::ok();
}

rt::Result<std::string> JobJournal::read_log(std::uint64_t from, std::size_t bytes_max) const {
  const std::uint64_t left = log_synced_ - std::min(from, log_synced_);
  if (left == 0) return std::string();
  return files_->read(path(kLog), from,
                      static_cast<std::size_t>(std::min<std::uint64_t>(left, bytes_max)));
}

}  // namespace fieldpost::agent::runner
