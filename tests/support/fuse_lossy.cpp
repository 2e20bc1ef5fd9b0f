// A FUSE layer over a directory that forgets what was never synced.
//   fuse_lossy heed|ignore DIRECTORY MOUNTPOINT
// Everything goes through to DIRECTORY at once, and how to undo it is kept in memory until fsync or
// fdatasync of the file (for names: fsync of their directory) makes it lasting. Setting the
// attribute user.keep_unsynced of the root to "N" undoes all that is not synced but its oldest N
// percent: what a power cut would leave. With `ignore` no sync makes anything lasting, so that
// tests can show that they notice. SQLite's -shm files are memory and are left alone.
#define FUSE_USE_VERSION 31
#include <fcntl.h>
#include <fuse.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

/// How to take back one change that is not lasting yet.
struct Undo {
  ino_t file = 0;         ///< whose bytes changed
  std::string directory;  ///< or: in which names changed
  std::function<void()> run;
};

struct File {
  explicit File(int descriptor) : fd(descriptor) {}
  ~File() { ::close(fd); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  const int fd;
};

struct Handle {
  std::shared_ptr<File> file;
  ino_t inode = 0;
  bool lossy = true;
};

struct Layer {
  std::string root;
  bool heeds_syncs = true;
  std::vector<Undo> undos;
  std::uint64_t trash = 0;  ///< files taken away so far
};

Layer& layer() {
  return *static_cast<Layer*>(fuse_get_context()->private_data);
}

std::string below(const char* path) {
  return layer().root + path;
}

std::string directory_of(const std::string& path) {
  return std::filesystem::path(path).parent_path().string();
}

bool is_lossy(const char* path) {
  return !std::string_view(path).ends_with("-shm");
}

int result_of(long code) {
  return code < 0 ? -errno : static_cast<int>(code);
}

Handle& handle_of(fuse_file_info* info) {
  return *reinterpret_cast<Handle*>(info->fh);
}

std::string read_range(int fd, off_t offset, std::size_t size) {
  std::string bytes(size, '\0');
  const ssize_t got = ::pread(fd, bytes.data(), size, offset);
  bytes.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return bytes;
}

/// Remembers the bytes from `offset` on, and the size, before they change.
void remember_bytes(const Handle& handle, off_t offset, std::size_t size) {
  if (!handle.lossy) return;
  struct stat before {};
  if (::fstat(handle.file->fd, &before) != 0) return;
  auto restore = [file = handle.file, offset, length = before.st_size,
                  bytes = read_range(handle.file->fd, offset, size)] {
    if (::pwrite(file->fd, bytes.data(), bytes.size(), offset) < 0) std::perror("undo write");
    if (::ftruncate(file->fd, length) != 0) std::perror("undo size");
  };
  layer().undos.push_back({handle.inode, {}, std::move(restore)});
}

void remember_name(const std::string& path, std::function<void()> undo) {
  layer().undos.push_back({0, directory_of(path), std::move(undo)});
}

/// Takes `path` away so that it can come back; -errno.
int set_aside(const std::string& path) {
  const std::string aside = layer().root + ".trash-" + std::to_string(layer().trash++);
  if (::rename(path.c_str(), aside.c_str()) != 0) return -errno;
  remember_name(path, [path, aside] {
    if (::rename(aside.c_str(), path.c_str()) != 0) std::perror("undo unlink");
  });
  return 0;
}

template <typename Predicate>
int make_lasting(Predicate is_synced) {
  if (layer().heeds_syncs) std::erase_if(layer().undos, is_synced);
  return 0;
}

int keep_unsynced(int percent) {
  auto& undos = layer().undos;
  const std::size_t kept = undos.size() * static_cast<std::size_t>(percent) / 100;
  while (undos.size() > kept) {
    undos.back().run();
    undos.pop_back();
  }
  undos.clear();
  return 0;
}

int open_handle(const std::string& path, const char* name, int flags, mode_t mode,
                fuse_file_info* info) {
  // What is undone must be read first, and O_APPEND would move it.
  const int access = (flags & ~(O_ACCMODE | O_APPEND | O_TRUNC)) | O_RDWR;
  const int fd = ::open(path.c_str(), access | O_CLOEXEC, mode);
  if (fd < 0) return -errno;
  struct stat status {};
  ::fstat(fd, &status);
  auto* handle = new Handle{std::make_shared<File>(fd), status.st_ino, is_lossy(name)};
  info->fh = reinterpret_cast<std::uint64_t>(handle);
  info->direct_io = handle->lossy ? 1 : 0;  // the kernel's cache would not see the undo
  return 0;
}

int truncate_handle(const Handle& handle, off_t size) {
  struct stat before {};
  if (::fstat(handle.file->fd, &before) != 0) return -errno;
  const auto cut = before.st_size > size ? static_cast<std::size_t>(before.st_size - size) : 0;
  remember_bytes(handle, size, cut);
  return result_of(::ftruncate(handle.file->fd, size));
}

// ---- operations ----

int get_attributes(const char* path, struct stat* status, fuse_file_info* info) {
  if (info != nullptr) return result_of(::fstat(handle_of(info).file->fd, status));
  return result_of(::lstat(below(path).c_str(), status));
}

int list(const char* path, void* buffer, fuse_fill_dir_t fill, off_t, fuse_file_info*,
         fuse_readdir_flags) {
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(below(path), failed)) {
    fill(buffer, entry.path().filename().c_str(), nullptr, 0, fuse_fill_dir_flags{});
  }
  return -failed.value();
}

