// main() of every test program: Catch2's, but for the launcher of child processes
// (io/subprocess.h).
#include "io/subprocess.h"
#include "support/catch.h"

int main(int argc, char** argv) {
  etcdrill::BecomeChildIfAsked(argc, argv);
  return Catch::Session().run(argc, argv);
}
