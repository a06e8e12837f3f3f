// What may come next on a command line. The shells' scripts (cmd_completion.cc) are a few lines and
// ask `etcdrill complete`, so that there is one place that knows.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command_tree.h"

namespace etcdrill::cli {

struct Candidate {
  std::string word;  // or kFiles, kDirectories: the shell's own business
  std::string text;
};
inline constexpr std::string_view kFiles = ":files";
inline constexpr std::string_view kDirectories = ":dirs";

// `words` are those behind the program's name; the last one, which may be empty, is being typed.
std::vector<Candidate> Complete(const CommandInfo& root, std::span<const std::string> words);

// A word that is no command or no option where it stands, and the one that was most likely meant.
struct Mistake {
  std::string word;
  std::string meant;
};
// The first such word; none where nothing near is known.
std::optional<Mistake> FindMistake(const CommandInfo& root, std::span<const std::string> words);

// Lines of WORD, tabulator, TEXT.
void PrintCandidates(const std::vector<Candidate>& candidates);

}  // namespace etcdrill::cli
