// Opens a snapshot file for what takes an open one. A file that can't be opened ends the test.
#pragma once

#include <string>
#include <utility>

#include "format/snapshot/image.h"
#include "support/snapshots.h"
#include "verify/lineage.h"
#include "verify/verify.h"

namespace etcdrill::testing {

inline snapshot::Image OpenFile(const Context& context, const std::string& path) {
  return snapshot::Image::Open(context, path).value();
}

// Opens and verifies, as a command does; the error of either.
inline Result<verify::VerifyReport> VerifyFile(const Context& context, const std::string& path,
                                               const verify::VerifyInput& input = {}) {
  ASSIGN_OR_RETURN(const auto image, snapshot::Image::Open(context, path));
  return verify::Verify(context, image, input);
}

// A sound snapshot with its place in its cluster's history, as CompareLineage wants it.
struct PlacedSnapshot {
  snapshot::Image image;
  verify::Place place;

  verify::Placed placed() const { return {image, place}; }
};

inline PlacedSnapshot OpenPlaced(const Context& context, const std::string& path) {
  snapshot::Image image = OpenFile(context, path);
  const verify::VerifyReport report = verify::Verify(context, image).value();
  verify::Place place = verify::ReadPlace(image, report.keyspace->hashkv).value();
  return {std::move(image), std::move(place)};
}

}  // namespace etcdrill::testing
