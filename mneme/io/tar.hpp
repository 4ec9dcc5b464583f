// Members of a tar archive in memory (CIFAR is published as .tar.gz).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace mneme {

struct TarMember {
  std::string name;  // with its folders, '/' between
  std::span<std::uint8_t const> content;
};

/// The regular files of an archive (POSIX ustar, GNU's and older forms; members of other kinds, links and GNU's long
/// names among them, are passed over). `bytes` must outlive the members. DataError (`name` and offset) on a header that
/// fails its checksum or a member that reaches beyond the end.
std::vector<TarMember> tar_members(std::span<std::uint8_t const> bytes, std::string const& name);

}  // namespace mneme
