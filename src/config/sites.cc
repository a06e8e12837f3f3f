// A site is read whole before anything is said of how it goes together with the others.
#include "config/sites.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <utility>

#include "base/text.h"
#include "base/units.h"
#include "config/shared_sections.h"
#include "config/values.h"
#include "io/file_system.h"
#include "objects/names.h"
#include "objects/rclone_program.h"

namespace etcdrill::config {
namespace {

// It becomes part of commands, metrics and lines of the log.
Status CheckSiteName(std::string_view name) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789-";
  constexpr size_t kMax = 40;
  if (!name.empty() && name.size() <= kMax && name.front() != '-' &&
      name.find_first_not_of(kLetters) == std::string_view::npos)
    return OkStatus();
  return Error(Reason::kConfig,
               "\"{}\" is not a name of a site: use up to {} of a-z, 0-9 and '-', not beginning "
               "with '-'",
               name, kMax);
}

Status CheckBucket(std::string_view bucket) {
  return objects::S3AddressOf({.bucket = std::string(bucket)}, objects::kDefaultRegion).status();
}
Status CheckRegion(std::string_view region) {
  return objects::S3AddressOf({.bucket = "b"}, region).status();
}
Status CheckEndpoint(std::string_view endpoint) {
  if (endpoint.find('@') != std::string_view::npos)  // not repeated: it holds a secret
    return Error(Reason::kConfig,
                 "has a user in it. Name the keys by files, such as credentials_dir");
  return objects::S3AddressOf({.endpoint = std::string(endpoint), .bucket = "b"},
                              objects::kDefaultRegion)
      .status();
}

Status CheckPrefix(std::string_view prefix) {
  const std::string_view trimmed = Trim(prefix, "/");
  if (trimmed.empty() || objects::CheckName(trimmed).ok()) return OkStatus();
  return Error(Reason::kConfig,
               "\"{}\" is not a prefix: use A-Z, a-z, 0-9, '.', '_' and '-' between single "
               "slashes, and no part that begins with a dot",
               prefix);
}

Status CheckProxy(std::string_view proxy) {
  RETURN_IF_ERROR(CheckNoNul(proxy));
  if (proxy.find('@') == std::string_view::npos) return OkStatus();
  return Error(Reason::kConfig,
               "a user or a password of a proxy must not be in this file. Set https_proxy in the "
               "environment instead");
}

// libcurl counts whole seconds, and zero would mean no limit.
Result<Duration> ParseStall(std::string_view text) {
  ASSIGN_OR_RETURN(const Duration duration, ParseDuration(text));
  if (duration < 1s) return Error(Reason::kConfig, "must be at least 1s");
  return duration;
}

Result<bool> ParseCompression(std::string_view text) {
  if (text == "zstd") return true;
  if (text == "none") return false;
  return Error(Reason::kConfig, "\"{}\" is neither zstd nor none", text);
}

template <typename Enum>
Result<Enum> ParseWord(std::string_view text) {
  if (const auto value = FromName<Enum>(text)) return *value;
  return Error(Reason::kConfig, "\"{}\" is none of {}", text, fmt::join(NamesOf<Enum>(), ", "));
}

void ReadCredentials(Section& section, S3Place& place) {
  objects::CredentialsOptions& keys = place.credentials;
  section.Read("access_key_id_file", keys.access_key_id_file, CheckPath);
  section.Read("secret_access_key_file", keys.secret_access_key_file, CheckPath);
  section.Read("session_token_file", keys.session_token_file, CheckPath);
  section.Read("credentials_dir", keys.credentials_dir, CheckPath);
  section.Read("credentials_file", keys.credentials_file, CheckPath);
  section.Read("profile", keys.profile);
  section.Read("web_identity_token_file", keys.web_identity_token_file, CheckPath);
  section.Read("role_arn", keys.role_arn);
  section.Read("role_session_name", keys.role_session_name);
  section.Read("external_id", keys.external_id);
  keys.region = place.bucket.region;
  if (const Status status = objects::CheckCredentialsOptions(keys); !status.ok())
    section.Complain(fmt::format("has no usable credentials: {}", MessageOf(status)));
}

void ReadS3(Section section, S3Place& place) {
  if (!section.Has("bucket")) section.Complain("needs a bucket");
  section.Read("bucket", place.bucket.bucket, CheckBucket);
  section.Read("region", place.bucket.region, CheckRegion);
  section.Read("prefix", place.bucket.prefix, CheckPrefix);
  section.Read("endpoint", place.bucket.endpoint, CheckEndpoint);
  section.Read("addressing", place.bucket.addressing, ParseWord<objects::Addressing>);
  section.Read("sse", place.bucket.sse, ParseWord<objects::Sse>);
  section.Read("kms_key_id", place.bucket.kms_key_id);
  section.Read("checksum", place.bucket.checksum, ParseWord<objects::Checksum>);
  section.Read("put_if_absent", place.bucket.put_if_absent, ParseBool);
  if (!place.bucket.kms_key_id.empty() && place.bucket.sse != objects::Sse::kKms)
    section.Complain("has kms_key_id, which needs sse: kms");
  section.Read("ca_file", place.ca_file, CheckPath);
  bool skips_verification = false;
  section.Read("insecure_skip_verify", skips_verification, ParseBool);
  place.verifies_certificates = !skips_verification;
  section.Read("proxy", place.proxy, CheckProxy);
  section.Read("timeout", place.stall_max, ParseStall);
  ReadCredentials(section, place);
  section.Finish();
}

void ReadRclone(Section section, RclonePlace& place) {
  if (!section.Has("remote")) section.Complain("needs a remote");
  if (!section.Has("config_file")) section.Complain("needs a config_file");
  section.Read("remote", place.remote, objects::CheckRcloneRemote);
  section.Read("config_file", place.config_file, CheckNeededPath);
  section.Read("program", place.program, CheckNeededPath);
  section.Finish();
}

void ReadPlace(Section& section, SiteConfig& site) {
  const int places = (section.Has("s3") ? 1 : 0) + (section.Has("rclone") ? 1 : 0) +
                     (section.Has("directory") ? 1 : 0);
  if (places != 1) section.Complain("needs exactly one of s3, rclone and directory");
  if (section.Has("s3")) {
    S3Place& s3 = site.place.emplace<S3Place>();
    ReadS3(section.Sub("s3"), s3);
  }
  if (section.Has("rclone")) {
    RclonePlace& rclone = site.place.emplace<RclonePlace>();
    ReadRclone(section.Sub("rclone"), rclone);
  }
  if (section.Has("directory")) {
    DirectoryPlace& directory = site.place.emplace<DirectoryPlace>();
    section.Read("directory", directory.path, CheckNeededPath);
  }
}

void ReadLock(Section section, SiteLock& lock) {
  if (!section.Has("for")) section.Complain("needs for, such as 30d");
  section.Read("mode", lock.mode, ParseWord<objects::ObjectLockMode>);
  section.Read("for", lock.keep);
  section.Finish();
}

void ReadEncryption(Section section, SiteEncryption& encrypt) {
  if (!section.Has("recipients_file")) section.Complain("needs a recipients_file");
  section.Read("recipients_file", encrypt.recipients_file, CheckNeededPath);
  section.Read("identity_file", encrypt.identity_file, CheckPath);
  section.Finish();
}

void ReadBandwidth(Section section, objects::Bandwidth& bandwidth) {
  section.ReadOptional("upload", bandwidth.sent_per_second, ParseRate);
  section.ReadOptional("download", bandwidth.received_per_second, ParseRate);
  section.Finish();
}

void ReadSite(Section section, SiteConfig& site) {
  if (!section.Has("name")) section.Complain("needs a name");
  section.Read("name", site.name, CheckSiteName);
  ReadPlace(section, site);
  if (section.Has("lock")) {
    Section lock = section.Sub("lock");
    if (!section.Has("s3"))
      lock.Complain("needs s3: a directory and an rclone remote cannot lock what they hold");
    ReadLock(lock, site.lock.emplace());
  }
  if (section.Has("retention")) {
    Section retention = section.Sub("retention");
    ReadRetention(retention, site.retention.emplace());
  }
  section.Read("compress", site.compress, ParseCompression);
  if (section.Has("encrypt")) {
    Section encrypt = section.Sub("encrypt");
    ReadEncryption(encrypt, site.encrypt.emplace());
  }
  ReadBandwidth(section.Sub("bandwidth"), site.bandwidth);
  section.Read("drill", site.drill, ParseSchedule);
  ReadScrub(section.Sub("scrub"), site.scrub);
  section.Finish();
}

// The same for two sites that write over each other, however they reach the place.
std::string WhereIs(const S3Place& place) {
  objects::S3Options options = place.bucket;
  options.addressing = objects::Addressing::kPath;
  const std::string_view region =
      options.region.empty() ? objects::kDefaultRegion : std::string_view(options.region);
  const Result<objects::S3Address> address = objects::S3AddressOf(options, region);
  return fmt::format("s3 {}{}{}", address.ok() ? address->host : options.endpoint,
                     address.ok() ? address->root : "/", Trim(options.prefix, "/"));
}
std::string WhereIs(const DirectoryPlace& place) {
  return fmt::format("directory {}", PlainDir(place.path));
}
std::string WhereIs(const RclonePlace& place) {
  return fmt::format("rclone {} of {}", place.remote, place.config_file);
}
std::string WhereIs(const SiteConfig& site) {
  return std::visit([](const auto& place) { return WhereIs(place); }, site.place);
}

// The time for which the numbers keep a copy at most; none: for ever, or nobody can tell.
std::optional<Duration> KeptAtMost(const Retention& rules, const SnapshotConfig& snapshot) {
  using Seconds = std::chrono::duration<double>;  // a number has any size
  if (!rules.counts() || (rules.last > 0 && !snapshot.schedule.has_value())) return std::nullopt;
  const auto times = [](uint64_t count, Duration each) {
    return static_cast<double>(count) * Seconds(each);
  };
  Seconds longest =
      std::max({times(rules.hourly, 1h), times(rules.daily, 24h), times(rules.weekly, 7 * 24h)});
  if (rules.last > 0) {
    Duration gap = snapshot.schedule->LongestGap() + snapshot.jitter;
    if (snapshot.skip_unchanged) gap = std::max(gap, snapshot.force_after);
    longest = std::max(longest, times(rules.last, gap));
  }
  if (longest > Seconds(24h * 365 * 100)) return std::nullopt;
  return std::chrono::duration_cast<Duration>(longest);
}

void WarnOfS3(const S3Place& place, bool encrypts, std::vector<std::string>& warnings) {
  if (!place.verifies_certificates) {
    warnings.emplace_back(
        "insecure_skip_verify accepts any certificate: another server can pose as this one. Use "
        "ca_file");
  }
  if (place.bucket.endpoint.starts_with("http://")) {
    warnings.push_back(fmt::format(
        "{} is not encrypted: copies and signed requests are sent in plaintext. Use https://",
        Shown(place.bucket.endpoint)));
  }
  if (!encrypts && place.bucket.sse == objects::Sse::kNone) {
    warnings.emplace_back(
        "copies are not encrypted: whoever reads the bucket reads every secret of the cluster. "
        "Configure encrypt");
  }
}

void WarnOfLock(const SiteConfig& site, const Config& config, std::vector<std::string>& warnings) {
  if (!site.lock.has_value()) return;
  const Duration keep = site.lock->keep;
  const auto kept = KeptAtMost(site.retention.value_or(config.snapshot.retention), config.snapshot);
  if (kept.has_value() && keep > *kept) {
    warnings.push_back(fmt::format(
        "lock.for is {}, but the retention keeps a copy for {} at most: locked copies stay, and "
        "cost, until the lock ends",
        FormatDuration(keep), FormatDuration(*kept)));
  }
  if (keep < config.objectives.restorable_rpo) {
    warnings.push_back(fmt::format(
        "lock.for is {}, but objectives.restorable_rpo is {}: the lock ends before a newer copy "
        "has to be proven. Use a longer lock",
        FormatDuration(keep), FormatDuration(config.objectives.restorable_rpo)));
  }
}

void WarnOfEncryption(const SiteConfig& site, const Config& config,
                      std::vector<std::string>& warnings) {
  if (!site.encrypt.has_value()) return;
  if (!site.CanDecrypt() && site.drill.has_value()) {
    warnings.emplace_back(
        "encrypt has no identity_file: the copies of this site can't be opened here, so they are "
        "never drilled. Set identity_file, or drill: none");
  }
  if (config.signing.key_file.empty() && config.signing.signers_file.empty()) {
    warnings.emplace_back(
        "copies are encrypted, but not signed: whoever writes to this site can replace them. "
        "Configure store.signing.key_file");
  }
}

std::vector<std::string> WarningsOfSite(const SiteConfig& site, const Config& config) {
  std::vector<std::string> warnings;
  if (const auto* s3 = std::get_if<S3Place>(&site.place))
    WarnOfS3(*s3, site.encrypt.has_value(), warnings);
  WarnOfLock(site, config, warnings);
  WarnOfEncryption(site, config, warnings);
  return warnings;
}

}  // namespace

