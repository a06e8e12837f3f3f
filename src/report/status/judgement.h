// The questions of a person at three in the morning, answered from the facts: is the backup fresh,
// drilled, restorable, how long would a restore take, and is it copied to each site. The page and
// the API give the same answers, and the alerts follow the same objectives.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/names.h"
#include "report/view.h"

namespace etcdrill::report {

enum class Answer { kYes, kNo, kUnknown };

struct Question {
  Answer answer = Answer::kUnknown;
  std::string fact;   // "12 min old"
  std::string more;   // "objective 2h"
  std::string if_no;  // what a no means, for the banner: "it is stale"
};

// Something to look at, beside or behind the answers.
struct Trouble {
  std::string what;
  std::string advice;  // what to do; may hold a command
};

struct Judgement {
  Question fresh;
  Question drilled;
  Question restorable;
  Question in_time;
  std::optional<Question> copied;  // none: there is no site
  std::vector<Trouble> troubles;

  // Those that are asked.
  std::vector<const Question*> questions() const [[clang::lifetimebound]];
  // kNo if one is no, else kUnknown if one is unknown.
  Answer overall() const;
};

Judgement Judge(const View& view, const Activity& activity);

// "2.5 s", "3 min", "2 h 5 min", "4 d 3 h"; for people, so the two greatest units.
std::string RoughTime(double seconds);
// The same for what changes while it is read: whole seconds.
std::string Age(double seconds);

}  // namespace etcdrill::report

template <>
inline constexpr auto etcdrill::kNames<etcdrill::report::Answer> = etcdrill::Names("yes", "no",
                                                                                   "unknown");