int open_file(const char* path, fuse_file_info* info) {
  if (const int failed = open_handle(below(path), path, info->flags, 0, info); failed != 0) {
    return failed;
  }
  return (info->flags & O_TRUNC) != 0 ? truncate_handle(handle_of(info), 0) : 0;
}

int create_file(const char* path, mode_t mode, fuse_file_info* info) {
  const std::string real = below(path);
  if (const int failed = open_handle(real, path, info->flags | O_CREAT, mode, info); failed != 0) {
    return failed;
  }
  if (handle_of(info).lossy) remember_name(real, [real] { ::unlink(real.c_str()); });
  return 0;
}

int read_file(const char*, char* into, std::size_t size, off_t offset, fuse_file_info* info) {
  return result_of(::pread(handle_of(info).file->fd, into, size, offset));
}

int write_file(const char*, const char* bytes, std::size_t size, off_t offset,
               fuse_file_info* info) {
  remember_bytes(handle_of(info), offset, size);
  return result_of(::pwrite(handle_of(info).file->fd, bytes, size, offset));
}

int truncate_file(const char* path, off_t size, fuse_file_info* info) {
  if (info != nullptr) return truncate_handle(handle_of(info), size);
  fuse_file_info opened{};
  if (const int failed = open_handle(below(path), path, O_RDWR, 0, &opened); failed != 0) {
    return failed;
  }
  const std::unique_ptr<Handle> handle(&handle_of(&opened));
  return truncate_handle(*handle, size);
}

int sync_file(const char*, int, fuse_file_info* info) {
  return make_lasting(
      [inode = handle_of(info).inode](const Undo& undo) { return undo.file == inode; });
}

int sync_directory(const char* path, int, fuse_file_info*) {
  std::string real = below(path);
  if (real.ends_with('/')) real.pop_back();
  return make_lasting([&real](const Undo& undo) { return undo.directory == real; });
}

int release_file(const char*, fuse_file_info* info) {
  delete &handle_of(info);
  return 0;
}

int unlink_file(const char* path) {
  const std::string real = below(path);
  return is_lossy(path) ? set_aside(real) : result_of(::unlink(real.c_str()));
}

int make_directory(const char* path, mode_t mode) {
  const std::string real = below(path);
  if (::mkdir(real.c_str(), mode) != 0) return -errno;
  remember_name(real, [real] { ::rmdir(real.c_str()); });
  return 0;
}

int rename_file(const char* from, const char* to, unsigned flags) {
  if (flags != 0) return -EINVAL;
  const std::string source = below(from), target = below(to);
  if (const int failed = set_aside(target); failed != 0 && failed != -ENOENT) return failed;
  if (::rename(source.c_str(), target.c_str()) != 0) return -errno;
  remember_name(target, [source, target] { ::rename(target.c_str(), source.c_str()); });
  return 0;
}

int change_mode(const char* path, mode_t mode, fuse_file_info*) {
  return result_of(::chmod(below(path).c_str(), mode));
}

int set_attribute(const char*, const char* name, const char* value, std::size_t size, int) {
  if (std::strcmp(name, "user.keep_unsynced") != 0) return -ENOTSUP;
  return keep_unsynced(std::atoi(std::string(value, size).c_str()));
}

void* start(fuse_conn_info*, fuse_config* config) {
  config->hard_remove = 1;
  config->use_ino = 1;
  config->entry_timeout = 0;
  config->attr_timeout = 0;
  config->negative_timeout = 0;
  return &layer();
}

fuse_operations operations() {
  fuse_operations all{};
  all.getattr = get_attributes;
  all.readdir = list;
  all.open = open_file;
  all.create = create_file;
  all.read = read_file;
  all.write = write_file;
  all.truncate = truncate_file;
  all.fsync = sync_file;
  all.fsyncdir = sync_directory;
  all.release = release_file;
  all.unlink = unlink_file;
  all.mkdir = make_directory;
  all.rename = rename_file;
  all.chmod = change_mode;
  all.setxattr = set_attribute;
  all.init = start;
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view syncs = argc == 4 ? argv[1] : "";
  if (syncs != "heed" && syncs != "ignore") {
    std::fprintf(stderr, "usage: fuse_lossy heed|ignore DIRECTORY MOUNTPOINT\n");
    return 2;
  }
  Layer world{std::filesystem::canonical(argv[2]).string(), syncs == "heed", {}, 0};
  const fuse_operations all = operations();
  // One thread: the order of changes is the order of their undoing. It unmounts when it dies.
  std::string words[] = {argv[0], "-f", "-s", "-o", "auto_unmount", argv[3]};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  return fuse_main(static_cast<int>(arguments.size()), arguments.data(), &all, &world);
}