void ReadSites(Section& store, Config& config) {
  store.ReadOptional("keep_local", config.keep_local, ParseCount);
  Section signing = store.Sub("signing");
  signing.Read("key_file", config.signing.key_file, CheckPath);
  signing.Read("signers_file", config.signing.signers_file, CheckPath);
  signing.Finish();
  std::set<std::string> names;
  for (Section& entry : store.List("sites")) {
    SiteConfig& site = config.sites.emplace_back();
    ReadSite(entry, site);
    if (!site.name.empty() && !names.insert(site.name).second)
      entry.Complain(fmt::format("needs a name of its own: {} is used twice", site.name));
    if (auto* rclone = std::get_if<RclonePlace>(&site.place))
      rclone->scratch_dir = JoinPath(config.drill.scratch_dir, "rclone");
  }
  if (config.keep_local.has_value() && config.sites.empty())
    store.Complain("has keep_local, but no sites that hold the other snapshots");
}

std::vector<std::string*> PathsOfSites(Config& config) {
  std::vector<std::string*> paths = {&config.signing.key_file, &config.signing.signers_file};
  for (SiteConfig& site : config.sites) {
    if (auto* s3 = std::get_if<S3Place>(&site.place)) {
      objects::CredentialsOptions& keys = s3->credentials;
      paths.insert(paths.end(),
                   {&s3->ca_file, &keys.access_key_id_file, &keys.secret_access_key_file,
                    &keys.session_token_file, &keys.credentials_dir, &keys.credentials_file,
                    &keys.web_identity_token_file});
    } else if (auto* rclone = std::get_if<RclonePlace>(&site.place)) {
      paths.insert(paths.end(), {&rclone->config_file, &rclone->program, &rclone->scratch_dir});
    } else if (auto* directory = std::get_if<DirectoryPlace>(&site.place)) {
      paths.push_back(&directory->path);
    }
    if (site.encrypt.has_value())
      paths.insert(paths.end(), {&site.encrypt->recipients_file, &site.encrypt->identity_file});
  }
  return paths;
}

