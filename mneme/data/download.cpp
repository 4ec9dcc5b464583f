#include "mneme/data/download.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <exception>
#include <fstream>
#include <memory>
#include <optional>
#include <vector>

#include "mneme/core/errors.hpp"
#include "mneme/core/files.hpp"
#include "mneme/core/text.hpp"
#include "mneme/data/locate.hpp"
#include "mneme/io/bytes.hpp"
#include "mneme/io/sha256.hpp"
#include "mneme/io/tar.hpp"
#include "mneme/io/zip.hpp"

namespace mneme {
namespace {

namespace fs = std::filesystem;

constexpr long kConnectSeconds = 30;
constexpr long kSlowBytesPerSecond = 1000;  // below this for kSlowSeconds a transfer is given up (and resumed later)
constexpr long kSlowSeconds = 30;
constexpr long kRangeNotSatisfiable = 416;

/// One request that appends to a partial file. Exceptions must not cross libcurl, so they wait in `failure`.
struct Transfer {
  CatalogueFile const& file;
  DownloadObserver const& observer;
  fs::path part;
  std::int64_t resumed_at = 0;
  std::int64_t written = 0;
  std::ofstream out = {};
  std::exception_ptr failure = {};

  template <class Action>
  bool guarded(Action const& action) {
    try {
      action();
    } catch (...) {
      failure = std::current_exception();
    }
    return !failure;
  }

  void append(char const* data, std::size_t size) {
    // A server may decompress on the way, so the content's size is as good as the published one.
    std::int64_t const most = std::max(file.bytes, file.content_bytes);
    written += static_cast<std::int64_t>(size);
    if (most > 0 && resumed_at + written > most) {
      throw DataError("sends more than the " + std::to_string(most) + " bytes expected");
    }
    if (!out.write(data, static_cast<std::streamsize>(size))) throw IoError(part.string() + ": cannot be written");
  }
};

std::size_t on_body(char* data, std::size_t, std::size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  return transfer.guarded([&] { transfer.append(data, size); }) ? size : CURL_WRITEFUNC_ERROR;
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& transfer = *static_cast<Transfer*>(user);
  return transfer.guarded([&] {
    if (transfer.observer) {
      transfer.observer(transfer.file.name, {transfer.resumed_at + transfer.written, transfer.file.bytes});
    }
  })
             ? 0
             : 1;
}

enum class Outcome { kComplete, kCannotResume, kFailed };

struct Reply {
  Outcome outcome;
  std::string problem = {};
};

Reply request(std::string const& url, Transfer& transfer) {
  static bool const started = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> const handle(started ? curl_easy_init() : nullptr,
                                                                   curl_easy_cleanup);
  if (!handle) throw IoError("libcurl cannot be started");
  CURL* const curl = handle.get();
  transfer.out.open(transfer.part, std::ios::binary | std::ios::app);
  if (!transfer.out) throw IoError(transfer.part.string() + ": cannot be opened for writing");

  char detail[CURL_ERROR_SIZE] = "";
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https,file");
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "mneme");
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, kSlowBytesPerSecond);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, kSlowSeconds);
  curl_easy_setopt(curl, CURLOPT_RESUME_FROM_LARGE, static_cast<curl_off_t>(transfer.resumed_at));
  // The published bytes are wanted, not what is inside them.
  curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "identity");
  curl_easy_setopt(curl, CURLOPT_HTTP_CONTENT_DECODING, 0L);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);

  CURLcode const code = curl_easy_perform(curl);
  transfer.out.close();
  if (transfer.failure) {
    try {
      std::rethrow_exception(transfer.failure);
    } catch (DataError const& error) {  // the mirror's fault; anything else is the disk's or the caller's wish
      return {Outcome::kCannotResume, error.what()};
    }
  }
  if (code == CURLE_OK) return {Outcome::kComplete};
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  bool const no_range =
      code == CURLE_RANGE_ERROR || code == CURLE_BAD_DOWNLOAD_RESUME || status == kRangeNotSatisfiable;
  return {no_range ? Outcome::kCannotResume : Outcome::kFailed, *detail ? detail : curl_easy_strerror(code)};
}

/// Whether a decompressed file is the catalogued one: by its hash or, where none is known, by its size.
bool is_content(CatalogueFile const& file, std::vector<std::uint8_t> const& content) {
  if (!file.content_sha256.empty()) return sha256_hex(content) == file.content_sha256;
  return file.sha256.empty() && static_cast<std::int64_t>(content.size()) == file.content_bytes;
}

/// The name under which these bytes are to stand: as published, or with or without .gz as they came.
std::optional<std::string> verified_name(CatalogueFile const& file, fs::path const& path) {
  if (!file.sha256.empty() && sha256_file(path) == file.sha256) return file.name;
  if (file.content_bytes == 0) return std::nullopt;
  try {
    auto const bytes = read_file(path);
    bool const packed = is_gzip(bytes);
    auto const size = static_cast<std::size_t>(file.content_bytes);
    if (!is_content(file, packed ? gunzip(bytes, path.string(), size) : bytes)) return std::nullopt;
    auto const names = names_of(file);
    return packed == names.front().ends_with(".gz") ? names.front() : names.back();
  } catch (DataError const&) {  // damaged gzip: simply not the file
  }
  return std::nullopt;
}

