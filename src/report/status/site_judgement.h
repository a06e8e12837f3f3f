// What the copies at sites say to the same person at three in the morning: would a backup be left
// if this machine burned down?
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report/status/judgement.h"
#include "report/view.h"

namespace etcdrill::report {

struct SiteAnswer {
  Answer answer = Answer::kUnknown;
  std::string fact;
};
// Whether it holds a copy that is fresh enough.
SiteAnswer JudgeSite(const SiteView& site, const View& view);
// The same of all; none: there is no site.
std::optional<Question> JudgeSites(const View& view);

// What is wrong with one site, apart from the age of its newest copy.
std::vector<Trouble> TroublesOf(const SiteView& site, const View& view);

}  // namespace etcdrill::report
