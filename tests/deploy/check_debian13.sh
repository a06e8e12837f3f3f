#!/usr/bin/env bash
# Debian 13 has another compiler (GCC 14), and newer libraries: gRPC, Protobuf, Abseil, fmt. Builds
# the program in a tree of it, which debootstrap makes at the archive that apt uses here, with what
# scripts/bootstrap installs there, and runs the self-test and a drill with it.
# Usage: check_debian13.sh BUILD ETCD_DIR. Exit 77, with the reason, where there is no such tree to
# be had. The tree and what was built in it stay in BUILD, so that a second run is quick.
build=$(readlink -f "$1") etcd_dir=$(readlink -f "$2")
. "$(dirname "$0")/common.sh"

if [[ $EUID -ne 0 ]]; then skip "only root can change into a tree"; fi
if ! command -v debootstrap > /dev/null; then skip "no debootstrap here; scripts/bootstrap"; fi

root=$build/debian-13-$(md5sum < "$repo/scripts/bootstrap" | cut -c1-8)
# Runs COMMAND in TREE, with /proc, by which bash has its /dev/fd and etcd its limits.
inside() {  # TREE COMMAND...
  local status=0
  mount -t proc proc "$1/proc"
  chroot "$@" || status=$?
  umount --lazy "$1/proc"
  return "$status"
}
make_root() {
  rm -rf --one-file-system "$build"/debian-13-*
  debootstrap_tree trixie "$root.part" || return 1
  mkdir "$root.part/etcdrill"
  cp "$repo/scripts/bootstrap" "$root.part/root/bootstrap"
  inside "$root.part" timeout 400 /root/bootstrap program || return 1
  mv "$root.part" "$root"
}
if [[ ! -e $root ]]; then
  make_root > "$work/root.log" 2>&1 || skip "no tree of Debian 13: $(tail -n 1 "$work/root.log")"
fi

rm -rf "$root/etcdrill/src"  # a header that is gone from the repository must not help out
tar -C "$repo" --exclude=./build --exclude=./.git -c . | tar -C "$root/etcdrill" -x
status=0
# The tests beside this one have times to keep.
inside "$root" nice -n 15 bash -c "cd /etcdrill && cmake -G Ninja -B build -DBUILD_TESTING=OFF \
  -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O0 && ninja -C build etcdrill" \
  > "$work/build.log" 2>&1 || status=$?
result "the program builds" "$status" "$(grep -m 5 -E 'error|Error' "$work/build.log")"
if [[ $failed -ne 0 ]]; then exit 1; fi
nothing "without a warning" "$(grep -m 5 'etcdrill/.*warning:' "$work/build.log")"

status=0
inside "$root" /etcdrill/build/etcdrill selftest > "$work/selftest.log" 2>&1 || status=$?
result "selftest" "$status" "$(tail -n 3 "$work/selftest.log")"

mkdir -p "$root/etcd"
cp "$etcd_dir/etcd" "$root/etcd/"
tar -xf "$repo/tests/data/snapshots.tar.xz" -C "$work"
cp "$work/e3530-empty.db" "$root/etcd/snapshot.db"
status=0
inside "$root" /etcdrill/build/etcdrill drill /etcd/snapshot.db --etcd /etcd/etcd \
  > "$work/drill.log" 2>&1 || status=$?
result "a drill" "$status" "$(tail -n 3 "$work/drill.log")"
exit "$failed"
