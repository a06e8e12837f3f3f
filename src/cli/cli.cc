// The command table. Each command fills its options struct and leaves itself behind in `chosen`.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <functional>
#include <span>
#include <utility>

#include "base/text.h"
#include "base/version.h"
#include "cli/command_line.h"
#include "cli/command_tree.h"
#include "cli/commands.h"

namespace etcdrill::cli {
namespace {

using Command = std::function<Result<ExitCode>(const Context&)>;

constexpr uint64_t kRevisionMax = INT64_MAX;
constexpr const char* kTargetText =
    "File, or with --config: snapshot name, latest, latest-restorable or random";
constexpr const char* kTargetType = "FILE|NAME|latest|latest-restorable|random";

// `type` stands for the value in the help.
template <typename T>
Option* AddOption(App* app, const std::string& name, T& value, const std::string& type,
                  const std::string& text = "") {
  return app->add_option(name, value, text)->type_name(type);
}

void AddExample(App* app, const std::string& line) { app->AddExample(line); }

// The first of the words of an enum. They stand in the help as `simple|table|json`, which
// completion reads, too.
template <typename Enum>
void AddChoice(App* app, const std::string& name, Enum& out, const std::string& text,
               size_t count = NamesOf<Enum>().size()) {
  const auto names = std::span(NamesOf<Enum>()).first(count);
  const std::string words = fmt::format("{}", fmt::join(names, "|"));
  const auto pick = [=, &out](const std::string& word) -> std::string {
    const auto at = std::ranges::find(names, word);
    if (at == names.end()) return fmt::format("\"{}\" is none of {}", word, words);
    out = static_cast<Enum>(at - names.begin());
    return "";
  };
  app->add_option(name, pick, text)->type_name(words);
}

// CLI11's own words for a number that is out of range have 300 digits, and it reads 010 as eight.
template <typename T>
Option* AddNumber(App* app, const std::string& name, T& value, uint64_t least, uint64_t most,
                  const std::string& type, const std::string& text) {
  const auto take = [=, &value](const std::string& word) -> std::string {
    const auto number = ParseNumber<uint64_t>(word);
    if (!number.has_value() || *number < least || *number > most) {
      return fmt::format("\"{}\" is not a number from {} to {}", word, least, most);
    }
    value = static_cast<T>(*number);
    return "";
  };
  return app->add_option(name, take, text)->type_name(type);
}

Check OneOf(const std::vector<std::string>& words) {
  return [words](const std::string& text) {
    const bool known = std::ranges::find(words, text) != words.end();
    return known ? "" : fmt::format("{} not in {{{}}}", text, fmt::join(words, ","));
  };
}

void AddProgress(App* app, ProgressMode& progress) {
  AddChoice(app, "--progress", progress, "Show progress; auto: on a terminal (default auto)");
}

enum class Forms { kOurs, kEtcdutl };

void AddFormat(App* app, OutputFormat& format, Forms forms = Forms::kOurs) {
  if (forms == Forms::kEtcdutl)
    return AddChoice(app, "-w,--write-out", format,
                     "Output format, as in etcdutl (default simple)");
  constexpr size_t kOurs = 3;  // etcdutl has a fourth one
  AddChoice(app, "-w,--write-out", format, "Output format (default simple)", kOurs);
}

void AddTextfile(App* app, std::string& file) {
  AddOption(app, "--textfile-out", file, "FILE.prom",
            "Also write the result as metrics for node_exporter's textfile collector");
}

void AddConfig(App* app, std::string& file, bool required = false) {
  AddOption(app, "--config", file, "FILE", "Configuration file")->required(required);
}

void AddSite(App* app, std::string& site) {
  AddOption(app, "--site", site, "NAME",
            "Site of --config: the snapshot is a copy there, which is fetched into scratch");
}

// As etcdctl has them, environment included.
void AddConnection(App* app, ConnectionFlags& c) {
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
  add("--cacert", c.ca_file, "ETCDCTL_CACERT", "FILE", "CA certificate to verify the servers");
  add("--cert", c.cert_file, "ETCDCTL_CERT", "FILE", "Client certificate");
  add("--key", c.key_file, "ETCDCTL_KEY", "FILE", "Key of the client certificate");
  add("--user", c.user, "ETCDCTL_USER", "USER", "etcd user: NAME or NAME:PASSWORD");
  add("--password", c.password, "ETCDCTL_PASSWORD", "PASSWORD", "Password of --user");
  app->add_flag("--insecure-skip-tls-verify", c.insecure_skip_verify,
                "Accept any server certificate (insecure)")
      ->envname("ETCDCTL_INSECURE_SKIP_TLS_VERIFY")
      ->group(kGroup);
  add("--dial-timeout", c.dial_timeout, "ETCDCTL_DIAL_TIMEOUT", "DURATION", "Connection timeout")
      ->capture_default_str();
  add("--command-timeout", c.command_timeout, "ETCDCTL_COMMAND_TIMEOUT", "DURATION",
      "Timeout of each call")
      ->capture_default_str();
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
  CopyOptions copy;
  CheckStoreOptions check_store;
  CheckConfigOptions check_config;
  KeygenOptions keygen;
  SelftestOptions selftest;
  CompletionOptions completion;
  Command chosen;

  template <typename Options>
  void Choose(App* app, Result<ExitCode> (*function)(const Context&, const Options&),
              Options& options) {
    app->callback([this, function, &options] {
      chosen = [function, &options](const Context& context) { return function(context, options); };
    });
  }

  void AddRunCommand(App& root);
  void AddSnapshotCommands(App& root);
  void AddProofCommands(App& root);
  void AddComparisonCommands(App& root);
  void AddKeygenCommands(App& root);
  void AddOtherCommands(App& root);
};

void CommandTable::AddRunCommand(App& root) {
  App* s = root.add_subcommand(
      "run", "Run the sidecar: scheduled snapshots, drills, health checks and metrics");
  AddConfig(s, run.config_file);
  AddOption(s, "--store", run.store, "DIR", "Without --config: directory for snapshots and scratch")
      ->check([](const std::string& path) { return path.empty() ? "the path is empty" : ""; });
  AddConnection(s, run.connection);
  AddExample(s, "etcdrill run --config /etc/etcdrill/etcdrill.yaml");
  Choose(s, Run, run);
}

void CommandTable::AddSnapshotCommands(App& root) {
  App* snapshot = root.add_subcommand("snapshot", "Take, inspect, restore and list snapshots")
                      ->require_subcommand(1);

  App* s = snapshot->add_subcommand("save",
                                    "Take one snapshot and verify it. A damaged one never "
                                    "becomes FILE; a store keeps it as evidence");
  AddOption(s, "path", save.path, "FILE", "File to write (default: the store of --config)");
  AddConfig(s, save.config_file);
  AddOption(s, "--timeout", save.timeout, "DURATION",
            "Timeout of the snapshot stream (default: snapshot.timeout of --config, else 10m)");
  AddProgress(s, save.progress);
  AddFormat(s, save.format);
  AddConnection(s, save.connection);
  AddExample(s, "etcdrill snapshot save backup.db --endpoints 127.0.0.1:2379");
  Choose(s, SnapshotSave, save);

  s = snapshot->add_subcommand(
      "status",
      "Print hash, revision, keys and size of a file, as `etcdutl snapshot status`, but checked");
  AddOption(s, "file", status.file, "FILE", "Snapshot file")->required();
  AddOption(s, "--compat", status.compat, "3.5|3.6", "Count keys as etcdutl of this version")
      ->check(OneOf({"3.5", "3.6"}));
  AddFormat(s, status.format, Forms::kEtcdutl);
  AddExample(s, "etcdrill snapshot status backup.db -w table");
  Choose(s, SnapshotStatus, status);

  s = snapshot->add_subcommand(
      "restore", "Create a data directory from a file, as `etcdutl snapshot restore`");
  AddOption(s, "snapshot", restore.file, kTargetType, kTargetText)->required();
  AddConfig(s, restore.config_file);
  AddSite(s, restore.site);
  AddOption(s, "--data-dir", restore.data_dir, "DIR", "Directory to create (default NAME.etcd)");
  AddOption(s, "--wal-dir", restore.wal_dir, "DIR",
            "Directory to create for the WAL (default: in the data directory)");
  AddOption(s, "--name", restore.name, "NAME", "Name of this member")->capture_default_str();
  AddOption(s, "--initial-cluster", restore.initial_cluster, "NAME=PEER-URL,...",
            "All members of the new cluster")
      ->capture_default_str();
  AddOption(s, "--initial-cluster-token", restore.token, "TOKEN",
            "Token of the new cluster; use a new one for each attempt")
      ->capture_default_str();
  AddOption(s, "--initial-advertise-peer-urls", restore.advertise_peer_urls, "URL,...",
            "Peer URLs of this member")
      ->capture_default_str();
  s->add_flag("--skip-hash-check", restore.skip_hash_check,
              "Accept a file without a valid SHA-256 trailer or manifest");
  AddNumber(s, "--bump-revision", restore.bump_revision, 0, kRevisionMax, "N",
            "Raise the revision by N, above what clients of the old cluster have seen; needs "
            "--mark-compacted");
  s->add_flag("--mark-compacted", restore.mark_compacted,
              "Mark all revisions up to the raised one as compacted, so that old watches fail "
              "instead of missing events; needs --bump-revision");
  s->add_flag("--clear-alarms", restore.clear_alarms, "Remove alarms, which would block writes");
  s->add_flag("--drop-auth", restore.drop_auth,
              "Disable authentication in the restored data (lost passwords)");
  AddOption(s, "--etcd-version", restore.etcd_version, "3.N",
            "Version of the etcd that will run on it (default: the snapshot's)");
  s->add_flag("--allow-downgrade", restore.allow_downgrade,
              "Allow an --etcd-version that is older than the snapshot");
  AddProgress(s, restore.progress);
  s->add_flag("--no-sync", restore.no_sync, "Do not wait for the disk; for scratch use only");
  // How etcdutl opens and prints things; a script that was written for it may set them, and they
  // mean nothing here.
  for (const char* flag : {"--initial-memory-map-size", "--timeout", "-w,--write-out"}) {
    s->add_option(flag, restore.ignored)->group("");
  }
  AddExample(s, "etcdrill snapshot restore backup.db --data-dir /var/lib/etcd");
  Choose(s, SnapshotRestore, restore);

  s = snapshot->add_subcommand("list", "List the snapshots in a store, or the copies at a site");
  AddConfig(s, list.config_file, /*required=*/true);
  AddOption(s, "--site", list.site, "NAME", "Site of --config (default: the store)");
  AddFormat(s, list.format);
  AddExample(s, "etcdrill snapshot list --config /etc/etcdrill/etcdrill.yaml");
  Choose(s, SnapshotList, list);

  s = snapshot->add_subcommand("copy",
                               "Copy one snapshot to a site, from the store or another site");
  AddOption(s, "snapshot", copy.name, "NAME|latest|latest-restorable|random",
            "Snapshot in the store, or at the site of --from")
      ->required();
  AddOption(s, "--from", copy.from, "SITE", "Site to copy from (default: the store)");
  AddOption(s, "--to", copy.to, "SITE", "Site to copy to")->required();
  AddConfig(s, copy.config_file, /*required=*/true);
  AddProgress(s, copy.progress);
  AddFormat(s, copy.format);
  AddExample(s, "etcdrill snapshot copy latest --to first --config /etc/etcdrill/etcdrill.yaml");
  Choose(s, SnapshotCopy, copy);
}

void CommandTable::AddProofCommands(App& root) {
  App* s = root.add_subcommand(
      "verify", "Check every byte of a snapshot that can be checked (levels 0 to 3)");
  AddOption(s, "snapshot", verify.target, kTargetType, kTargetText)->required();
  AddNumber(s, "--level", verify.level, 1, 3, "1|2|3",
            "Highest level to check: 1 transfer, 2 structure, 3 keyspace")
      ->default_str(std::to_string(verify.level));
  AddOption(s, "--max-age", verify.max_age, "DURATION", "Exit with 4 if the snapshot is older");
  s->add_flag("--inventory", verify.inventory,
              "Also count keys and bytes by prefix and Kubernetes resource, and encrypted values");
  AddTextfile(s, verify.textfile_out);
  AddConfig(s, verify.config_file);
  AddSite(s, verify.site);
  AddFormat(s, verify.format);
  AddExample(s, "etcdrill verify backup.db");
  Choose(s, Verify, verify);

  s = root.add_subcommand("drill",
                          "Restore a snapshot to a scratch directory, start a real etcd on it and "
                          "compare (levels 0 to 5)");
  AddOption(s, "snapshot", drill.target, kTargetType, kTargetText)->required();
  AddOption(s, "--etcd", drill.etcd_binary, "BIN",
            "etcd server of the minor version that wrote the snapshot (default: drill.etcd of "
            "--config, else etcd on PATH)");
  AddOption(s, "--scratch-dir", drill.scratch_dir, "DIR",
            "Directory for restored data (default: drill.scratch_dir of --config, else TMPDIR or "
            "/tmp)");
  AddOption(s, "--timeout", drill.timeout, "DURATION",
            "Timeout of the whole drill (default: drill.timeout of --config, else 30m)");
  s->add_flag("--full-cluster", drill.full_cluster,
              "Restore and start three members as a cluster, then add a fourth and compare them");
  AddTextfile(s, drill.textfile_out);
  AddConfig(s, drill.config_file);
  AddSite(s, drill.site);
  AddFormat(s, drill.format);
  AddExample(s, "etcdrill drill backup.db --etcd /usr/bin/etcd");
  Choose(s, Drill, drill);

  App* reports = root.add_subcommand("drills", "Work with the drill reports in a store")
                     ->require_subcommand(1);
  s = reports->add_subcommand("list", "List all drill reports, oldest first");
  AddConfig(s, drills.config_file, /*required=*/true);
  AddFormat(s, drills.format);
  AddExample(s, "etcdrill drills list --config /etc/etcdrill/etcdrill.yaml");
  Choose(s, DrillsList, drills);
  s = reports->add_subcommand("show", "Print one drill report as JSON");
  AddOption(s, "name", drills.name, "NAME", "Name, as `drills list` prints it")->required();
  AddConfig(s, drills.config_file, /*required=*/true);
  AddExample(s, "etcdrill drills show NAME --config /etc/etcdrill/etcdrill.yaml");
  Choose(s, DrillsShow, drills);
  s = reports->add_subcommand("verify", "Detect changed or missing drill reports");
  AddConfig(s, drills.config_file, /*required=*/true);
  AddExample(s, "etcdrill drills verify --config /etc/etcdrill/etcdrill.yaml");
  Choose(s, DrillsVerify, drills);
}

void CommandTable::AddComparisonCommands(App& root) {
  App* s = root.add_subcommand(
      "lineage", "Prove that a snapshot, or the live cluster, continues an older snapshot");
  AddOption(s, "older", lineage.older, kTargetType, kTargetText)->required();
  AddOption(s, "newer", lineage.newer, kTargetType,
            "The same (default: the live cluster of --config or --endpoints)");
  AddConfig(s, lineage.config_file);
  AddFormat(s, lineage.format);
  AddConnection(s, lineage.connection);
  AddExample(s, "etcdrill lineage monday.db tuesday.db");
  Choose(s, Lineage, lineage);

  s = root.add_subcommand(
      "hashkv", "Print the HashKV of a file, as a live member would; never writes to the file");
  AddOption(s, "file", hashkv.file, "FILE", "Snapshot file")->required();
  AddNumber(s, "--rev", hashkv.revision, 0, kRevisionMax, "N", "Revision (default: the newest)");
  AddNumber(s, "--compact-rev", hashkv.compact_revision, 0, kRevisionMax, "N",
            "Hash as if compacted at N (default: the file's compact revision)");
  AddFormat(s, hashkv.format, Forms::kEtcdutl);
  AddExample(s, "etcdrill hashkv backup.db --rev 1200");
  Choose(s, HashKv, hashkv);

  s = root.add_subcommand("health",
                          "Check each endpoint, as `etcdctl endpoint health` and `status` do");
  AddConfig(s, health.config_file);
  AddFormat(s, health.format);
  AddConnection(s, health.connection);
  AddExample(s, "etcdrill health --endpoints 10.0.0.1:2379,10.0.0.2:2379");
  Choose(s, Health, health);
}

void CommandTable::AddKeygenCommands(App& root) {
  App* keys = root.add_subcommand("keygen", "Create the keys of sites")->require_subcommand(1);
  const auto add = [&](const char* name, const char* text, const char* out_text) {
    App* s = keys->add_subcommand(name, text);
    AddOption(s, "--out", keygen.out, "FILE", out_text);
    AddFormat(s, keygen.format);
    return s;
  };
  App* s = add("identity", "Create an age identity, which decrypts copies, and its recipient",
               "File to create, with mode 0600 (default: print the identity)");
  AddExample(s, "etcdrill keygen identity --out /etc/etcdrill/identity.txt");
  Choose(s, KeygenIdentity, keygen);
  s = add("signing", "Create a key that signs manifests at sites, and its public key",
          "File to create, with mode 0600, beside FILE.pub (default: print the key)");
  AddExample(s, "etcdrill keygen signing --out /etc/etcdrill/signing.pem");
  Choose(s, KeygenSigning, keygen);
}

void CommandTable::AddOtherCommands(App& root) {
  App* s =
      root.add_subcommand("selftest", "Check that this build detects every known class of damage");
  AddFormat(s, selftest.format);
  AddExample(s, "etcdrill selftest");
  Choose(s, Selftest, selftest);

  s = root.add_subcommand("retention",
                          "Delete the snapshots that no rule of the configuration keeps");
  AddConfig(s, retention.config_file, /*required=*/true);
  s->add_flag("--dry-run", retention.dry_run,
              "Delete nothing: print what would be deleted, and why the rest stays");
  AddFormat(s, retention.format);
  AddExample(s, "etcdrill retention --dry-run --config /etc/etcdrill/etcdrill.yaml");
  Choose(s, Retention, retention);

  App* check =
      root.add_subcommand("check", "Validate a configuration file, or try what its sites do")
          ->require_subcommand(1);
  s = check->add_subcommand("config",
                            "List all problems of a configuration file and of the files it names");
  AddOption(s, "file", check_config.file, "FILE", "Configuration file")->required();
  s->add_flag("--syntax-only", check_config.syntax_only,
              "Check the file alone, on a host without its certificates and etcd");
  AddExample(s, "etcdrill check config /etc/etcdrill/etcdrill.yaml");
  Choose(s, CheckConfig, check_config);
  s = check->add_subcommand(
      "web-config", "List all problems of a web.config_file and of the certificates it names");
  AddOption(s, "file", check_config.file, "FILE", "Web configuration file")->required();
  AddExample(s, "etcdrill check web-config /etc/etcdrill/web.yml");
  Choose(s, CheckWebConfig, check_config);
  s = check->add_subcommand(
      "store", "Try what each site does with probe objects, and say what follows for its copies");
  AddConfig(s, check_store.config_file, /*required=*/true);
  AddOption(s, "--site", check_store.site, "NAME", "Check only this site (default: all)");
  AddFormat(s, check_store.format);
  AddExample(s, "etcdrill check store --config /etc/etcdrill/etcdrill.yaml");
  Choose(s, CheckStore, check_store);

  s = root.add_subcommand("completion", "Print the completion script of a shell");
  AddOption(s, "shell", completion.shell, "bash|zsh|fish", "bash, zsh or fish")
      ->check(OneOf({"bash", "zsh", "fish"}))
      ->required();
  AddExample(s, "etcdrill completion bash > /etc/bash_completion.d/etcdrill");
  Choose(s, Completion, completion);

  s = root.add_subcommand("man", "The manual page, from this very table")->group("");
  s->callback([this, &root] {
    chosen = [&root](const Context&) -> Result<ExitCode> {
      fmt::print("{}", ManPage(root.Describe()));
      return ExitCode::kOk;
    };
  });

  s = root.add_subcommand("version", "Print the version of etcdrill");
  AddExample(s, "etcdrill version");
  s->callback([this] {
    chosen = [](const Context&) -> Result<ExitCode> {
      fmt::print("{}\n", VersionText());
      return ExitCode::kOk;
    };
  });
}

// A word that is near to what it should have been says more than what CLI11 missed because of it.
std::string UsageProblem(const std::string& problem, const CommandInfo& root,
                         std::span<const std::string> words) {
  const auto mistake = FindMistake(root, words);
  if (!mistake.has_value()) return problem;
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
  App root(
      "etcdrill tells you whether your etcd backups restore. It takes or imports snapshots, "
      "verifies them, restores them to a scratch directory, starts a real etcd on the result and "
      "compares.",
      "etcdrill", VersionText());
  AddOption(&root, "--log-level", table.log_level, "debug|info|warn|error",
            "Minimum level of log messages (default: warn; of run: log.level)");
  AddOption(&root, "--log-format", table.log_format, "logfmt|json",
            "Log format (default: logfmt; of run: log.format)");
  table.AddRunCommand(root);
  table.AddSnapshotCommands(root);
  table.AddProofCommands(root);
  table.AddComparisonCommands(root);
  table.AddKeygenCommands(root);
  table.AddOtherCommands(root);
  const std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  if (!words.empty() && words[0] == "complete") {  // an unfinished line, not arguments
    PrintCandidates(Complete(root.Describe(), std::span(words).subspan(1)));
    return static_cast<int>(ExitCode::kOk);
  }
  const Parsed parsed = root.Parse(argc, argv);
  if (parsed.exit_code.has_value()) return *parsed.exit_code;
  if (!parsed.problem.empty()) {
    const std::string problem = UsageProblem(parsed.problem, root.Describe(), words);
    fmt::print(stderr, "etcdrill: {}; see `etcdrill --help`\n", Shown(problem));
    return static_cast<int>(ExitCode::kUsage);
  }
  return AllPrinted(Finish(RunChosen(table, std::move(stop))));
}

}  // namespace etcdrill::cli
