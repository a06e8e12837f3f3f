// CLI11 can't complete, so the words are followed through the table by hand.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "cli/command_tree.h"

namespace etcdrill::cli {
namespace {

const OptionInfo* FindOption(const std::vector<const CommandInfo*>& path, const std::string& name) {
  for (const CommandInfo* command : path) {
    for (const OptionInfo& option : command->options) {
      if (std::ranges::find(option.names, name) != option.names.end()) return &option;
    }
  }
  return nullptr;
}

// The parts of `simple|table|json` or `FILE|latest`: words in lower case stand for themselves.
std::vector<Candidate> Values(const OptionInfo& option) {
  std::vector<Candidate> found;
  for (const std::string_view part : Split(option.value, '|')) {
    if (part == "FILE" || part == "BIN") {
      found.push_back({std::string(kFiles), ""});
    } else if (part == "DIR") {
      found.push_back({std::string(kDirectories), ""});
    } else if (std::ranges::none_of(part, [](char c) { return c >= 'A' && c <= 'Z'; })) {
      found.push_back({std::string(part), ""});
    }
  }
  return found;
}

std::vector<Candidate> Options(const std::vector<const CommandInfo*>& path) {
  std::vector<Candidate> found;
  for (const CommandInfo* command : path) {
    for (const OptionInfo& option : command->options)
      found.push_back({option.names.back(), option.text});
  }
  return found;
}

// Where the words before the last one have led to.
struct Place {
  std::vector<const CommandInfo*> path;
  size_t positionals = 0;
  const OptionInfo* open = nullptr;  // an option that waits for its value
};

Place Follow(const CommandInfo& root, std::span<const std::string> words) {
  Place place{.path = {&root}};
  for (const std::string& word : words) {
    if (place.open != nullptr) {
      if (word != "=") place.open = nullptr;  // bash takes --name=value apart
      continue;
    }
    if (word.starts_with('-')) {
      const OptionInfo* option = FindOption(place.path, word);
      if (option != nullptr && !option->value.empty()) place.open = option;
      continue;
    }
    const auto& commands = place.path.back()->commands;
    const auto it = std::ranges::find(commands, word, &CommandInfo::name);
    if (it != commands.end()) {
      place.path.push_back(&*it);
    } else {
      ++place.positionals;
    }
  }
  return place;
}

}  // namespace

std::vector<Candidate> Complete(const CommandInfo& root, std::span<const std::string> words) {
  if (words.empty()) return {};
  const std::string& typed = words.back();
  const Place place = Follow(root, words.first(words.size() - 1));
  const CommandInfo& command = *place.path.back();
  std::vector<Candidate> found;
  if (place.open != nullptr) {
    found = Values(*place.open);
  } else if (typed.starts_with('-')) {
    found = Options(place.path);
  } else if (!command.commands.empty()) {
    for (const CommandInfo& next : command.commands) found.push_back({next.name, next.text});
  } else if (place.positionals < command.positionals.size()) {
    found = Values(command.positionals[place.positionals]);
  }
  const std::string prefix = typed == "=" ? "" : typed;
  std::erase_if(found, [&](const Candidate& c) {
    return !c.word.starts_with(':') && !c.word.starts_with(prefix);
  });
  return found;
}

std::optional<Mistake> FindMistake(const CommandInfo& root, std::span<const std::string> words) {
  for (size_t i = 0; i < words.size() && words[i] != "--"; ++i) {
    const Place place = Follow(root, words.first(i));
    if (place.open != nullptr) continue;
    const bool is_option = words[i].starts_with("--");
    const std::string word = is_option ? words[i].substr(0, words[i].find('=')) : words[i];
    std::vector<std::string> known;
    if (is_option) {
      for (const Candidate& option : Options(place.path)) known.push_back(option.word);
    } else {
      for (const CommandInfo& next : place.path.back()->commands) known.push_back(next.name);
    }
    if (std::ranges::find(known, word) != known.end()) continue;
    if (std::string meant = Nearest(word, known); !meant.empty())
      return Mistake{word, std::move(meant)};
  }
  return std::nullopt;
}

void PrintCandidates(const std::vector<Candidate>& candidates) {
  for (const Candidate& c : candidates) fmt::print("{}\t{}\n", c.word, c.text);
}

}  // namespace etcdrill::cli
