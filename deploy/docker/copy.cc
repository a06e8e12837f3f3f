// copy FROM TO: copies a file, and no more. The images of etcd have no cp (and since 3.6.5 no
// shell), so the pods carry this program, which is linked statically, into the image of the
// cluster's etcd, to bring its binary out: see the init containers of
// deploy/kustomize/base/daemonset.yaml. What is in those images:
// https://github.com/kubernetes/kubernetes/pull/134251
#include <cstdio>
#include <filesystem>
#include <system_error>

int main(int count, char** arguments) {
  if (count != 3) {
    std::fputs("usage: copy FROM TO\n", stderr);
    return 2;
  }
  // Overwriting: when a pod starts again, its volume holds the copy of before.
  const auto overwrite = std::filesystem::copy_options::overwrite_existing;
  std::error_code error;
  std::filesystem::copy_file(arguments[1], arguments[2], overwrite, error);
  if (error) {
    std::fprintf(stderr, "copy: %s to %s: %s\n", arguments[1], arguments[2],
                 error.message().c_str());
    return 1;
  }
}
