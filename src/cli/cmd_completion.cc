// completion: what makes a shell ask `etcdrill complete`. Each script calls the program that is
// being typed, so it never speaks of another version than that.
#include <fmt/format.h>

#include "cli/commands.h"

namespace etcdrill::cli {
namespace {

constexpr const char* kBash = R"sh(# bash completion of etcdrill; made by `etcdrill completion bash`
_etcdrill() {
  local typed=${COMP_WORDS[COMP_CWORD]} word
  COMPREPLY=()
  while IFS=$'\t' read -r word _; do
    case $word in
    :files) compopt -o filenames; mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <()sh"
                              R"sh(compgen -f -- "${typed#=}") ;;
    :dirs) compopt -o filenames; mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <()sh"
                              R"sh(compgen -d -- "${typed#=}") ;;
    *) COMPREPLY+=("$word") ;;
    esac
  done < <("${COMP_WORDS[0]}" complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2> /dev/null)
}
complete -F _etcdrill etcdrill
)sh";

constexpr const char* kZsh = R"sh(#compdef etcdrill
# zsh completion of etcdrill; made by `etcdrill completion zsh`
_etcdrill() {
  local word text
  local -a found
  while IFS=$'\t' read -r word text; do
    case $word in
    :files) _files ;;
    :dirs) _files -/ ;;
    *) found+=("${word//:/\\:}${text:+:$text}") ;;
    esac
  done < <("${words[1]}" complete "${(@)words[2,CURRENT]}" 2> /dev/null)
  (( ${#found} )) && _describe etcdrill found
}
if [[ $funcstack[1] == _etcdrill ]]; then _etcdrill "$@"; else compdef _etcdrill etcdrill; fi
)sh";

constexpr const char* kFish = R"sh(# fish completion of etcdrill; made by `etcdrill completion fish`
function __etcdrill_complete
  set -l words (commandline -opc)
  set -l typed (commandline -ct)
  for line in ($words[1] complete $words[2..-1] "$typed" 2> /dev/null)
    switch $line
      case ':files*'
        __fish_complete_path "$typed"
      case ':dirs*'
        __fish_complete_directories "$typed" ''
      case '*'
        echo $line
    end
  end
end
complete -c etcdrill -f -a '(__etcdrill_complete)'
)sh";

}  // namespace

Result<ExitCode> Completion(const Context&, const CompletionOptions& options) {
  fmt::print("{}", options.shell == "bash" ? kBash : options.shell == "zsh" ? kZsh : kFish);
  return ExitCode::kOk;
}

}  // namespace etcdrill::cli
