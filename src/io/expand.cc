#include "io/expand.h"

#include <fmt/format.h>
#include <zip.h>
#include <zlib.h>

#include <algorithm>
#include <memory>

namespace etcdrill {
namespace {

constexpr size_t kChunkBytes = size_t{256} << 10;
constexpr std::string_view kGzipMagic = "\x1f\x8b";
constexpr std::string_view kZipMagic = "PK\x03\x04";

Status Broken(const std::string& path, std::string_view why) {
  return Error(Reason::kDamaged, "expand {}: {}", path, why);
}

// Keeps what a file says of its own size from filling the disk.
ByteSink Limited(const std::string& path, uint64_t size_max, const ByteSink& sink) {
  return [=, left = size_max](std::string_view bytes) mutable {
    if (bytes.size() > left) return Broken(path, fmt::format("more than {} bytes", size_max));
    left -= bytes.size();
    return sink(bytes);
  };
}

class GzipReader {
 public:
  GzipReader(const std::string& path, const ByteSink& sink) : path_(path), sink_(sink) {
    constexpr int kGzipOnly = 16;  // added to the window's bits
    ready_ = inflateInit2(&stream_, MAX_WBITS + kGzipOnly) == Z_OK;
  }
  GzipReader(const GzipReader&) = delete;
  GzipReader& operator=(const GzipReader&) = delete;
  ~GzipReader() { inflateEnd(&stream_); }

  Status Take(std::string_view piece) {
    if (!ready_) return Error(Reason::kNoMemory, "expand {}: zlib cannot start", path_);
    std::string input(piece);  // zlib's interface is not const
    stream_.next_in = reinterpret_cast<Bytef*>(input.data());
    stream_.avail_in = static_cast<uInt>(input.size());
    while (stream_.avail_in > 0) {
      // Several members may follow each other: that is what appending to a .gz makes.
      if (ended_ && inflateReset(&stream_) != Z_OK) return Broken(path_, "zlib cannot continue");
      RETURN_IF_ERROR(Inflate());
    }
    return OkStatus();
  }
  Status End() const { return ended_ ? OkStatus() : Broken(path_, "truncated gzip stream"); }

 private:
  Status Inflate() {
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(output_.data());
      stream_.avail_out = static_cast<uInt>(output_.size());
      const int result = inflate(&stream_, Z_NO_FLUSH);
      if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
        return Broken(path_, stream_.msg != nullptr ? stream_.msg : "not a gzip stream");
      }
      RETURN_IF_ERROR(sink_(std::string_view(output_.data(), output_.size() - stream_.avail_out)));
      ended_ = result == Z_STREAM_END;
    } while (stream_.avail_out == 0 && !ended_);
    return OkStatus();
  }

  const std::string& path_;
  const ByteSink& sink_;
  z_stream stream_ = {};
  bool ready_ = false;
  bool ended_ = false;
  std::string output_ = std::string(kChunkBytes, '\0');
};

Status ReadZip(const std::string& path, const ByteSink& sink) {
  int code = 0;
  const std::unique_ptr<zip_t, decltype(&zip_discard)> archive(
      zip_open(path.c_str(), ZIP_RDONLY, &code), zip_discard);
  if (archive == nullptr) return Broken(path, "incomplete zip archive");
  if (zip_get_num_entries(archive.get(), 0) != 1)
    return Broken(path, "the zip archive must have exactly one file");
  const std::unique_ptr<zip_file_t, decltype(&zip_fclose)> file(
      zip_fopen_index(archive.get(), 0, 0), zip_fclose);
  if (file == nullptr) return Broken(path, zip_strerror(archive.get()));
  std::string piece(kChunkBytes, '\0');
  while (true) {
    const zip_int64_t n = zip_fread(file.get(), piece.data(), piece.size());
    if (n < 0) return Broken(path, zip_file_strerror(file.get()));
    if (n == 0) return OkStatus();
    RETURN_IF_ERROR(sink(std::string_view(piece).substr(0, static_cast<size_t>(n))));
  }
}

}  // namespace

Status ReadExpanded(FileSystem& fs, const std::string& path, uint64_t size_max,
                    const ByteSink& sink) {
  ASSIGN_OR_RETURN(const auto file, fs.OpenForReading(path));
  std::string magic(std::min<uint64_t>(file->Size(), kZipMagic.size()), '\0');
  RETURN_IF_ERROR(file->Read(0, magic));
  const ByteSink limited = Limited(path, size_max, sink);
  if (magic.starts_with(kZipMagic)) return ReadZip(path, limited);
  if (!magic.starts_with(kGzipMagic)) return ReadPieces(*file, 0, file->Size(), limited);
  GzipReader gzip(path, limited);
  RETURN_IF_ERROR(
      ReadPieces(*file, 0, file->Size(), [&](std::string_view piece) { return gzip.Take(piece); }));
  return gzip.End();
}

}  // namespace etcdrill
