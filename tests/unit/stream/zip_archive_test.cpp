// SPDX-License-Identifier: BSD-3-Clause
#include "stream/zip_archive.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <functional>
#include <random>
#include <sys/stat.h>

#include <mistamover/transfer_module.hpp>

#include "full_disk.hpp"
#include "process/unique_fd.hpp"
#include "unzip.hpp"

namespace mistamover::stream {
namespace {

using test::contents_below;
using test::Scratch;
using test::unzip;
using test::write_file;

bool never_cancelled() {
    return false;
}

struct ArchivePlace {
    Scratch source;
    Scratch made;
    process::UniqueFd fd{::open(source.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};

    [[nodiscard]] std::filesystem::path zip() const { return made / "unit.zip"; }
    [[nodiscard]] Manifest manifest() const { return look_at(fd.get(), "unit").manifest; }
    Identity write(const ZipRoom& room = {}) const {
        return write_zip(fd.get(), manifest(), zip(), never_cancelled, room);
    }
    // The code of the failure of writing it; ok where there is none.
    [[nodiscard]] StatusCode failure(const Manifest& manifest) const {
        try {
            write_zip(fd.get(), manifest, zip(), never_cancelled, {});
        } catch (const StatusError& error) {
            CHECK(error.status().scope() == StatusScope::item);
            return error.status().code();
        }
        return StatusCode::ok;
    }
};

std::string noise(std::size_t bytes) {
    std::mt19937_64 random(1);
    std::string made(bytes, '\0');
    std::generate(made.begin(), made.end(), [&] { return static_cast<char>(random()); });
    return made;
}

constexpr std::uintmax_t mib = 1 << 20;

/// A disk of a gigabyte, which only the zip file fills.
struct ImaginaryDisk {
    std::uintmax_t free = 0;  ///< Before anything is written.
    std::uintmax_t most_written = 0;

