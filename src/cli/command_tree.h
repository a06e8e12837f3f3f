// The command table as data, for what else is made from it: completion and the manual page. Filled
// from CLI11 in cli.cc, so that neither can say anything else than `--help`.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace etcdrill::cli {

struct OptionInfo {
  std::vector<std::string> names;  // "-w", "--write-out"; of a positional its one name
  std::string value;               // "FILE", "simple|table|json"; empty for a flag
  std::string text;
  std::string environment;
  std::string fallback;  // what holds without it
  bool required = false;
};

struct CommandInfo {
  std::string name;
  std::string text;
  std::string example;  // one command line; empty where there are commands below it
  std::vector<OptionInfo> positionals;
  std::vector<OptionInfo> options;
  std::vector<CommandInfo> commands;
};

// etcdrill.1.
std::string ManPage(const CommandInfo& root);

// What may come next on a command line. The shells' scripts (cmd_completion.cc) are a few lines and
// ask `etcdrill complete`, so that there is one place that knows.
struct Candidate {
  std::string word;  // or kFiles, kDirectories: the shell's own business
  std::string text;
};
inline constexpr std::string_view kFiles = ":files";
inline constexpr std::string_view kDirectories = ":dirs";

// `words` are those behind the program's name; the last one, which may be empty, is being typed.
std::vector<Candidate> Complete(const CommandInfo& root, std::span<const std::string> words);
// Lines of WORD, tabulator, TEXT.
void PrintCandidates(const std::vector<Candidate>& candidates);

// A word that is no command or no option where it stands, and the one that was most likely meant.
struct Mistake {
  std::string word;
  std::string meant;
};
// The first such word; none where nothing near is known.
std::optional<Mistake> FindMistake(const CommandInfo& root, std::span<const std::string> words);

}  // namespace etcdrill::cli
