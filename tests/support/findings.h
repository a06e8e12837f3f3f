// Whether a report holds a finding: by its code, and a part of its text.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "proof/finding.h"

namespace etcdrill::testing {

inline bool HasFinding(const Findings& findings, std::string_view code,
                       std::string_view text = "") {
  return std::any_of(findings.kept().begin(), findings.kept().end(), [&](const Finding& f) {
    return f.code == code && f.text.find(text) != std::string::npos;
  });
}

}  // namespace etcdrill::testing
