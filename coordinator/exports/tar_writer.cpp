#include "coordinator/exports/tar_writer.h"

#include <archive.h>
#include <archive_entry.h>

#include <utility>

namespace fieldpost::coordinator {
namespace {

constexpr int kFileMode = 0644;

la_ssize_t append(archive*, void* out, const void* bytes, std::size_t size) {
  static_cast<std::string*>(out)->append(static_cast<const char*>(bytes), size);
  return static_cast<la_ssize_t>(size);
}

}  // namespace

struct TarWriter::State {
  archive* tar = archive_write_new();
  std::string made;
  State() {
    FP_CHECK(tar != nullptr);
    archive_write_set_format_pax_restricted(tar);
    archive_write_add_filter_none(tar);
    archive_write_set_bytes_per_block(tar, 0);  // nothing is held back
    FP_CHECK(archive_write_open(tar, &made, nullptr, append, nullptr) == ARCHIVE_OK);
  }
  ~State() { archive_write_free(tar); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  rt::Status judge(int code) {
    if (code >= ARCHIVE_OK) return rt::ok();
    return rt::Error{rt::Errc::kIo,
                     std::string("making a tar archive: ") + archive_error_string(tar)};
  }
};

TarWriter::TarWriter() : state_(std::make_unique<State>()) {}
TarWriter::~TarWriter() = default;

rt::Status TarWriter::begin_file(const std::string& path, std::uint64_t size, std::int64_t time_s) {
  const std::unique_ptr<archive_entry, decltype(&archive_entry_free)> entry(archive_entry_new(),
                                                                            archive_entry_free);
  archive_entry_set_pathname(entry.get(), path.c_str());
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(size));
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), kFileMode);
  archive_entry_set_mtime(entry.get(), time_s, 0);
  return state_->judge(archive_write_header(state_->tar, entry.get()));
}

rt::Status TarWriter::add(std::string_view bytes) {
  return state_->judge(static_cast<int>(
      archive_write_data(state_->tar, bytes.data(), bytes.size()) < 0 ? ARCHIVE_FATAL
                                                                      : ARCHIVE_OK));
}

rt::Status TarWriter::finish() {
  return state_->judge(archive_write_close(state_->tar));
}

std::string TarWriter::take() {
  return std::exchange(state_->made, {});
}

}  // namespace fieldpost::coordinator
