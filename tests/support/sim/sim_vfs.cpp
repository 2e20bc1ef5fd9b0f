#include "tests/support/sim/sim_vfs.h"

#include <sqlite3.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <memory>
#include <thread>
#include <utility>

#include "proto/rt/result.h"
#include "tests/support/sim/sim_locks.h"

namespace fieldpost::sim {

struct SimVfs::Impl {
  Impl(SimDisk& on, std::string called);
  std::shared_ptr<SimLocks> locks_of(const DiskFile& file);

  SimDisk& disk;
  std::string name;
  sqlite3_vfs vfs{};
  std::mutex mutex;
  std::map<std::uint64_t, std::weak_ptr<SimLocks>> locks;  ///< by inode; guarded by mutex
  std::atomic<std::uint64_t> temporaries = 0;
};

namespace {

constexpr int kSectorSize = 4096;
constexpr int kPathMax = 512;
constexpr sqlite3_int64 kNowJulianMillis = 212'642'323'200'000;  // a day in 2026; nobody asks

/// An open file, made by xOpen and ended by xClose.
struct Open {
  SimDisk& disk;
  DiskFilePtr file;
  std::shared_ptr<SimLocks> locks;
  std::string remove_on_close;  ///< path, or empty
  std::string sync_directory;   ///< with the first sync, as the unix VFS does; empty: done
};

struct OsFile {
  sqlite3_file base;
  Open* open;
};

Open& open_of(sqlite3_file* file) {
  return *reinterpret_cast<OsFile*>(file)->open;
}

SimDisk& disk_of(sqlite3_vfs* vfs);

/// The only place where the disk's answers become SQLite's codes.
int code_of(DiskAnswer answer, int io_error) {
  switch (answer) {
    case DiskAnswer::kDone: return SQLITE_OK;
    case DiskAnswer::kIo: return io_error;
    case DiskAnswer::kFull: return SQLITE_FULL;
    case DiskAnswer::kNotFound: return SQLITE_CANTOPEN;
  }
  return SQLITE_INTERNAL;
}

int x_close(sqlite3_file* file) {
  Open* const open = std::exchange(reinterpret_cast<OsFile*>(file)->open, nullptr);
  open->locks->unlock(open, SQLITE_LOCK_NONE);
  if (!open->remove_on_close.empty()) open->disk.remove(open->remove_on_close, false);
  delete open;
  return SQLITE_OK;
}

int x_read(sqlite3_file* file, void* out, int size, sqlite3_int64 offset) {
  const Open& open = open_of(file);
  const std::span<char> space(static_cast<char*>(out), static_cast<std::size_t>(size));
  std::size_t got = 0;
  const DiskAnswer answer =
      open.disk.read(*open.file, static_cast<std::uint64_t>(offset), space, got);
  if (answer != DiskAnswer::kDone) return SQLITE_IOERR_READ;
  if (got == space.size()) return SQLITE_OK;
  std::memset(space.data() + got, 0, space.size() - got);
  return SQLITE_IOERR_SHORT_READ;
}

int x_write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
  const Open& open = open_of(file);
  const std::string_view view(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
  return code_of(open.disk.write(*open.file, static_cast<std::uint64_t>(offset), view),
                 SQLITE_IOERR_WRITE);
}

int x_truncate(sqlite3_file* file, sqlite3_int64 size) {
  const Open& open = open_of(file);
  return code_of(open.disk.truncate(*open.file, static_cast<std::uint64_t>(size)),
                 SQLITE_IOERR_TRUNCATE);
}

int x_sync(sqlite3_file* file, int /*flags*/) {
  Open& open = open_of(file);
  const DiskAnswer answer = open.disk.sync(*open.file);
  if (answer == DiskAnswer::kDone && !open.sync_directory.empty()) {
    open.disk.sync_directory(std::exchange(open.sync_directory, {}));
  }
  return code_of(answer, SQLITE_IOERR_FSYNC);
}

int x_file_size(sqlite3_file* file, sqlite3_int64* size) {
  const Open& open = open_of(file);
  *size = static_cast<sqlite3_int64>(open.disk.size(*open.file));
  return SQLITE_OK;
}

int x_lock(sqlite3_file* file, int level) {
  Open& open = open_of(file);
  return open.locks->lock(&open, level);
}

int x_unlock(sqlite3_file* file, int level) {
  Open& open = open_of(file);
  open.locks->unlock(&open, level);
  return SQLITE_OK;
}

int x_check_reserved_lock(sqlite3_file* file, int* reserved) {
  *reserved = open_of(file).locks->reserved() ? 1 : 0;
  return SQLITE_OK;
}

int x_file_control(sqlite3_file* /*file*/, int /*op*/, void* /*argument*/) {
  return SQLITE_NOTFOUND;
}

int x_sector_size(sqlite3_file* /*file*/) {
  return kSectorSize;
}

int x_device_characteristics(sqlite3_file* /*file*/) {
  return SQLITE_IOCAP_POWERSAFE_OVERWRITE;  // as the unix VFS says
}

int x_shm_map(sqlite3_file* file, int region, int bytes, int extend, void volatile** memory) {
  Open& open = open_of(file);
  *memory = open.locks->map(&open, static_cast<std::size_t>(region),
                            static_cast<std::size_t>(bytes), extend != 0);
  return SQLITE_OK;
}

int x_shm_lock(sqlite3_file* file, int first, int count, int flags) {
  Open& open = open_of(file);
  return open.locks->shm_lock(&open, first, count, flags);
}

void x_shm_barrier(sqlite3_file* /*file*/) {
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

int x_shm_unmap(sqlite3_file* file, int /*remove*/) {
  Open& open = open_of(file);
  open.locks->unmap(&open);
  return SQLITE_OK;
}

constexpr sqlite3_io_methods kIoMethods = {
    .iVersion = 2,
    .xClose = x_close,
    .xRead = x_read,
    .xWrite = x_write,
    .xTruncate = x_truncate,
    .xSync = x_sync,
    .xFileSize = x_file_size,
    .xLock = x_lock,
    .xUnlock = x_unlock,
    .xCheckReservedLock = x_check_reserved_lock,
    .xFileControl = x_file_control,
    .xSectorSize = x_sector_size,
    .xDeviceCharacteristics = x_device_characteristics,
    .xShmMap = x_shm_map,
    .xShmLock = x_shm_lock,
    .xShmBarrier = x_shm_barrier,
    .xShmUnmap = x_shm_unmap,
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

SimVfs::Impl& impl_of(sqlite3_vfs* vfs) {
  return *static_cast<SimVfs::Impl*>(vfs->pAppData);
}

SimDisk& disk_of(sqlite3_vfs* vfs) {
  return impl_of(vfs).disk;
}

int x_open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  SimVfs::Impl& impl = impl_of(vfs);
  auto* const os_file = reinterpret_cast<OsFile*>(file);
  os_file->base.pMethods = nullptr;  // xClose is not called when opening fails
  const std::string path =
      name != nullptr ? name : "/tmp/sqlite-" + std::to_string(impl.temporaries.fetch_add(1));
  DiskFilePtr opened;
  const DiskAnswer answer = impl.disk.open(path, (flags & SQLITE_OPEN_CREATE) != 0, opened);
  if (answer != DiskAnswer::kDone) return code_of(answer, SQLITE_CANTOPEN);
  const bool removes = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
  auto locks = impl.locks_of(*opened);
  constexpr int kJournals = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL;
  const bool new_journal = (flags & SQLITE_OPEN_CREATE) != 0 && (flags & kJournals) != 0;
  os_file->open = new Open{impl.disk, std::move(opened), std::move(locks), removes ? path : "",
                           new_journal ? path.substr(0, path.rfind('/') + 1) : ""};
  os_file->base.pMethods = &kIoMethods;
  if (out_flags != nullptr) *out_flags = flags;
  return SQLITE_OK;
}

int x_delete(sqlite3_vfs* vfs, const char* name, int sync_directory) {
  const DiskAnswer answer = disk_of(vfs).remove(name, sync_directory != 0);
  if (answer == DiskAnswer::kNotFound) return SQLITE_IOERR_DELETE_NOENT;
  return code_of(answer, SQLITE_IOERR_DELETE);
}

int x_access(sqlite3_vfs* vfs, const char* name, int /*flags*/, int* result) {
  *result = disk_of(vfs).find(name) != nullptr ? 1 : 0;
  return SQLITE_OK;
}

int x_full_pathname(sqlite3_vfs* /*vfs*/, const char* name, int size, char* out) {
  sqlite3_snprintf(size, out, "%s", name);
  return SQLITE_OK;
}

int x_randomness(sqlite3_vfs* /*vfs*/, int size, char* out) {
  std::memset(out, 0, static_cast<std::size_t>(size));
  return size;
}

int x_sleep(sqlite3_vfs* /*vfs*/, int micros) {
  // Virtual time: who waits for a lock has waited. Of two threads the other one must have run
  // meanwhile, on a busy machine as well.
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return micros;
}

int x_current_time(sqlite3_vfs* /*vfs*/, double* days) {
  *days = static_cast<double>(kNowJulianMillis) / 86'400'000.0;
  return SQLITE_OK;
}

int x_get_last_error(sqlite3_vfs* /*vfs*/, int /*size*/, char* /*out*/) {
  return 0;
}

int x_current_time_millis(sqlite3_vfs* /*vfs*/, sqlite3_int64* millis) {
  *millis = kNowJulianMillis;
  return SQLITE_OK;
}

}  // namespace

SimVfs::Impl::Impl(SimDisk& on, std::string called) : disk(on), name(std::move(called)) {
  vfs.iVersion = 2;
  vfs.szOsFile = sizeof(OsFile);
  vfs.mxPathname = kPathMax;
  vfs.zName = name.c_str();
  vfs.pAppData = this;
  vfs.xOpen = x_open;
  vfs.xDelete = x_delete;
  vfs.xAccess = x_access;
  vfs.xFullPathname = x_full_pathname;
  vfs.xRandomness = x_randomness;
  vfs.xSleep = x_sleep;
  vfs.xCurrentTime = x_current_time;
  vfs.xGetLastError = x_get_last_error;
  vfs.xCurrentTimeInt64 = x_current_time_millis;
}

std::shared_ptr<SimLocks> SimVfs::Impl::locks_of(const DiskFile& file) {
  const std::lock_guard lock(mutex);
  std::weak_ptr<SimLocks>& known = locks[file.inode];
  auto found = known.lock();
  if (!found) known = found = std::make_shared<SimLocks>();
  return found;
}

SimVfs::SimVfs(SimDisk& disk, std::string name)
    : impl_(std::make_unique<Impl>(disk, std::move(name))) {
  FP_CHECK(sqlite3_vfs_find(impl_->name.c_str()) == nullptr);
  FP_CHECK(sqlite3_vfs_register(&impl_->vfs, 0) == SQLITE_OK);
}

SimVfs::~SimVfs() {
  sqlite3_vfs_unregister(&impl_->vfs);
}

const std::string& SimVfs::name() const {
  return impl_->name;
}

}  // namespace fieldpost::sim
