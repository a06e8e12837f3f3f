// The command table; the only user of CLI11. Each command fills its options struct and leaves
// itself behind in `chosen`.
#include "cli/cli.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <span>

#include "base/text.h"
#include "base/version.h"
#include "cli/commands.h"
#include "cli/completion.h"
#include "cli/man_page.h"

namespace etcdrill::cli {
namespace {

using Command = std::function<Result<ExitCode>(const Context&)>;

constexpr uint64_t kRevisionMax = INT64_MAX;
constexpr const char* kTargetText =
    "A file; with --config also the name of a snapshot in the store, or one of the words";
constexpr const char* kTargetType = "FILE|NAME|latest|latest-restorable|random";

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
  app->add_option(name, out, text)->transform(CLI::Validator(pick, ""))->type_name(words);
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

void AddFormat(CLI::App* app, OutputFormat& format) {
  constexpr size_t kOurs = 3;  // etcdutl has a fourth one
  AddChoice(app, "-w,--write-out", format, "Form of the result", kOurs);
}

void AddEtcdutlFormat(CLI::App* app, OutputFormat& format) {
  AddChoice(app, "-w,--write-out", format, "Form of the result, as etcdutl has them");
}

void AddTextfile(CLI::App* app, std::string& file) {
  app->add_option("--textfile-out", file,
                  "Also write the result as metrics, for node_exporter's textfile collector")
      ->type_name("FILE.prom");
}

void AddConfig(CLI::App* app, std::string& file, bool required = false) {
  app->add_option("--config", file, "Configuration file")->type_name("FILE")->required(required);
}

// As etcdctl has them, environment included.
void AddConnection(CLI::App* app, ConnectionFlags& c) {
  const std::string group = "Connection";
  app->add_option("--endpoints", c.endpoints, "Client URLs of the cluster, comma-separated")
      ->allow_extra_args(false)
      ->envname("ETCDCTL_ENDPOINTS")
      ->type_name("URL,...")
      ->group(group);
  app->add_option("--cacert", c.ca_file, "Authority that signed the servers' certificates")
      ->envname("ETCDCTL_CACERT")
      ->type_name("FILE")
      ->group(group);
  app->add_option("--cert", c.cert_file, "Client certificate")
      ->envname("ETCDCTL_CERT")
      ->type_name("FILE")
      ->group(group);
  app->add_option("--key", c.key_file, "Key of the client certificate")
      ->envname("ETCDCTL_KEY")
      ->type_name("FILE")
      ->group(group);
  app->add_option("--user", c.user, "User of etcd, NAME or NAME:PASSWORD")
      ->envname("ETCDCTL_USER")
      ->type_name("USER")
      ->group(group);
  app->add_option("--password", c.password, "Password of --user")
      ->envname("ETCDCTL_PASSWORD")
      ->type_name("PASSWORD")
      ->group(group);
  app->add_flag("--insecure-skip-tls-verify", c.insecure_skip_verify,
                "Accept any server certificate")
      ->envname("ETCDCTL_INSECURE_SKIP_TLS_VERIFY")
      ->group(group);
  app->add_option("--dial-timeout", c.dial_timeout, "Time to connect in")
      ->envname("ETCDCTL_DIAL_TIMEOUT")
      ->type_name("DURATION")
      ->group(group)
      ->capture_default_str();
  app->add_option("--command-timeout", c.command_timeout, "Time for each call")
      ->envname("ETCDCTL_COMMAND_TIMEOUT")
      ->type_name("DURATION")
      ->group(group)
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
  s->add_option("path", save.path, "File to write; without one, the store of --config")
      ->type_name("FILE");
  AddConfig(s, save.config_file);
  s->add_option("--timeout", save.timeout, "Time for the stream")
      ->type_name("DURATION")
      ->capture_default_str();
  AddProgress(s, save.progress);
  AddFormat(s, save.format);
  AddConnection(s, save.connection);
  Choose(s, SnapshotSave, save);

  s = snapshot->add_subcommand(
      "status",
      "Hash, revision, keys and size of a file, as `etcdutl snapshot status`, but checked");
  s->add_option("file", status.file)->type_name("FILE")->required();
  s->add_option("--compat", status.compat, "Count keys as etcdutl of this version")
      ->check(CLI::IsMember({"3.5", "3.6"}).description(""))
      ->type_name("3.5|3.6");
  AddEtcdutlFormat(s, status.format);
  Choose(s, SnapshotStatus, status);

  s = snapshot->add_subcommand("restore",
                               "Make a data directory from a file, as `etcdutl snapshot restore`");
  s->add_option("file", restore.file)->type_name("FILE")->required();
  s->add_option("--data-dir", restore.data_dir, "Directory to make (default NAME.etcd)")
      ->type_name("DIR");
  s->add_option("--wal-dir", restore.wal_dir,
                "Directory to make for the WAL (default: in the data directory)")
      ->type_name("DIR");
  s->add_option("--name", restore.name, "Name of this member")
      ->type_name("NAME")
      ->capture_default_str();
  s->add_option("--initial-cluster", restore.initial_cluster, "All members of the new cluster")
      ->type_name("NAME=PEER-URL,...")
      ->capture_default_str();
  s->add_option("--initial-cluster-token", restore.token, "Keeps clusters apart")
      ->type_name("TOKEN")
      ->capture_default_str();
  s->add_option("--initial-advertise-peer-urls", restore.advertise_peer_urls,
                "Peer URLs of this member")
      ->type_name("URL,...")
      ->capture_default_str();
  s->add_flag("--skip-hash-check", restore.skip_hash_check,
              "Do not require trailer and manifest to fit");
  s->add_option("--bump-revision", restore.bump_revision,
                "Raise the revision by so much, above what clients of the old cluster have seen; "
                "needs --mark-compacted")
      ->transform(WholeNumber(0, kRevisionMax))
      ->type_name("N");
  s->add_flag(
      "--mark-compacted", restore.mark_compacted,
      "Mark all revisions up to the raised one as compacted, so that watches from before are told");
  s->add_flag("--clear-alarms", restore.clear_alarms, "Drop alarms, which would block writes");
  s->add_flag("--drop-auth", restore.drop_auth,
              "Switch authentication off, for when the passwords of then are lost");
  s->add_option("--etcd-version", restore.etcd_version,
                "etcd that will run on it (default: the snapshot's own)")
      ->type_name("3.N");
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
  s->add_option("snapshot", verify.target, kTargetText)->type_name(kTargetType)->required();
  s->add_option("--level", verify.level, "1 transfer, 2 structure, 3 keyspace")
      ->transform(WholeNumber(1, 3))
      ->type_name("1|2|3")
      ->capture_default_str();
  s->add_option("--max-age", verify.max_age, "Exit with 4 if the snapshot is older")
      ->type_name("DURATION");
  s->add_flag("--inventory", verify.inventory,
              "Also count keys and bytes by prefix and Kubernetes resource, and encrypted values");
  AddTextfile(s, verify.textfile_out);
  AddConfig(s, verify.config_file);
  AddFormat(s, verify.format);
  Choose(s, Verify, verify);

  s = root.add_subcommand(
      "drill", "Restore a snapshot into scratch, boot a real etcd on it and compare (level 5)");
  s->add_option("snapshot", drill.target, kTargetText)->type_name(kTargetType)->required();
  s->add_option("--etcd", drill.etcd_binary,
                "etcd server binary, of the cluster's minor version (default: on PATH)")
      ->type_name("BIN");
  s->add_option("--scratch-dir", drill.scratch_dir,
                "Where the restored data may lie for a while (default: TMPDIR or /tmp)")
      ->type_name("DIR");
  s->add_option("--timeout", drill.timeout, "Time for the whole drill (default 30m)")
      ->type_name("DURATION");
  s->add_flag("--full-cluster", drill.full_cluster,
              "Restore and boot three members that form a cluster, then add a fourth and compare "
              "all of them");
  AddTextfile(s, drill.textfile_out);
  AddConfig(s, drill.config_file);
  AddFormat(s, drill.format);
  Choose(s, Drill, drill);

  s = root.add_subcommand(
      "lineage", "Prove that a snapshot, or the live cluster, continues an older snapshot");
  s->add_option("older", lineage.older, kTargetText)->type_name(kTargetType)->required();
  s->add_option("newer", lineage.newer,
                "The same; without it, the live cluster of --config or --endpoints")
      ->type_name(kTargetType);
  AddConfig(s, lineage.config_file);
  AddFormat(s, lineage.format);
  AddConnection(s, lineage.connection);
  Choose(s, Lineage, lineage);

  s = root.add_subcommand(
      "hashkv", "HashKV of a file, as a live member would answer; never writes to the file");
  s->add_option("file", hashkv.file)->type_name("FILE")->required();
  s->add_option("--rev", hashkv.revision, "Revision (default: the newest)")
      ->transform(WholeNumber(0, kRevisionMax))
      ->type_name("N");
  s->add_option("--compact-rev", hashkv.compact_revision,
                "As if compacted up to here (default: as the file is)")
      ->transform(WholeNumber(0, kRevisionMax))
      ->type_name("N");
  AddEtcdutlFormat(s, hashkv.format);
  Choose(s, HashKv, hashkv);
}

void CommandTable::AddOtherCommands(CLI::App& root) {
  CLI::App* s = root.add_subcommand(
      "run", "The sidecar: snapshots, drills, health and metrics, until stopped");
  AddConfig(s, run.config_file);
  s->add_option("--store", run.store, "Without --config: directory for snapshots and scratch")
      ->check([](const std::string& path) { return path.empty() ? "the path is empty" : ""; })
      ->type_name("DIR");
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
  s->add_option("name", drills.name)->type_name("NAME")->required();
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
  s->add_option("file", check_config.file)->type_name("FILE")->required();
  s->add_flag("--syntax-only", check_config.syntax_only,
              "Only the file itself, for a machine that has neither the certificates nor etcd");
  Choose(s, CheckConfig, check_config);
  s = check->add_subcommand(
      "web-config", "The same for a web configuration (web.config_file) and its certificates");
  s->add_option("file", check_config.file)->type_name("FILE")->required();
  Choose(s, CheckWebConfig, check_config);

  s = root.add_subcommand(
      "selftest", "Does this build detect every class of damage? Injects known ones and counts");
  AddFormat(s, selftest.format);
  Choose(s, Selftest, selftest);

  s = root.add_subcommand("completion",
                          "The script that makes a shell complete commands, options and files");
  s->add_option("shell", completion.shell)
      ->check(CLI::IsMember({"bash", "zsh", "fish"}).description(""))
      ->type_name("bash|zsh|fish")
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
  return fmt::format("{} is not known here; did you mean {}?", mistake->word, mistake->meant);
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
  root.add_option("--log-level", table.log_level, "What is logged at least")
      ->type_name("debug|info|warn|error");
  root.add_option("--log-format", table.log_format, "Form of the log")->type_name("logfmt|json");
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
