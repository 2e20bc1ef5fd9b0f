#include "tests/support/fakes/fake_files.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

namespace fieldpost::sim {

using rt::Errc;
using rt::Error;

void FakeFiles::put(const std::string& path, std::string bytes, rt::UnixTime modified) {
  File& file = files_[path];
  if (file.inode == 0) file.inode = ++last_inode_;
  file.bytes = std::move(bytes);
  file.modified = modified;
}

void FakeFiles::append(const std::string& path, std::string_view bytes) {
  put(path, files_[path].bytes + std::string(bytes));
}

void FakeFiles::load(const std::string& directory) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    put(entry.path().string().substr(directory.size()),
        {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()});
  }
}

rt::Result<FakeFiles::File*> FakeFiles::find(const std::string& path) {
  if (const auto error = errors.find(path); error != errors.end()) return error->second;
  const auto at = files_.find(path);
  if (at == files_.end()) return Error{Errc::kNotFound, "no file " + path};
  return &at->second;
}

rt::Result<std::string> FakeFiles::read(const std::string& path, std::uint64_t offset,
                                        std::size_t bytes_max) {
  const auto file = find(path);
  if (!file) return file.error();
  const std::string& bytes = (*file)->bytes;
  return bytes.substr(std::min<std::size_t>(offset, bytes.size()), bytes_max);
}

rt::Result<std::string> FakeFiles::read_no_follow(const std::string& path, std::uint64_t offset,
                                                  std::size_t bytes_max) {
  return read(path, offset, bytes_max);
}

rt::Status FakeFiles::write_durably(const std::string& path, std::string_view bytes, unsigned) {
  if (const auto error = errors.find(path); error != errors.end()) return error->second;
  files_.erase(path);  // a rename brings another inode
  put(path, std::string(bytes));
  writes += 1;
  return rt::ok();
}

rt::Status FakeFiles::write_at(const std::string& path, std::uint64_t offset,
                               std::string_view bytes, unsigned) {
  if (const auto error = errors.find(path); error != errors.end()) return error->second;
  std::string content = files_[path].bytes;
  content.resize(std::max<std::size_t>(content.size(), offset + bytes.size()));
  content.replace(offset, bytes.size(), bytes);
  put(path, std::move(content));
  return rt::ok();
}

rt::Status FakeFiles::sync(const std::string& path) {
  const auto file = find(path);
  return file ? rt::ok() : rt::Status(file.error());
}

rt::Status FakeFiles::rename(const std::string& from, const std::string& to) {
  const auto file = find(from);
  if (!file) return file.error();
  files_[to] = **file;
  files_.erase(from);
  return rt::ok();
}

rt::Status FakeFiles::remove(const std::string& path) {
  files_.erase(path);
  return rt::ok();
}

rt::Status FakeFiles::remove_all(const std::string& directory) {
  std::erase_if(files_, [&](const auto& file) { return file.first.starts_with(directory + "/"); });
  return rt::ok();
}

rt::Status FakeFiles::make_directories(const std::string&) {
  return rt::ok();
}

rt::Result<rt::FileInfo> FakeFiles::info(const std::string& path) {
  const auto file = find(path);
  if (!file) return file.error();
  return rt::FileInfo{.size = (*file)->bytes.size(),
                      .inode = (*file)->inode,
                      .modified = (*file)->modified,
                      .is_directory = false,
                      .is_regular = true};
}

rt::Result<rt::FileInfo> FakeFiles::info_no_follow(const std::string& path) {
  return info(path);
}

rt::Result<std::vector<std::string>> FakeFiles::list(const std::string& directory) {
  std::set<std::string> names;
  const std::string prefix = directory + "/";
  for (const auto& [path, file] : files_) {
    if (path.starts_with(prefix)) {
      names.insert(path.substr(prefix.size(), path.find('/', prefix.size()) - prefix.size()));
    }
  }
  if (names.empty()) return Error{Errc::kNotFound, "no directory " + directory};
  return std::vector<std::string>(names.begin(), names.end());
}

rt::Result<rt::DiskSpace> FakeFiles::space(const std::string& path) {
  if (const auto error = errors.find(path); error != errors.end()) return error->second;
  const auto at = spaces.find(path);
  if (at == spaces.end()) return Error{Errc::kNotFound, "no file system at " + path};
  return at->second;
}

}  // namespace fieldpost::sim
