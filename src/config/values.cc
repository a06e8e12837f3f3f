// What each text has to look like.
#include "config/values.h"

#include <re2/re2.h>

#include <filesystem>

#include "base/text.h"
#include "base/units.h"
#include "base/url.h"

namespace etcdrill::config {

Status CheckClusterName(std::string_view name) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  const bool good = !name.empty() && name.size() <= 64 && name.front() != '.' &&
                    name.find_first_not_of(kAllowed) == std::string_view::npos;
  if (good) return OkStatus();
  return Error(Reason::kConfig,
               "\"{}\" becomes part of file names: use up to 64 letters, digits, '.', '_' and '-', "
               "not beginning with '.'",
               name);
}

Status CheckEndpoints(std::string_view list) {
  for (const std::string& item : SplitList(list)) RETURN_IF_ERROR(ParseClientUrl(item).status());
  return OkStatus();
}

Status CheckListen(std::string_view address) { return ParseListenAddress(address).status(); }

Status CheckNoNul(std::string_view text) {
  return text.find('\0') == std::string_view::npos
             ? OkStatus()
             : Error(Reason::kConfig, "the path has a NUL character");
}

Status CheckPath(std::string_view path) {
  RETURN_IF_ERROR(CheckNoNul(path));
  if (path != "~" && !path.starts_with("~/")) return OkStatus();
  return Error(Reason::kConfig, "\"{}\": ~ is not expanded. Write the full path", path);
}

Status CheckNeededPath(std::string_view path) {
  return path.empty() ? Error(Reason::kConfig, "the path is empty") : CheckPath(path);
}

Status CheckAdopt(std::string_view path) {
  RETURN_IF_ERROR(CheckPath(path));
  const size_t slash = path.rfind('/');
  const std::string_view dir = slash == std::string_view::npos ? "" : path.substr(0, slash);
  if (dir.find_first_of("*?[") == std::string_view::npos && !path.empty() && !path.ends_with('/'))
    return OkStatus();
  return Error(
      Reason::kConfig,
      "\"{}\" is not a file with wildcards in its name only, such as /var/backups/etcd/*.db", path);
}

Status CheckExpression(std::string_view text) {
  const RE2 expression(re2::StringPiece(text.data(), text.size()), RE2::Quiet);
  return expression.ok() ? OkStatus() : Error(Reason::kConfig, expression.error());
}

std::string PlainDir(std::string_view dir) {
  return (std::filesystem::path(dir) / "").lexically_normal().string();
}

Result<uint64_t> ParseCount(std::string_view text) {
  if (const auto count = ParseNumber<uint64_t>(text)) return *count;
  return Error(Reason::kConfig, "\"{}\" is not a number from 0 to {}", text, UINT64_MAX);
}

Result<double> ParsePercent(std::string_view text) {
  if (text.ends_with('%')) {
    const Result<uint64_t> percent = ParseCount(text.substr(0, text.size() - 1));
    if (percent.ok() && *percent <= 100) return static_cast<double>(*percent) / 100;
  }
  return Error(Reason::kConfig, "\"{}\" is not a percentage from 0% to 100%", text);
}

Result<uint64_t> ParseParts(std::string_view text) {
  if (text == "none") return 0;
  constexpr std::string_view kOneOf = "1/";
  if (text.starts_with(kOneOf)) {
    const Result<uint64_t> parts = ParseCount(text.substr(kOneOf.size()));
    if (parts.ok() && *parts > 0) return parts;
  }
  return Error(Reason::kConfig, "\"{}\" is not a fraction such as 1/7, or none", text);
}

Result<uint64_t> ParseRate(std::string_view text) {
  constexpr std::string_view kPerSecond = "/s";
  if (text.ends_with(kPerSecond)) {
    const Result<uint64_t> bytes = ParseSize(text.substr(0, text.size() - kPerSecond.size()));
    if (bytes.ok() && *bytes > 0) return bytes;
  }
  return Error(Reason::kConfig, "\"{}\" is not a rate; write a size per second, such as 20MiB/s",
               text);
}

Result<bool> ParseBool(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return Error(Reason::kConfig, "\"{}\" is neither true nor false", text);
}

}  // namespace etcdrill::config
