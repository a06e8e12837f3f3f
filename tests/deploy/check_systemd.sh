#!/usr/bin/env bash
# Checks deploy/systemd/etcdrill.service without installing it: systemd understands every line, and
# the exposure that it computes is at most 2.0 (--threshold counts in tenths and fails above its
# value). Verifying wants the binary to exist, so the copy that is checked starts /bin/true instead.
# Usage: check_systemd.sh [REPOSITORY]
set -euo pipefail

repo=${1:-$(cd "$(dirname "$0")/../.." && pwd)}
unit=$repo/deploy/systemd/etcdrill.service
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sed -E 's#^ExecStart=/usr/bin/etcdrill .*#ExecStart=/bin/true#' "$unit" > "$work/etcdrill.service"
failed=0

result() {  # NAME STATUS, and why on standard input
  if [[ $2 -eq 0 ]]; then
    echo "ok $1"
  else
    echo "FAIL $1: $(tr '\n' ' ')"
    failed=1
  fi
}

# The exit status of verify forgives unknown directives, so any word about our file counts.
status=0
said=$(systemd-analyze verify "$work/etcdrill.service" 2>&1) || status=1
if grep -q 'etcdrill\.service' <<< "$said"; then status=1; fi
result unit-verifies $status <<< "$said"

status=0
said=$(systemd-analyze security --no-pager --offline=true --threshold=20 \
  "$work/etcdrill.service" 2>&1) || status=$?
result exposure-at-most-2.0 $status <<< "$(tail -n 1 <<< "$said")"

# What the drill's etcd and the safety of the store depend on.
has() {  # LINE
  status=0
  grep -qxF "$1" "$unit" || status=1
  result "has $1" $status <<< "the line is missing"
}
has 'Type=notify'
has 'ExecStart=/usr/bin/etcdrill run --config /etc/etcdrill/etcdrill.yaml'
reload='kill -HUP $MAINPID && exec etcdrill check config /etc/etcdrill/etcdrill.yaml > /dev/null'
has "ExecReload=/bin/sh -c '$reload'"
has 'SyslogLevel=err'
has 'User=etcdrill'
has 'KillMode=mixed'
has 'TimeoutStopSec=10'
has 'StateDirectory=etcdrill'
has 'StateDirectoryMode=0700'
has 'UMask=0077'
has 'LimitCORE=0'
has 'RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX'
status=0
if grep -q '^SystemCallFilter=~.*@resources' "$unit"; then status=1; fi
result priorities-can-be-set $status <<< "@resources is filtered out"

# The user and the directories, made in a root of their own.
mkdir -p "$work/root/etc"
status=0
said=$(systemd-sysusers --root="$work/root" "$repo/deploy/systemd/etcdrill.sysusers" 2>&1 &&
  systemd-tmpfiles --root="$work/root" --create "$repo/deploy/systemd/etcdrill.tmpfiles" \
    2>&1) || status=1
grep -q '^etcdrill:.*:/var/lib/etcdrill:/usr/sbin/nologin$' "$work/root/etc/passwd" || status=1
if [[ $EUID -eq 0 ]]; then # a group that only that root knows is told by its number
  group=$(sed -n 's/^etcdrill:[^:]*:\([0-9]*\):.*/\1/p' "$work/root/etc/group")
  [[ $(stat -c '%a %u %g' "$work/root/etc/etcdrill/pki") == "750 0 $group" ]] || status=1
fi
result user-and-directories $status <<< "$said"

# On a node with pods the directories are theirs.
if [[ $EUID -eq 0 ]]; then
  directories=("$work/root"/{etc/etcdrill,etc/etcdrill/pki,var/lib/etcdrill})
  chown 65532:65532 "${directories[@]}"
  chmod 0700 "${directories[@]}"
  status=0
  said=$(systemd-tmpfiles --root="$work/root" --create \
    "$repo/deploy/systemd/etcdrill.tmpfiles" 2>&1) || status=1
  owners=$(stat -c '%a %u %g' "${directories[@]}" | sort -u)
  [[ $owners == '700 65532 65532' ]] || status=1
  result directories-of-pods-stay-theirs $status <<< "$said $owners"
fi
exit $failed
