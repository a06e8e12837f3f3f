// What objects/object_store.h promises, as tests that any store must pass; the model is restic's
// backend/test (docs of its package `test`). A test of a store is a TEST_CASE that makes it and
// calls this once; each promise is a SECTION of it, so the store is made anew for each:
//
//   TEST_CASE("S3 on versitygw keeps what a store promises") {
//     CheckConformance(*store);
//   }
//
// A server need not be: names are below a prefix that no run had before. What is written stays
// there, some of it locked for an hour where the store has locks: use a bucket that is thrown away.
#pragma once

#include <cstddef>

#include "objects/object_store.h"

namespace etcdrill::objects {

struct ConformanceSize {
  size_t names = 1'500;  // more than a page of a listing, which has 1,000
  size_t ranges = 50;    // of one object, at random
  uint64_t rounds = 8;   // of each of several threads
  // More than one part of an upload (5 MiB at least), and not a whole number of them.
  uint64_t big_bytes = (uint64_t{21} << 20) + 7;
};

void CheckConformance(ObjectStore& store, const ConformanceSize& size = {});

}  // namespace etcdrill::objects
