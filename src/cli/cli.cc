// The command table; the only user of CLI11. Each command fills its options struct and leaves
// itself behind in `chosen`.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <functional>
#include <span>
#include <utility>

#include "base/text.h"
#include "base/version.h"
#include "cli/command_tree.h"
#include "cli/commands.h"

namespace etcdrill::cli {
namespace {

using Command = std::function<Result<ExitCode>(const Context&)>;

constexpr uint64_t kRevisionMax = INT64_MAX;
constexpr const char* kTargetText =
    "A file; with --config also the name of a snapshot in the store, or one of the words";
constexpr const char* kTargetType = "FILE|NAME|latest|latest-restorable|random";

// `type` stands for the value in the help.
template <typename T>
CLI::Option* AddOption(CLI::App* app, const std::string& name, T& value, const std::string& type,
                       const std::string& text = "") {
  return app->add_option(name, value, text)->type_name(type);
}

// The first of the words of an enum. They stand in the help as `simple|table|json`, which
// completion reads, too.
template <typename Enum>
void AddChoice(CLI::App* app, const std::string& name, Enum& out, const std::string& text,
               size_t count = NamesOf<Enum>().size()) {
  const auto names = std::span(NamesOf<Enum>()).first(count);
  const std::string words = fmt::format("{}", fmt::join(names, "|"));
  const auto pick = [=](std::string& word) -> std::string {
    const auto at = std::ranges::find(names, word);
    if (at == names.end()) return fmt::format("\"{}\" is none of {}", word, words);
    word = std::to_string(at - names.begin());
    return "";
  };
  AddOption(app, name, out, words, text)->transform(CLI::Validator(pick, ""));
}

// CLI11's own words for a number that is out of range have 300 digits.
CLI::Validator WholeNumber(uint64_t least, uint64_t most) {
  const auto check = [least, most](std::string& text) -> std::string {
    const auto number = ParseNumber<uint64_t>(text);
    if (!number.has_value() || *number < least || *number > most) {
      return fmt::format("\"{}\" is not a number from {} to {}", text, least, most);
    }
    text = std::to_string(*number);  // CLI11 reads 010 as eight
    return "";
  };
  return CLI::Validator(check, "");
}

void AddProgress(CLI::App* app, ProgressMode& progress) {
  AddChoice(app, "--progress", progress, "Progress line; auto: on a terminal");
}

enum class Forms { kOurs, kEtcdutl };

void AddFormat(CLI::App* app, OutputFormat& format, Forms forms = Forms::kOurs) {
  if (forms == Forms::kEtcdutl)
    return AddChoice(app, "-w,--write-out", format, "Form of the result, as etcdutl has them");
  constexpr size_t kOurs = 3;  // etcdutl has a fourth one
  AddChoice(app, "-w,--write-out", format, "Form of the result", kOurs);
}

void AddTextfile(CLI::App* app, std::string& file) {
  AddOption(app, "--textfile-out", file, "FILE.prom",
            "Also write the result as metrics, for node_exporter's textfile collector");
}

void AddConfig(CLI::App* app, std::string& file, bool required = false) {
  AddOption(app, "--config", file, "FILE", "Configuration file")->required(required);
}

// As etcdctl has them, environment included.
void AddConnection(CLI::App* app, ConnectionFlags& c) {
  constexpr const char* kGroup = "Connection";
  const auto add = [=](const char* name, auto& value, const char* environment, const char* type,
                       const char* text) {
    return AddOption(app, name, value, type, text)
        ->allow_extra_args(false)
        ->envname(environment)
        ->group(kGroup);
  };
  add("--endpoints", c.endpoints, "ETCDCTL_ENDPOINTS", "URL,...",
      "Client URLs of the cluster, comma-separated");
  add("--cacert", c.ca_file, "ETCDCTL_CACERT", "FILE",
      "Authority that signed the servers' certificates");
  add("--cert", c.cert_file, "ETCDCTL_CERT", "FILE", "Client certificate");
  add("--key", c.key_file, "ETCDCTL_KEY", "FILE", "Key of the client certificate");
  add("--user", c.user, "ETCDCTL_USER", "USER", "User of etcd, NAME or NAME:PASSWORD");
  add("--password", c.password, "ETCDCTL_PASSWORD", "PASSWORD", "Password of --user");
  app->add_flag("--insecure-skip-tls-verify", c.insecure_skip_verify,
                "Accept any server certificate")
      ->envname("ETCDCTL_INSECURE_SKIP_TLS_VERIFY")
      ->group(kGroup);
  add("--dial-timeout", c.dial_timeout, "ETCDCTL_DIAL_TIMEOUT", "DURATION", "Time to connect in")
      ->capture_default_str();
  add("--command-timeout", c.command_timeout, "ETCDCTL_COMMAND_TIMEOUT", "DURATION",
      "Time for each call")
      ->capture_default_str();
}

OptionInfo Describe(const CLI::Option& option) {
  OptionInfo info{.text = option.get_description(),
                  .environment = option.get_envname(),
                  .fallback = option.get_default_str(),
                  .required = option.get_required()};
  if (option.get_items_expected_max() > 0) info.value = option.get_type_name();
  if (option.get_positional()) info.names.push_back(option.get_name(true));
  for (const std::string& name : option.get_snames()) info.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) info.names.push_back("--" + name);
  return info;
}

// What has no group is hidden.
CommandInfo Describe(const CLI::App& app) {
  CommandInfo info{.name = app.get_name(), .text = app.get_description()};
  for (const CLI::Option* o :
       app.get_options([](const CLI::Option* o) { return !o->get_group().empty(); })) {
    (o->get_positional() ? info.positionals : info.options).push_back(Describe(*o));
  }
  for (const CLI::App* c :
       app.get_subcommands([](const CLI::App* c) { return !c->get_group().empty(); })) {
    info.commands.push_back(Describe(*c));
  }
  return info;
}

std::string VersionText() {
  return fmt::format("etcdrill {} ({}, {})", kVersion, kGitRevision, kCompiler);
}

// Owns the options of all commands; only those of the chosen one are used.
struct CommandTable {
  std::string log_level;
  std::string log_format;
  RunOptions run;
  SaveOptions save;
  StatusOptions status;
  RestoreCommandOptions restore;
  ListOptions list;
  RetentionOptions retention;
  HashKvOptions hashkv;
  VerifyOptions verify;
  LineageOptions lineage;
  DrillOptions drill;
  HealthOptions health;
  DrillsOptions drills;
  CheckConfigOptions check_config;
  SelftestOptions selftest;
  CompletionOptions completion;
  Command chosen;