bool is_there(CatalogueFile const& file, fs::path const& folder) {
  for (auto const& name : names_of(file)) {
    if (fs::exists(folder / name) && verified_name(file, folder / name) == name) return true;
  }
  return false;
}

/// Renames a verified partial file; removes another one and tells what it was.
std::optional<std::string> settle(CatalogueFile const& file, fs::path const& part) {
  if (auto const name = verified_name(file, part)) {
    fs::rename(part, part.parent_path() / *name);
    return std::nullopt;
  }
  std::string const problem = "gave " + std::to_string(fs::file_size(part)) + " bytes with sha256 " +
                              sha256_file(part) + "; expected " + std::to_string(file.bytes) + " bytes with " +
                              file.sha256;
  fs::remove(part);
  return problem;
}

std::int64_t size_or_zero(fs::path const& path) {
  std::error_code error;
  auto const size = fs::file_size(path, error);
  return error ? 0 : static_cast<std::int64_t>(size);
}

/// One mirror; a continued file that does not come out right is fetched once more from its beginning.
std::optional<std::string> fetch_from(std::string const& url, CatalogueFile const& file, fs::path const& part,
                                      DownloadObserver const& observer) {
  for (;;) {
    Transfer transfer{file, observer, part, size_or_zero(part)};
    Reply const reply = request(url, transfer);
    if (reply.outcome == Outcome::kFailed) return reply.problem;
    auto problem = reply.outcome == Outcome::kComplete ? settle(file, part) : reply.problem;
    if (!problem) return std::nullopt;
    fs::remove(part);
    if (transfer.resumed_at == 0) return problem;
  }
}

void fetch(CatalogueFile const& file, fs::path const& folder, DownloadObserver const& observer) {
  fs::path const part = folder / (file.name + ".part");
  if (file.bytes > 0 && size_or_zero(part) >= file.bytes && !settle(file, part)) return;  // killed before the rename
  std::vector<std::string> problems;
  for (auto const& url : file.urls) {
    auto const problem = fetch_from(url, file, part, observer);
    if (!problem) return;
    problems.push_back(url + ": " + *problem);
  }
  throw DataError("'" + file.name + "' could not be downloaded: " + join(problems, "; ") +
                  ". Try again later (what was received is kept), or put the file into " + folder.string());
}

/// Writes one member of an archive under its catalogued name, checked.
void keep(CatalogueFile const& file, std::span<std::uint8_t const> bytes, fs::path const& archive,
          fs::path const& folder) {
  bool const published = file.sha256.empty() || sha256_hex(bytes) == file.sha256;
  bool const content = file.content_sha256.empty() || !file.sha256.empty() || sha256_hex(bytes) == file.content_sha256;
  if (!published || !content) {
    throw DataError(archive.string() + ": member " + file.name + " should have sha256 " +
                    (published ? file.content_sha256 : file.sha256) + ", found " + sha256_hex(bytes));
  }
  write_file(folder / file.name, as_text(bytes));
}

void unpack_zip(fs::path const& archive, std::vector<CatalogueFile const*> const& files, fs::path const& folder) {
  std::ifstream stream(archive, std::ios::binary);
  ZipReader const zip(stream, archive.string());
  for (auto const* file : files) {
    auto const most = static_cast<std::uint64_t>(std::max(file->bytes, file->content_bytes));
    keep(*file, zip.read(zip.find(file->name), most), archive, folder);
  }
}

void unpack_tar(fs::path const& archive, std::vector<CatalogueFile const*> const& files, fs::path const& folder) {
  auto const bytes = read_file_decompressed(archive);
  auto const members = tar_members(bytes, archive.string());
  for (auto const* file : files) {
    auto const named = [&](TarMember const& m) { return m.name == file->name || m.name.ends_with("/" + file->name); };
    auto const member = std::find_if(members.begin(), members.end(), named);
    if (member == members.end()) throw DataError(archive.string() + ": has no member '" + file->name + "'");
    keep(*file, member->content, archive, folder);
  }
}

void unpack(CatalogueFile const& archive, std::vector<CatalogueFile const*> const& files, fs::path const& folder,
            DownloadObserver const& observer) {
  if (!is_there(archive, folder)) fetch(archive, folder, observer);
  fs::path const path = folder / archive.name;
  archive.name.ends_with(".zip") ? unpack_zip(path, files, folder) : unpack_tar(path, files, folder);
  fs::remove(path);
}

}  // namespace

void download_dataset(CatalogueEntry const& entry, fs::path const& data_folder, DownloadObserver const& observer) {
  fs::path const folder = data_folder / entry.folders.front();
  try {
    fs::create_directories(folder);
    std::vector<CatalogueFile const*> missing;
    for (auto const* file : files_of(entry)) {
      if (!is_there(*file, folder)) missing.push_back(file);
    }
    for (auto const* file : missing) {
      if (!file->archive.empty()) continue;
      if (file->urls.empty()) throw DataError("data set '" + entry.name + "': " + how_to_get(entry, {{data_folder}}));
      fetch(*file, folder, observer);
    }
    for (auto const& archive : entry.archives) {
      std::vector<CatalogueFile const*> held;
      for (auto const* file : missing) {
        if (file->archive == archive.name) held.push_back(file);
      }
      if (!held.empty()) unpack(archive, held, folder, observer);
    }
  } catch (fs::filesystem_error const& error) {
    throw IoError(std::string(error.what()) + "; is the data folder writable?");
  }
}

}  // namespace mneme
