#include "coordinator/imports/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "coordinator/imports/inner_path.h"

namespace fieldpost::coordinator {
namespace {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Result;
using rt::Status;

constexpr std::size_t kReadBytes = 1 << 20;
constexpr std::size_t kTarMagicAt = 257;
constexpr unsigned kFileMode = 0640;

}  // namespace

Result<bool> is_packed(rt::Files& files, const std::string& path) {
  const auto head = files.read(path, 0, 512);
  if (!head) return head.error();
  const std::string_view text = *head;
  using namespace std::string_view_literals;
  for (const std::string_view magic :
       {"\x1F\x8B"sv, "\x28\xB5\x2F\xFD"sv, "\xFD\x37zXZ\0"sv, "BZh"sv}) {
    if (text.starts_with(magic)) return true;
  }
  return text.size() > kTarMagicAt && text.substr(kTarMagicAt).starts_with("ustar");
}

struct Unpacker::State {
  rt::Files& files;
  std::string path, directory;
  archive* packed = archive_read_new();
  std::string bytes;  ///< what libarchive looks at
  std::uint64_t offset = 0;
  std::uint64_t files_made = 0;
  std::string target;  ///< being written; empty: none
  std::uint64_t written = 0;
  std::string made_parent;
  Status read_failed = ok();
  bool is_open = false;

  State(rt::Files& all, std::string from, std::string to)
      : files(all), path(std::move(from)), directory(std::move(to)) {
    FP_CHECK(packed != nullptr);
    // Not all that it knows: some run other programs.
    archive_read_support_filter_gzip(packed);
    archive_read_support_filter_zstd(packed);
    archive_read_support_filter_xz(packed);
    archive_read_support_filter_bzip2(packed);
    archive_read_support_format_tar(packed);
    archive_read_support_format_gnutar(packed);
    archive_read_support_format_raw(packed);
  }
  ~State() { archive_read_free(packed); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  [[nodiscard]] Error problem() const {
    if (!read_failed) return read_failed.error();
    const char* text = archive_error_string(packed);
    return {Errc::kInvalid,
            fmt::format("it cannot be unpacked: {}", text == nullptr ? "not an archive" : text)};
  }

  static la_ssize_t read_on(archive*, void* self, const void** out) {
    auto& state = *static_cast<State*>(self);
    auto piece = state.files.read(state.path, state.offset, kReadBytes);
    if (!piece) {
      state.read_failed = piece.error();
      return ARCHIVE_FATAL;
    }
    state.bytes = *std::move(piece);
    state.offset += state.bytes.size();
    *out = state.bytes.data();
    return static_cast<la_ssize_t>(state.bytes.size());
  }

  Status open() {
    if (auto made = files.make_directories(directory); !made) return made;
    if (archive_read_open(packed, this, nullptr, read_on, nullptr) != ARCHIVE_OK) return problem();
    is_open = true;
    return ok();
  }

  /// The next file begins; false: there is none.
  Result<bool> begin_file() {
    for (;;) {
      archive_entry* entry = nullptr;
      const int code = archive_read_next_header(packed, &entry);
      if (code == ARCHIVE_EOF) return false;
      if (code < ARCHIVE_WARN) return problem();
      if (archive_entry_filetype(entry) == AE_IFDIR) continue;
      // What is only compressed may have a name in its header, as gzip does.
      const bool is_raw = archive_format(packed) == ARCHIVE_FORMAT_RAW;
      const char* name = is_raw ? kSingleName : archive_entry_pathname(entry);
      std::string_view inner = name == nullptr ? "" : name;
      if (inner.starts_with("./")) inner.remove_prefix(2);
      const bool is_plain = is_raw || archive_entry_filetype(entry) == AE_IFREG;
      if (!is_plain || archive_entry_hardlink(entry) != nullptr || !is_inner_path(inner)) {
        return Error{
            Errc::kInvalid,
            fmt::format("the archive has \"{}\", which is no plain file inside of it", inner)};
      }
      // Its holes would take no room here, but the time of whoever reads it.
      if (archive_entry_sparse_count(entry) > 0) {
        return Error{
            Errc::kInvalid,
            fmt::format("the archive has \"{}\" with holes: pack it without --sparse", inner)};
      }
      if (++files_made > kFilesMax) {
        return Error{Errc::kFull, fmt::format("the archive has more than {} files", kFilesMax)};
      }
      return begin(directory + "/" + std::string(inner));
    }
  }

  Result<bool> begin(std::string file) {
    const std::string parent = file.substr(0, file.rfind('/'));
    if (parent != made_parent) {
      if (auto made = files.make_directories(parent); !made) return made.error();
      made_parent = parent;
    }
    // One that an earlier start left.
    if (auto gone = files.remove(file); !gone) return gone.error();
    if (auto made = files.write_at(file, 0, "", kFileMode); !made) return made.error();
    target = std::move(file);
    written = 0;
    return true;
  }

  Status check_room() {
    const auto space = files.space(directory);
    if (!space) return space.error();
    if (space->bytes_free >= kFreeBytesLeast) return ok();
    return Error{Errc::kFull, "the disk of the coordinator has no room to unpack it"};
  }

  /// How much of the file was written; 0: it is whole.
  Result<std::uint64_t> write_on() {
    const void* data = nullptr;
    std::size_t size = 0;
    la_int64_t at = 0;
    const int code = archive_read_data_block(packed, &data, &size, &at);
    if (code == ARCHIVE_EOF) {
      auto synced = files.sync(target);
      target.clear();
      if (!synced) return synced.error();
      return std::uint64_t{0};
    }
    if (code < ARCHIVE_WARN) return problem();
    const std::string_view piece(static_cast<const char*>(data), size);
    auto done = files.write_at(target, static_cast<std::uint64_t>(at), piece, kFileMode);
    if (!done) return done.error();
    return std::max<std::uint64_t>(size, 1);
  }
};

Unpacker::Unpacker(rt::Files& files, std::string path, std::string directory)
    : state_(std::make_unique<State>(files, std::move(path), std::move(directory))) {}

Unpacker::~Unpacker() = default;

Result<bool> Unpacker::step() {
  if (!state_->is_open) {
    if (auto done = state_->open(); !done) return done.error();
  }
  if (auto done = state_->check_room(); !done) return done.error();
  for (std::uint64_t moved = 0; moved < kStepBytes;) {
    if (state_->target.empty()) {
      const auto begun = state_->begin_file();
      if (!begun || !*begun) return begun;
    }
    const auto wrote = state_->write_on();
    if (!wrote) return wrote.error();
    moved += *wrote == 0 ? 4096 : *wrote;  // also an empty file is some work
  }
  return true;
}

double Unpacker::part() const {
  const auto info = state_->files.info(state_->path);
  if (!info || info->size == 0) return 1;
  return std::min(1.0, static_cast<double>(state_->offset) / static_cast<double>(info->size));
}

}  // namespace fieldpost::coordinator