    [[nodiscard]] static constexpr std::uintmax_t capacity() { return 1024 * mib; }
    std::filesystem::space_info operator()(const std::filesystem::path& directory) {
        std::error_code none;
        const std::uintmax_t size = std::filesystem::file_size(directory / "unit.zip", none);
        const std::uintmax_t written = none ? 0 : size;
        most_written = std::max(most_written, written);
        const std::uintmax_t left = free - std::min(free, written);
        return {capacity(), left, left};
    }
};

}  // namespace

TEST_CASE("a nested tree comes out of the zip file as it went in, whatever its names are") {
    const ArchivePlace place;
    for (const std::string name :
         {"plain", "with space", "quote'\"", "*?[glob]", "-dash", "new\nline", "~tilde", "~", "C:drive",
          "...", ".hidden", "trailing ", "trailing.", "umlaut \xc3\xa4"}) {
        CAPTURE(name);
        write_file(place.source / "unit" / name, "content of " + name);
        write_file(place.source / "unit/in" / name / name, "below " + name);
    }
    write_file(place.source / "unit" / std::string(255, 'n'), "long");
    write_file(place.source / "unit/nothing", "");
    write_file(place.source / "unit/binary", std::string(1'000'000, '\0') + std::string(300, '\xff'));
    std::filesystem::create_directories(place.source / "unit/empty/directory");
    const Identity zip = place.write();
    CHECK(zip.kind == EntryKind::file);
    CHECK(zip.size == std::filesystem::file_size(place.zip()));
    const Scratch out;
    REQUIRE(unzip(place.zip(), out.path()));
    CHECK(contents_below(out.path()) == contents_below(place.source.path()));
}

TEST_CASE("modification times before 1980, which a zip file cannot hold, do not matter") {
    const ArchivePlace place;
    write_file(place.source / "unit/old", "old");
    const timespec times[2] = {{0, 0}, {0, 0}};
    REQUIRE(::utimensat(place.fd.get(), "unit/old", times, 0) == 0);
    place.write();
    const Scratch out;
    CHECK(unzip(place.zip(), out.path()));
}

TEST_CASE("what a zip file cannot hold is refused, and no unfinished one is left") {
    const ArchivePlace place;
    write_file(place.source / "unit/file", "x");
    SUBCASE("a link") {
        std::filesystem::create_symlink("file", place.source / "unit/link");
    }
    SUBCASE("a name that means something else to others") {
        write_file(place.source / "unit/back\\slash", "x");
    }
    SUBCASE("a name that readers stumble over") {
        write_file(place.source / "unit/\xff\xfe not UTF-8", "x");
    }
    SUBCASE("a pipe") {
        REQUIRE(::mkfifoat(place.fd.get(), "unit/pipe", 0600) == 0);
    }
    CHECK(place.failure(place.manifest()) == StatusCode::unsupported);
    CHECK(std::filesystem::is_empty(place.made.path()));
}

TEST_CASE("a file that is not any more what the manifest says is a source that has changed") {
    const ArchivePlace place;
    write_file(place.source / "unit/file", "12345");
    const Manifest before = place.manifest();
    for (const std::string content : {"123", "1234567"}) {
        write_file(place.source / "unit/file", content);
        CHECK(place.failure(before) == StatusCode::source_changed);
    }
    std::filesystem::remove(place.source / "unit/file");
    CHECK(place.failure(before) != StatusCode::ok);
    CHECK(std::filesystem::is_empty(place.made.path()));
}

TEST_CASE("so is a directory with another file of the same size in it, or with one more") {
    const ArchivePlace place;
    write_file(place.source / "unit/file", "12345");
    const Manifest before = place.manifest();
    SUBCASE("another file") {
        write_file(place.source / "other", "54321");
        std::filesystem::rename(place.source / "other", place.source / "unit/file");
    }
    SUBCASE("one more") {
        write_file(place.source / "unit/more", "x");
    }
    CHECK(place.failure(before) == StatusCode::source_changed);
    CHECK(std::filesystem::is_empty(place.made.path()));
}

TEST_CASE("a file that cannot be read to its end is not one that has changed") {
    const auto code_for = [](const char* directory, const std::string& name) {
        const Scratch made;
        const process::UniqueFd fd(::open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        try {
            write_zip(fd.get(), look_at(fd.get(), name, WritersAsked::none).manifest, made / "unit.zip",
                      never_cancelled, {});
        } catch (const StatusError& error) {
            CHECK(error.status().scope() == StatusScope::item);
            CHECK(std::filesystem::is_empty(made.path()));
            return error.status().code();
        }
        return StatusCode::ok;
    };
    CHECK(code_for("/proc/self", "mem") == StatusCode::local_io);  // nothing is at its beginning: EIO
    CHECK(code_for("/proc", "version") == StatusCode::local_io);   // longer than it says
}

TEST_CASE("a zip file never takes more than is said, though nothing in it can be compressed") {
    const ArchivePlace place;
    const std::string content = noise(1'000'000);
    write_file(place.source / "unit/noise", content);
    for (int i = 0; i < 100; ++i) {
        write_file(place.source / "unit/in/a/deep/directory" / std::to_string(i), content.substr(0, 10));
    }
    const Manifest manifest = place.manifest();
    const std::uint64_t most = most_zip_bytes(manifest);
    const std::uint64_t taken = place.write().size;
    CHECK(taken <= most);
    CHECK(taken > content.size());
    CHECK(most < 2 * taken);
}

TEST_CASE("what a zip file leaves free is some of the disk, but neither too little nor too much") {
    CHECK(zip_reserve(0) == 16 * mib);
    CHECK(zip_reserve(100 * mib) == 16 * mib);
    CHECK(zip_reserve(10'000 * mib) == 100 * mib);
    CHECK(zip_reserve(100'000'000 * mib) == 1024 * mib);
}

TEST_CASE("a zip file that turns out too large is given up before the disk is full, with the numbers") {
    const ArchivePlace place;
    write_file(place.source / "unit/noise", noise(24 * mib));
    const std::uintmax_t reserve = zip_reserve(ImaginaryDisk::capacity());
    std::uintmax_t kept = reserve;
    ImaginaryDisk disk;
    std::uintmax_t room = 0;
    SUBCASE("while it is written") {
        room = 4 * mib;
    }
    SUBCASE("at once") {
        room = 0;
    }
    SUBCASE("while others need more than that") {
        kept = reserve + 100 * mib;
        room = 4 * mib;
    }
    disk.free = kept + room;
    try {
        place.write({std::ref(disk), kept});
        CHECK(false);
    } catch (const StatusError& error) {
        CHECK(error.status().code() == StatusCode::no_space);
        CHECK(error.status().scope() == StatusScope::item);
        CHECK(error.status().text().find("are to stay free") != std::string_view::npos);
    }
    CHECK(disk.most_written >= room / 2);
    CHECK(disk.most_written <= room + (room == 0 ? 0 : 2 * mib));
    CHECK(std::filesystem::is_empty(place.made.path()));
}

TEST_CASE("what can be compressed needs no more room than its zip file") {
    const ArchivePlace place;
    write_file(place.source / "unit/file", "");
    std::filesystem::resize_file(place.source / "unit/file", 64 * mib);
    ImaginaryDisk disk;
    disk.free = zip_reserve(ImaginaryDisk::capacity()) + 2 * mib;
    CHECK(place.write({std::ref(disk)}).size < mib);
}

TEST_CASE("what fits whatever is in it may take what others leave free") {
    const ArchivePlace place;
    write_file(place.source / "unit/file", noise(2 * mib));
    ImaginaryDisk disk;
    disk.free = 4 * mib;
    CHECK(place.write({std::ref(disk)}).size > 2 * mib);
}

TEST_CASE("a zip file that is given up is not left behind") {
    const ArchivePlace place;
    write_file(place.source / "unit/file", "x");
    try {
        write_zip(place.fd.get(), place.manifest(), place.zip(), [] { return true; }, {});
        CHECK(false);
    } catch (const StatusError& error) {
        CHECK(error.status().code() == StatusCode::cancelled);
    }
    CHECK(std::filesystem::is_empty(place.made.path()));
}

TEST_CASE("a disk that is full before the zip file is whole is told as such") {
    if (!test::may_mount()) {
        return;
    }
    const ArchivePlace place;
    write_file(place.source / "unit/file", "x");
    const test::FullDisk disk;
    disk.fill();
    const auto others_fill_it = [](const std::filesystem::path&) {
        return std::filesystem::space_info{1024 * mib, 1024 * mib, 1024 * mib};
    };
    try {
        write_zip(place.fd.get(), place.manifest(), disk.path() / "unit.zip", never_cancelled,
                  {others_fill_it});
        CHECK(false);
    } catch (const StatusError& error) {
        CHECK(error.status().code() == StatusCode::no_space);
        CHECK(error.status().scope() == StatusScope::item);
    }
}

}  // namespace mistamover::stream
