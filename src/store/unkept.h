// What was found and the disk refuses to take, because it is full or read-only. It counts in this
// process as if it were in the store, until it is: else damage that was found on a full disk would
// be forgotten, and all would be green.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "proof/checks.h"
#include "store/drill_order.h"

namespace etcdrill::store {

// Gets the report that was written last, returns the JSON.
using MakeReport = std::function<std::string(const std::optional<DrillFile>& previous)>;

struct NewReport {
  std::string snapshot;
  WallTime finished;
  MakeReport make;
};

// Safe for use from any thread.
class Unkept {
 public:
  // `base`: the text of the record that the disk has.
  void AddChecks(const std::string& name, std::string base, Checks checks, const Status& why);
  void RemoveChecks(const std::string& name);
  // What counts instead of `text`, which the disk has, or of what can't be read just now: nothing
  // once somebody else wrote that.
  std::optional<Checks> FindChecks(const std::string& name, const Result<std::string>& text);
  std::vector<std::string> ChecksNames() const;

  // In the order in which they were made. Of more than a hundred the oldest go.
  void AddReport(NewReport report, const Status& why);
  void RemoveFirstReport();
  std::vector<NewReport> Reports() const;

  // Why the disk refused the last; empty if there is nothing that it did not take.
  std::string why() const;

 private:
  struct Held {
    std::string base;
    Checks checks;
  };
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::map<std::string, Held> checks_;
  std::vector<NewReport> reports_;
  std::string why_;
};

}  // namespace etcdrill::store
