#include "coordinator/imports/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "coordinator/imports/inner_path.h"
#include "tests/support/sim/sim_disk.h"
#include "tests/support/sim/sim_files.h"

using namespace fieldpost;               // NOLINT
using namespace fieldpost::coordinator;  // NOLINT

namespace {

using AddFilter = int (*)(archive*);

struct Entry {
  std::string name, bytes;
  unsigned type = AE_IFREG;
  bool is_sparse = false;  ///< with a hole behind its first block
};

/// An archive of these, or (raw) the bytes of the first one, compressed.
std::string pack(const std::vector<Entry>& entries, AddFilter filter, bool is_tar = true) {
  std::string out(32 << 20, '\0');
  std::size_t used = 0;
  archive* packed = archive_write_new();
  is_tar ? archive_write_set_format_pax_restricted(packed) : archive_write_set_format_raw(packed);
  filter(packed);
  REQUIRE(archive_write_open_memory(packed, out.data(), out.size(), &used) == ARCHIVE_OK);
  for (const Entry& each : entries) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, each.name.c_str());
    archive_entry_set_filetype(entry, each.type);
    archive_entry_set_perm(entry, 0644);
    if (each.type == AE_IFLNK) archive_entry_set_symlink(entry, each.bytes.c_str());
    if (each.type == AE_IFREG) {
      archive_entry_set_size(entry, static_cast<la_int64_t>(each.bytes.size()));
    }
    if (each.is_sparse) archive_entry_sparse_add_entry(entry, 0, 4096);
    REQUIRE(archive_write_header(packed, entry) == ARCHIVE_OK);
    if (each.type == AE_IFREG) archive_write_data(packed, each.bytes.data(), each.bytes.size());
    archive_entry_free(entry);
  }
  archive_write_close(packed);
  archive_write_free(packed);
  out.resize(used);
  return out;
}

struct World {
  sim::SimDisk disk;
  sim::SimFiles files{disk};

  explicit World(const std::string& bytes) { REQUIRE(files.write_at("/f", 0, bytes, 0600)); }
  /// Empty: it went well.
  std::string unpack() {
    Unpacker unpacker(files, "/f", "/out");
    for (;;) {
      const auto more = unpacker.step();
      if (!more) return more.error().message;
      if (!*more) return "";
    }
  }
  std::string text(const std::string& name) {
    const auto read = files.read("/out/" + name, 0, 64 << 20);
    return read ? *read : "none";
  }
};

}  // namespace

TEST_CASE("an archive is unpacked, however it is compressed") {
  const std::string large(20 << 20, 'x');
  const std::vector<Entry> entries{
      {"a/b.txt", "one"}, {"a", "", AE_IFDIR}, {"./c", large}, {"e", ""}};
  for (const AddFilter filter :
       {archive_write_add_filter_none, archive_write_add_filter_gzip, archive_write_add_filter_zstd,
        archive_write_add_filter_xz, archive_write_add_filter_bzip2}) {
    World world(pack(entries, filter));
    CHECK(*is_packed(world.files, "/f"));
    CHECK(world.unpack() == "");
    CHECK(world.text("a/b.txt") == "one");
    const bool same = world.text("c") == large;
    CHECK(same);
    CHECK(world.text("e") == "");
    world.disk.stop();
    sim::Dice dice(1);
    world.disk.restart_after_power_cut(dice);
    CHECK(world.text("a/b.txt") == "one");  // was synced
  }
}

TEST_CASE("one compressed file is unpacked as data") {
  World world(pack({{"x", "a b=1 2\n"}}, archive_write_add_filter_gzip, false));
  CHECK(*is_packed(world.files, "/f"));
  CHECK(world.unpack() == "");
  CHECK(world.text("data") == "a b=1 2\n");
  // `gzip old.lp`, which puts the name into its header.
  using namespace std::string_literals;
  World named(
      "\x1f\x8b\x08\x08\x59\x44\x0a\x6b\x00\x03\x6f\x6c\x64\x2e\x6c\x70\x00\x4b\x54\x48\xb2\x35"
      "\x54\x30\xe2\x02\x00\xfd\xf0\x2c\xd7\x08\x00\x00\x00"s);
  CHECK(named.unpack() == "");
  CHECK(named.text("data") == "a b=1 2\n");
  World plain("a b=1 2\n");
  CHECK_FALSE(*is_packed(plain.files, "/f"));
}

TEST_CASE("what leads out of the directory, and what is no plain file, is refused") {
  for (const char* name : {"../x", "/etc/x", "a/../../x", "a//x"}) {
    CAPTURE(name);
    World world(pack({{"ok", "1"}, {name, "2"}}, archive_write_add_filter_none));
    CHECK(world.unpack().find("which is no plain file inside of it") != std::string::npos);
  }
  World world(pack({{"link", "/etc/passwd", AE_IFLNK}}, archive_write_add_filter_none));
  CHECK(world.unpack().find("\"link\"") != std::string::npos);
  World sparse(pack({{"a", "1"}, {"b", std::string(1 << 20, '\0'), AE_IFREG, true}},
                    archive_write_add_filter_none));
  CHECK(sparse.unpack() == "the archive has \"b\" with holes: pack it without --sparse");
  CHECK(is_inner_path("a/b.c"));
  CHECK(is_inner_path("..a"));
  for (const std::string path : {"", "/", "/a", "a/", "a//b", ".", "..", "a/./b", "a/.."}) {
    CHECK_FALSE(is_inner_path(path));
  }
  CHECK_FALSE(is_inner_path(std::string("a\0b", 3)));
}

TEST_CASE("a damaged archive and a full disk are told") {
  std::string bytes = pack({{"a", std::string(100'000, 'x')}}, archive_write_add_filter_gzip);
  bytes.resize(bytes.size() / 2);
  CHECK(World(bytes).unpack().find("it cannot be unpacked: ") == 0);
  World full(pack({{"a", "1"}}, archive_write_add_filter_none));
  full.disk.set_bytes_max(full.disk.bytes_used() + 1000);
  CHECK(full.unpack().find("no room") != std::string::npos);
  sim::SimDisk disk;
  sim::SimFiles files(disk);
  Unpacker missing(files, "/none", "/out");
  CHECK(missing.step().error().code == rt::Errc::kNotFound);
}
