// A program with races of ours, each in a place where a suppression might hide it: beside a call to
// gRPC, in what a client runs for each endpoint, in a message of Protobuf's, in a type of Abseil's.
// `racy N` makes the N-th; the thread sanitizer has to end it. See sanitizer_options.cc. Without a
// sanitizer it ends with 0.
#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "base/status.h"
#include "etcd/client.h"
#include "proto/etcdserverpb.pb.h"
#include "support/test_context.h"

namespace etcdrill::testing {
namespace {

// Runs it on two threads that nothing orders.
void Twice(const std::function<void()>& run) {
  std::thread other(run);
  run();
  other.join();
}

std::unique_ptr<etcd::Client> Connect(const Context& context) {
  etcd::ConnectionOptions options;
  options.endpoints = {"http://127.0.0.1:1"};
  return etcd::Client::Create(options, context).value();
}

const std::vector<std::function<void()>> kRaces = {
    [] {
      int count = 0;
      Twice([&] { ++count; });
    },
    [] {  // between two calls to gRPC
      const TestContext test;
      const auto client = Connect(test.context());
      std::string said;
      Twice([&] { said = MessageOf(client->endpoints().front().Status().status()); });
    },
    [] {  // in what a client runs for each endpoint
      const TestContext test;
      const auto client = Connect(test.context());
      int asked = 0;
      Twice([&] {
        client
            ->Any([&](const etcd::Endpoint& endpoint) {
              ++asked;
              return endpoint.Status();
            })
            .IgnoreError();
      });
    },
    [] {  // in a message of ours: a number in it, by a function of its header
      etcdserverpb::RangeRequest shared;
      Twice([&] { shared.set_revision(7); });
    },
    [] {  // in an Abseil type of ours
      Result<std::string> shared =
          std::string("a text that is longer than what a string keeps inside");
      Twice([&] { shared = Error(Reason::kBusy, "taken"); });
    },
};

}  // namespace
}  // namespace etcdrill::testing

int main(int argc, char** argv) {
  const size_t race = argc == 2 ? std::strtoul(argv[1], nullptr, 10) : 0;
  if (race >= etcdrill::testing::kRaces.size()) {
    std::cerr << "racy: name a race from 0 to " << etcdrill::testing::kRaces.size() - 1 << "\n";
    return 2;
  }
  etcdrill::testing::kRaces[race]();
  return 0;
}
