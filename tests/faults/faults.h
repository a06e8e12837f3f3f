// What all fault tests need: a verify of bytes in memory, and the knobs of a long run.
//   ETCDRILL_FAULTS_SCALE  multiplies the number of tries (default 1)
//   ETCDRILL_FAULTS_SEED   another seed; every failure names the one that was used
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "support/findings.h"
#include "support/memory_file_system.h"
#include "support/test_context.h"
#include "verify/verify.h"

namespace etcdrill::testing {

size_t Scaled(size_t tries);
uint64_t Seed();

class MemoryVerifier {
 public:
  Result<verify::VerifyReport> TryVerify(std::string_view bytes);
  // For bytes that can be read to their end: there a failure would be ours.
  verify::VerifyReport Verify(std::string_view bytes);

  MemoryFileSystem& fs() { return fs_; }

 private:
  TestContext test_;
  MemoryFileSystem fs_;
};

// Nothing was found below L1: the verifier can't tell the bytes from sound ones without the
// trailer.
bool ContentPasses(const verify::VerifyReport& report);
// Two files that hold the same for every reader: the same pairs, sums and revisions.
bool SameContent(const verify::VerifyReport& a, const verify::VerifyReport& b);
// For the message of a failed check: verdict, levels and the first finding.
std::string Describe(const verify::VerifyReport& report);

// The processor time of this process so far.
double CpuSeconds();

// Four small snapshots of four etcd versions; between them they have every class of bytes but a
// stored freelist.
std::vector<std::string> SampleNames();
std::string WithoutTrailer(std::string_view snapshot);

}  // namespace etcdrill::testing
