#include "objects/s3/profiles.h"

#include <fmt/format.h>

#include "base/text.h"

namespace etcdrill::objects {
namespace {

constexpr uint64_t kFileMax = 1 << 20;

std::string Either(const std::string& first, const std::string& second) {
  return first.empty() ? second : first;
}

// Of a file that may not be there.
Result<Ini> ReadIni(FileSystem& fs, const std::string& path) {
  if (path.empty()) return Ini{};
  const Result<std::string> text = fs.ReadWhole(path, kFileMax);
  if (Is(text, Reason::kNotFound)) return Ini{};
  if (!text.ok()) return Error(Reason::kCredentials, "shared file: {}", MessageOf(text.status()));
  Result<Ini> ini = ParseIni(*text);
  if (!ini.ok()) return Annotate(ini.status(), "shared file {}", path);
  return ini;
}

// "profile x", also with the name in quotes, and "default". Empty for other sections.
std::string_view ProfileOfSection(std::string_view section) {
  constexpr std::string_view kMark = "profile";
  if (section == "default") return section;
  if (!section.starts_with(kMark)) return {};
  section.remove_prefix(kMark.size());
  if (!section.starts_with(' ') && !section.starts_with('\t')) return {};
  return Trim(section, " \t\"'");
}

}  // namespace

std::string Profile::Value(const std::string& key) const {
  const auto at = settings.find(key);
  return at == settings.end() ? "" : at->second;
}

const Profile* Profiles::Find(const std::string& name) const {
  const auto at = by_name.find(name);
  return at == by_name.end() ? nullptr : &at->second;
}

ProfileFiles FindProfileFiles(const Environment& environment, const std::string& credentials_file,
                              const std::string& profile) {
  const std::string home = ValueIn(environment, "HOME");
  // As the tools of AWS do, which leave ~ to us.
  const auto expand = [&home](std::string path) {
    return path.starts_with("~/") && !home.empty() ? home + path.substr(1) : path;
  };
  const auto below_home = [&home](const char* name) {
    return home.empty() ? "" : JoinPath(home, name);
  };
  ProfileFiles files;
  files.credentials = credentials_file;
  if (credentials_file.empty()) {
    files.credentials = Either(expand(ValueIn(environment, "AWS_SHARED_CREDENTIALS_FILE")),
                               below_home(".aws/credentials"));
    files.config =
        Either(expand(ValueIn(environment, "AWS_CONFIG_FILE")), below_home(".aws/config"));
  }
  const std::string named = Either(profile, Either(ValueIn(environment, "AWS_PROFILE"),
                                                   ValueIn(environment, "AWS_DEFAULT_PROFILE")));
  files.profile = Either(named, "default");
  files.must_exist = !credentials_file.empty() || !named.empty();
  return files;
}

Result<Profiles> ReadProfiles(FileSystem& fs, const ProfileFiles& files) {
  ASSIGN_OR_RETURN(const Ini credentials, ReadIni(fs, files.credentials));
  ASSIGN_OR_RETURN(const Ini config, ReadIni(fs, files.config));
  Profiles profiles;
  for (const auto& [section, settings] : config) {
    const std::string name(ProfileOfSection(section));
    if (name.empty()) continue;
    for (const auto& [key, value] : settings) profiles.by_name[name].settings[key] = value;
  }
  for (const auto& [name, settings] : credentials) {
    Profile& profile = profiles.by_name[name];
    profile.credentials_file = settings;
    for (const auto& [key, value] : settings) profile.settings[key] = value;
  }
  profiles.looked_in =
      files.credentials.empty() && files.config.empty()
          ? "nowhere, as HOME is not set"
          : fmt::format("{}{}{}", files.credentials,
                        files.credentials.empty() || files.config.empty() ? "" : " and ",
                        files.config);
  if (files.must_exist && profiles.Find(files.profile) == nullptr) {
    return Error(
        Reason::kCredentials,
        "shared file: there is no profile {} (looked in {}); write it, or name another one",
        Shown(files.profile), profiles.looked_in);
  }
  return profiles;
}

}  // namespace etcdrill::objects
