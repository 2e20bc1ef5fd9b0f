#include "coordinator/exports/tar_archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/support/sim/sim_disk.h"
#include "tests/support/sim/sim_files.h"

namespace fieldpost::test {
namespace {

using coordinator::TarArchive;

/// Files on a disk of their own: (name in the archive, content)….
struct World {
  sim::SimDisk disk;
  sim::SimFiles files{disk};
  std::vector<TarArchive::File> listed;

  explicit World(const std::vector<std::pair<std::string, std::string>>& contents) {
    for (const auto& [name, content] : contents) {
      const std::string path = "/f" + std::to_string(listed.size());
      REQUIRE(files.write_durably(path, content, 0640));
      listed.push_back({path, name, content.size()});
    }
  }
  [[nodiscard]] TarArchive archive() const {
    return TarArchive::lay_out(listed, 1'700'000'000).value();
  }
};

/// Names and contents, as libarchive reads them.
std::vector<std::pair<std::string, std::string>> untar(const std::string& bytes) {
  std::vector<std::pair<std::string, std::string>> found;
  archive* tar = archive_read_new();
  archive_read_support_format_tar(tar);
  REQUIRE(archive_read_open_memory(tar, bytes.data(), bytes.size()) == ARCHIVE_OK);
  archive_entry* entry = nullptr;
  while (archive_read_next_header(tar, &entry) == ARCHIVE_OK) {
    CHECK(archive_entry_mtime(entry) == 1'700'000'000);
    std::string content(static_cast<std::size_t>(archive_entry_size(entry)), '\0');
    REQUIRE(archive_read_data(tar, content.data(), content.size()) ==
            static_cast<la_ssize_t>(content.size()));
    found.emplace_back(archive_entry_pathname(entry), std::move(content));
  }
  archive_read_free(tar);
  return found;
}

const std::vector<std::pair<std::string, std::string>> kContents = {
    {"study/manifest.json", "{}"},
    {"study/empty", ""},
    {"study/a block", std::string(512, 'b')},
    {"study/" + std::string(300, 'n') + "/deep", std::string(1500, 'x')},
    {"study/last", std::string(513, 'l')}};

}  // namespace

TEST_CASE("a tar archive has its files as they are, whatever their sizes and names") {
  World world(kContents);
  const TarArchive archive = world.archive();
  const std::string bytes = archive.read(world.files, 0, archive.size()).value();
  CHECK(bytes.size() == archive.size());
  CHECK(bytes.size() % 512 == 0);
  CHECK(untar(bytes) == kContents);
}

TEST_CASE("a tar archive is the same in whatever parts it is read") {
  World world(kContents);
  const TarArchive archive = world.archive();
  const std::string whole = archive.read(world.files, 0, archive.size()).value();
  for (const std::size_t step : {7U, 511U, 512U, 1000U}) {
    INFO("step ", step);
    std::string parts;
    while (parts.size() < whole.size()) {
      const auto part =
          archive.read(world.files, parts.size(), std::min(step, whole.size() - parts.size()));
      REQUIRE(part);
      parts += *part;
    }
    const bool same = parts == whole;
    CHECK(same);
  }
}

TEST_CASE("a tar archive of nothing is one, and one of very much is laid out without reading it") {
  World world({});
  const std::string nothing = world.archive().read(world.files, 0, 1024).value();
  CHECK(nothing == std::string(1024, '\0'));
  CHECK(world.archive().size() == 1024);
  constexpr std::uint64_t kMuch = std::uint64_t{20} << 30U;  // more than ustar's digits can say
  const auto much = TarArchive::lay_out({{"/much", "much", kMuch}, {"/few", "few", 1}}, 0);
  REQUIRE(much);
  CHECK(much->size() > kMuch + 2048);
}

TEST_CASE("a tar archive of which a file is shorter or missing, or has no name of text, is none") {
  World world(kContents);
  const TarArchive archive = world.archive();
  REQUIRE(world.files.write_durably("/f4", "short", 0640));
  CHECK(archive.read(world.files, 0, archive.size()).error().code == rt::Errc::kCorrupt);
  REQUIRE(world.files.remove("/f4"));
  CHECK(archive.read(world.files, 0, archive.size()).error().code == rt::Errc::kNotFound);
  const auto unsayable = TarArchive::lay_out({{"/f0", "\xff", 2}}, 0);
  REQUIRE(!unsayable);
  CHECK(unsayable.error().code == rt::Errc::kIo);
}

}  // namespace fieldpost::test