  template <typename Options>
  void Choose(CLI::App* app, Result<ExitCode> (*function)(const Context&, const Options&),
              Options& options) {
    app->callback([this, function, &options] {
      chosen = [function, &options](const Context& context) { return function(context, options); };
    });
  }

  void AddSnapshotCommands(CLI::App& root);
  void AddProofCommands(CLI::App& root);
  void AddOtherCommands(CLI::App& root);
};

void CommandTable::AddSnapshotCommands(CLI::App& root) {
  CLI::App* snapshot = root.add_subcommand("snapshot", "Take, inspect, restore and list snapshots")
                           ->require_subcommand(1);

  CLI::App* s = snapshot->add_subcommand("save",
                                         "Take one snapshot and prove it; a damaged one never "
                                         "becomes FILE, but stays in a store as evidence");
  AddOption(s, "path", save.path, "FILE", "File to write; without one, the store of --config");
  AddConfig(s, save.config_file);
  AddOption(s, "--timeout", save.timeout, "DURATION", "Time for the stream")->capture_default_str();
  AddProgress(s, save.progress);
  AddFormat(s, save.format);
  AddConnection(s, save.connection);
  Choose(s, SnapshotSave, save);

  s = snapshot->add_subcommand(
      "status",
      "Hash, revision, keys and size of a file, as `etcdutl snapshot status`, but checked");
  AddOption(s, "file", status.file, "FILE")->required();
  AddOption(s, "--compat", status.compat, "3.5|3.6", "Count keys as etcdutl of this version")
      ->check(CLI::IsMember({"3.5", "3.6"}).description(""));
  AddFormat(s, status.format, Forms::kEtcdutl);
  Choose(s, SnapshotStatus, status);

  s = snapshot->add_subcommand("restore",
                               "Make a data directory from a file, as `etcdutl snapshot restore`");
  AddOption(s, "file", restore.file, "FILE")->required();
  AddOption(s, "--data-dir", restore.data_dir, "DIR", "Directory to make (default NAME.etcd)");
  AddOption(s, "--wal-dir", restore.wal_dir, "DIR",
            "Directory to make for the WAL (default: in the data directory)");
  AddOption(s, "--name", restore.name, "NAME", "Name of this member")->capture_default_str();
  AddOption(s, "--initial-cluster", restore.initial_cluster, "NAME=PEER-URL,...",
            "All members of the new cluster")
      ->capture_default_str();
  AddOption(s, "--initial-cluster-token", restore.token, "TOKEN", "Keeps clusters apart")
      ->capture_default_str();
  AddOption(s, "--initial-advertise-peer-urls", restore.advertise_peer_urls, "URL,...",
            "Peer URLs of this member")
      ->capture_default_str();
  s->add_flag("--skip-hash-check", restore.skip_hash_check,
              "Do not require trailer and manifest to fit");
  AddOption(s, "--bump-revision", restore.bump_revision, "N",
            "Raise the revision by so much, above what clients of the old cluster have seen; "
            "needs --mark-compacted")
      ->transform(WholeNumber(0, kRevisionMax));
  s->add_flag(
      "--mark-compacted", restore.mark_compacted,
      "Mark all revisions up to the raised one as compacted, so that watches from before are told");
  s->add_flag("--clear-alarms", restore.clear_alarms, "Drop alarms, which would block writes");
  s->add_flag("--drop-auth", restore.drop_auth,
              "Switch authentication off, for when the passwords of then are lost");
  AddOption(s, "--etcd-version", restore.etcd_version, "3.N",
            "etcd that will run on it (default: the snapshot's own)");
  s->add_flag("--allow-downgrade", restore.allow_downgrade,
              "Let --etcd-version be older than the snapshot");
  AddProgress(s, restore.progress);
  s->add_flag("--no-sync", restore.no_sync, "For scratch use: do not wait for the disk");
  // How etcdutl opens and prints things; a script that was written for it may set them, and they
  // mean nothing here.
  for (const char* flag : {"--initial-memory-map-size", "--timeout", "-w,--write-out"}) {
    s->add_option(flag, restore.ignored)->group("");
  }
  Choose(s, SnapshotRestore, restore);

  s = snapshot->add_subcommand("list", "The snapshots in a store");
  AddConfig(s, list.config_file, /*required=*/true);
  AddFormat(s, list.format);
  Choose(s, SnapshotList, list);
}

void CommandTable::AddProofCommands(CLI::App& root) {
  CLI::App* s = root.add_subcommand(
      "verify", "Check every byte of a snapshot that can be checked (levels 0 to 3)");
  AddOption(s, "snapshot", verify.target, kTargetType, kTargetText)->required();
  AddOption(s, "--level", verify.level, "1|2|3", "1 transfer, 2 structure, 3 keyspace")
      ->transform(WholeNumber(1, 3))
      ->capture_default_str();
  AddOption(s, "--max-age", verify.max_age, "DURATION", "Exit with 4 if the snapshot is older");
  s->add_flag("--inventory", verify.inventory,
              "Also count keys and bytes by prefix and Kubernetes resource, and encrypted values");
  AddTextfile(s, verify.textfile_out);
  AddConfig(s, verify.config_file);
  AddFormat(s, verify.format);
  Choose(s, Verify, verify);

  s = root.add_subcommand(
      "drill", "Restore a snapshot into scratch, boot a real etcd on it and compare (level 5)");
  AddOption(s, "snapshot", drill.target, kTargetType, kTargetText)->required();
  AddOption(s, "--etcd", drill.etcd_binary, "BIN",
            "etcd server binary, of the cluster's minor version (default: on PATH)");
  AddOption(s, "--scratch-dir", drill.scratch_dir, "DIR",
            "Where the restored data may lie for a while (default: TMPDIR or /tmp)");
  AddOption(s, "--timeout", drill.timeout, "DURATION", "Time for the whole drill (default 30m)");
  s->add_flag("--full-cluster", drill.full_cluster,
              "Restore and boot three members that form a cluster, then add a fourth and compare "
              "all of them");
  AddTextfile(s, drill.textfile_out);
  AddConfig(s, drill.config_file);
  AddFormat(s, drill.format);
  Choose(s, Drill, drill);

  s = root.add_subcommand(
      "lineage", "Prove that a snapshot, or the live cluster, continues an older snapshot");
  AddOption(s, "older", lineage.older, kTargetType, kTargetText)->required();
  AddOption(s, "newer", lineage.newer, kTargetType,
            "The same; without it, the live cluster of --config or --endpoints");
  AddConfig(s, lineage.config_file);
  AddFormat(s, lineage.format);
  AddConnection(s, lineage.connection);
  Choose(s, Lineage, lineage);

  s = root.add_subcommand(
      "hashkv", "HashKV of a file, as a live member would answer; never writes to the file");
  AddOption(s, "file", hashkv.file, "FILE")->required();
  AddOption(s, "--rev", hashkv.revision, "N", "Revision (default: the newest)")
      ->transform(WholeNumber(0, kRevisionMax));
  AddOption(s, "--compact-rev", hashkv.compact_revision, "N",
            "As if compacted up to here (default: as the file is)")
      ->transform(WholeNumber(0, kRevisionMax));
  AddFormat(s, hashkv.format, Forms::kEtcdutl);
  Choose(s, HashKv, hashkv);
}

void CommandTable::AddOtherCommands(CLI::App& root) {
  CLI::App* s = root.add_subcommand(
      "run", "The sidecar: snapshots, drills, health and metrics, until stopped");
  AddConfig(s, run.config_file);
  AddOption(s, "--store", run.store, "DIR", "Without --config: directory for snapshots and scratch")
      ->check([](const std::string& path) { return path.empty() ? "the path is empty" : ""; });
  AddConnection(s, run.connection);
  Choose(s, Run, run);

  s = root.add_subcommand("health",
                          "Health of each endpoint, as `etcdctl endpoint health` and `status`");
  AddConfig(s, health.config_file);
  AddFormat(s, health.format);
  AddConnection(s, health.connection);
  Choose(s, Health, health);

  CLI::App* reports =
      root.add_subcommand("drills", "The drill reports in a store")->require_subcommand(1);
  s = reports->add_subcommand("list", "All of them, oldest first");
  AddConfig(s, drills.config_file, /*required=*/true);
  AddFormat(s, drills.format);
  Choose(s, DrillsList, drills);
  s = reports->add_subcommand("show", "One of them, as it is stored");
  AddOption(s, "name", drills.name, "NAME")->required();
  AddConfig(s, drills.config_file, /*required=*/true);
  Choose(s, DrillsShow, drills);
  s = reports->add_subcommand(
      "verify", "Whether one was changed or taken away: each names the one before it and its hash");
  AddConfig(s, drills.config_file, /*required=*/true);
  Choose(s, DrillsVerify, drills);

  s = root.add_subcommand(
      "retention",
      "Delete the snapshots that the rules of the configuration do not keep, and say why");
  AddConfig(s, retention.config_file, /*required=*/true);
  s->add_flag("--dry-run", retention.dry_run,
              "Only say what would be deleted, and why the rest stays");
  AddFormat(s, retention.format);
  Choose(s, Retention, retention);

  CLI::App* check =
      root.add_subcommand("check", "Check a file without using it")->require_subcommand(1);
  s = check->add_subcommand("config",
                            "All problems of a configuration file, and of the files that it names");
  AddOption(s, "file", check_config.file, "FILE")->required();
  s->add_flag("--syntax-only", check_config.syntax_only,
              "Only the file itself, for a machine that has neither the certificates nor etcd");
  Choose(s, CheckConfig, check_config);
  s = check->add_subcommand(
      "web-config", "The same for a web configuration (web.config_file) and its certificates");
  AddOption(s, "file", check_config.file, "FILE")->required();
  Choose(s, CheckWebConfig, check_config);

  s = root.add_subcommand(
      "selftest", "Does this build detect every class of damage? Injects known ones and counts");
  AddFormat(s, selftest.format);
  Choose(s, Selftest, selftest);

  s = root.add_subcommand("completion",
                          "The script that makes a shell complete commands, options and files");
  AddOption(s, "shell", completion.shell, "bash|zsh|fish")
      ->check(CLI::IsMember({"bash", "zsh", "fish"}).description(""))
      ->required();
  Choose(s, Completion, completion);

  s = root.add_subcommand("man", "The manual page, from this very table")->group("");
  s->callback([this, &root] {
    chosen = [&root](const Context&) -> Result<ExitCode> {
      fmt::print("{}", ManPage(Describe(root)));
      return ExitCode::kOk;
    };
  });

  s = root.add_subcommand("version", "Version of this program");
  s->callback([this] {
    chosen = [](const Context&) -> Result<ExitCode> {
      fmt::print("{}\n", VersionText());
      return ExitCode::kOk;
    };
  });
}

// A word that is near to what it should have been says more than what CLI11 missed because of it.
std::string UsageProblem(const CLI::ParseError& error, const CommandInfo& root,
                         std::span<const std::string> words) {
  const auto mistake = FindMistake(root, words);
  if (!mistake.has_value()) return error.what();
  return fmt::format("{} is unknown; did you mean {}?", mistake->word, mistake->meant);
}

Status ParseLogFlags(CommandTable& table) {
  if (!table.log_level.empty()) {
    ASSIGN_OR_RETURN(table.run.log_level, ParseLogLevel(table.log_level));
  }
  if (!table.log_format.empty()) {
    ASSIGN_OR_RETURN(table.run.log_format, ParseLogFormat(table.log_format));
  }
  return OkStatus();
}

int Finish(const Result<ExitCode>& result) {
  if (result.ok()) return static_cast<int>(*result);
  // Only the problems of a configuration have a line each.
  const bool lines = ReasonOf(result.status()) == Reason::kConfig;
  fmt::print(stderr, "etcdrill: {}\n", Shown(MessageOf(result.status()), lines ? "\n" : ""));
  return static_cast<int>(ExitCodeOf(result.status()));
}

// A result that did not get out, onto a full disk say, was not told. A reader that went away had
// enough.
int AllPrinted(int code) {
  if (std::fflush(stdout) == 0 || errno == EPIPE) return code;
  fmt::print(stderr, "etcdrill: print the result: {}\n", std::strerror(errno));
  return code != 0 ? code : static_cast<int>(ExitCode::kFailed);
}

Result<ExitCode> RunChosen(CommandTable& table, std::stop_token stop) {
  RETURN_IF_ERROR(ParseLogFlags(table));
  const auto fs = MakePosixFileSystem();
  const auto clock = MakeSystemClock();
  const auto random = MakeSystemRandom();
  const auto processes = MakePosixProcessStarter(*clock);
  Logger log(table.run.log_level.value_or(LogLevel::kWarn),
             table.run.log_format.value_or(LogFormat::kLogfmt), *clock);
  const Context context{*fs, *clock, *random, *processes, log, std::move(stop)};
  return table.chosen(context);
}

}  // namespace

