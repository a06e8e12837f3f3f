// One walk for all assertions.
#include "pipeline/file_assertions.h"

#include "drill/assertions.h"
#include "verify/rows.h"

namespace etcdrill::pipeline {

Result<drill::Check> CheckAssertionsOnFile(const Context& context, const snapshot::Image& image,
                                           const std::vector<config::Assertion>& assertions) {
  std::vector<drill::AssertionFacts> facts(assertions.size());
  RETURN_IF_ERROR(verify::ForEachRow(context, image, [&](const verify::Row& row) {
    if (!row.alive) return;
    for (size_t i = 0; i < assertions.size(); ++i) {
      const config::Assertion& a = assertions[i];
      if (a.key.empty()) {
        facts[i].keys += row.kv.key.starts_with(a.prefix) ? 1 : 0;
      } else if (row.kv.key == a.key) {
        facts[i].value = row.kv.value;
      }
    }
  }));
  return drill::JudgeAssertions(assertions, facts);
}

}  // namespace etcdrill::pipeline
