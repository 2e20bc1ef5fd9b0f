#include "coordinator/exports/tar_archive.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace fieldpost::coordinator {
namespace {

constexpr int kFileMode = 0644;
constexpr std::uint64_t kBlockBytes = 512;
constexpr std::uint64_t kEndBytes = 2 * kBlockBytes;  // of zeros, behind the last file

la_ssize_t append_made(archive*, void* out, const void* bytes, std::size_t size) {
  static_cast<std::string*>(out)->append(static_cast<const char*>(bytes), size);
  return static_cast<la_ssize_t>(size);
}

/// What stands before the bytes of a file.
rt::Result<std::string> header_of(const TarArchive::File& file, std::int64_t time_s) {
  std::string header;
  const std::unique_ptr<archive, decltype(&archive_write_free)> tar(archive_write_new(),
                                                                    archive_write_free);
  const std::unique_ptr<archive_entry, decltype(&archive_entry_free)> entry(archive_entry_new(),
                                                                            archive_entry_free);
  FP_CHECK(tar != nullptr && entry != nullptr);
  archive_write_set_format_pax_restricted(tar.get());
  archive_write_add_filter_none(tar.get());
  archive_write_set_bytes_per_block(tar.get(), 0);  // nothing is held back
  FP_CHECK(archive_write_open(tar.get(), &header, nullptr, append_made, nullptr) == ARCHIVE_OK);
  archive_entry_set_pathname(entry.get(), file.name.c_str());
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(file.size));
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), kFileMode);
  archive_entry_set_mtime(entry.get(), time_s, 0);
  const int code = archive_write_header(tar.get(), entry.get());
  const std::string why = code < ARCHIVE_OK ? archive_error_string(tar.get()) : "";
  const std::size_t size = header.size();
  archive_write_fail(tar.get());   // otherwise its end would write the file's bytes, as zeros
  archive_write_close(tar.get());  // gives back what the end of a failed one would keep
  header.resize(size);
  if (code < ARCHIVE_OK) {
    return rt::Error{rt::Errc::kIo, "making a tar archive: " + file.name + ": " + why};
  }
  return header;
}

}  // namespace

rt::Result<TarArchive> TarArchive::lay_out(std::vector<File> files, std::int64_t time_s) {
  TarArchive archive;
  std::uint64_t at = 0;
  for (const File& file : files) {
    const auto header = header_of(file, time_s);
    if (!header) return header.error();
    Place place{at, at + header->size(), 0};
    place.end = place.bytes + (file.size + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
    archive.places_.push_back(place);
    at = place.end;
  }
  archive.files_ = std::move(files);
  archive.time_s_ = time_s;
  return archive;
}

std::uint64_t TarArchive::size() const {
  return (places_.empty() ? 0 : places_.back().end) + kEndBytes;
}

rt::Result<std::string> TarArchive::read(rt::Files& files, std::uint64_t offset,
                                         std::size_t bytes) const {
  std::string out;
  out.reserve(bytes);
  while (out.size() < bytes) {
    auto done = append(files, offset + out.size(), bytes - out.size(), out);
    if (!done) return done.error();
  }
  return out;
}

/// At least one byte and at most `most`, of one header, file or stretch of zeros.
rt::Status TarArchive::append(rt::Files& files, std::uint64_t offset, std::size_t most,
                              std::string& out) const {
  const auto after = std::ranges::upper_bound(places_, offset, {}, &Place::end);
  if (after == places_.end()) {
    out.append(most, '\0');
    return rt::ok();
  }
  const File& file = files_[static_cast<std::size_t>(after - places_.begin())];
  if (offset < after->bytes) {
    const auto header = header_of(file, time_s_);
    if (!header) return header.error();
    out += std::string_view(*header).substr(offset - after->header, most);
    return rt::ok();
  }
  const std::uint64_t at = offset - after->bytes;
  if (at >= file.size) {
    out.append(std::min<std::uint64_t>(most, after->end - offset), '\0');
    return rt::ok();
  }
  const auto piece = files.read(file.path, at, std::min<std::uint64_t>(most, file.size - at));
  if (!piece) return piece.error();
  if (piece->empty()) return rt::Error{rt::Errc::kCorrupt, file.path + " is shorter than it was"};
  out += *piece;
  return rt::ok();
}

}  // namespace fieldpost::coordinator