int RunCommandLine(int argc, char** argv, std::stop_token stop) {
  CommandTable table;
  CLI::App root(
      "etcdrill proves etcd backups: it takes snapshots, checks every byte, restores them into "
      "scratch, boots a real etcd on them and compares.",
      "etcdrill");
  root.require_subcommand(1);
  root.fallthrough();
  root.set_version_flag("--version", VersionText(), "Version of this program");
  AddOption(&root, "--log-level", table.log_level, "debug|info|warn|error",
            "What is logged at least");
  AddOption(&root, "--log-format", table.log_format, "logfmt|json", "Form of the log");
  table.AddOtherCommands(root);
  table.AddSnapshotCommands(root);
  table.AddProofCommands(root);
  const std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  if (!words.empty() && words[0] == "complete") {  // an unfinished line, not arguments
    PrintCandidates(Complete(Describe(root), std::span(words).subspan(1)));
    return static_cast<int>(ExitCode::kOk);
  }
  try {
    root.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return root.exit(e);  // --help, --version
    const std::string problem = UsageProblem(e, Describe(root), words);
    fmt::print(stderr, "etcdrill: {}; see `etcdrill --help`\n", Shown(problem));
    return static_cast<int>(ExitCode::kUsage);
  }
  return AllPrinted(Finish(RunChosen(table, std::move(stop))));
}

}  // namespace etcdrill::cli