std::vector<std::string> ProblemsOfSites(const Config& config) {
  std::vector<std::string> problems;
  const std::string store = PlainDir(config.store_path);
  std::map<std::string, std::string> names;  // by place
  for (const SiteConfig& site : config.sites) {
    const auto [at, is_first] = names.emplace(WhereIs(site), site.name);
    if (!is_first) {
      problems.push_back(fmt::format(
          "store.sites: {} and {} are at the same place ({}). A second copy needs another place",
          at->second, site.name, at->first));
    }
    const auto* directory = std::get_if<DirectoryPlace>(&site.place);
    if (directory == nullptr) continue;
    const std::string path = PlainDir(directory->path);
    if (!path.starts_with(store) && !store.starts_with(path)) continue;
    problems.push_back(fmt::format(
        "store.sites: the directory of {} ({}) and the store ({}) are inside each other. Use a "
        "directory on another disk",
        site.name, directory->path, config.store_path));
  }
  return problems;
}

std::vector<std::string> NamesAndPlacesOf(const std::vector<SiteConfig>& sites) {
  std::vector<std::string> all;
  for (const SiteConfig& site : sites)
    all.push_back(fmt::format("{} {}", site.name, WhereIs(site)));
  std::ranges::sort(all);  // their order means nothing
  return all;
}

void WarnOfSites(const Config& config, std::vector<std::string>& warnings) {
  for (const SiteConfig& site : config.sites) {
    for (const std::string& warning : WarningsOfSite(site, config))
      warnings.push_back(fmt::format("site {}: {}", site.name, warning));
  }
}

}  // namespace etcdrill::config
