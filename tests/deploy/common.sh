# Sourced by the checks of what is installed: their results, a directory that goes, a tree of
# Debian, and a real etcd. It brings work, pids, failed.
set -euo pipefail

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
pids=()
failed=0
end_processes() {
  if [[ ${#pids[@]} -gt 0 ]]; then
    kill "${pids[@]}" 2> /dev/null || true
    wait "${pids[@]}" 2> /dev/null || true
  fi
}
finish() {
  end_processes
  if mountpoint -q "$work/root/proc"; then umount --lazy "$work/root/proc"; fi
  rm -rf --one-file-system "$work"
}
trap finish EXIT

# Ends the check: what it needs is not to be had here. ctest shows it as skipped.
skip() {  # WHY
  echo "skipped: $1"
  exit 77
}

# A tree of a release, from the archive that apt uses here.
debootstrap_tree() {  # RELEASE DIR OPTION...
  local archive
  archive=$(apt-get indextargets --format '$(CODENAME) $(LABEL) $(REPO_URI)' |
    awk '$1 == "bookworm" && $2 == "Debian" && !n++ {print $3}')
  timeout 300 debootstrap --variant=minbase "${@:3}" "$1" "$2" "$archive"
}

result() {  # NAME STATUS WHY
  if [[ $2 -eq 0 ]]; then echo "ok $1"; else echo "FAIL $1: $3"; failed=1; fi
}
nothing() {  # NAME TEXT: fails with the text, if there is one
  result "$1" "$([[ -z $2 ]] && echo 0 || echo 1)" "$2"
}

# Waits for COMMAND to succeed, for as many seconds.
wait_for() {  # SECONDS COMMAND...
  local end=$((SECONDS + $1))
  until "${@:2}" > /dev/null 2>&1; do
    if [[ $SECONDS -ge $end ]]; then return 1; fi
    sleep 0.1
  done
}

# An etcd with a key in it at $endpoint, by the binaries in ETCD_DIR; the port after the next one,
# $free_port, is nobody's.
start_etcd() {  # ETCD_DIR
  local port=$((20000 + RANDOM % 10000))
  endpoint=http://127.0.0.1:$port free_port=$((port + 2))
  "$1/etcd" --data-dir "$work/data" --log-level error \
    --listen-client-urls "$endpoint" --advertise-client-urls "$endpoint" \
    --listen-peer-urls "http://127.0.0.1:$((port + 1))" > "$work/etcd.log" 2>&1 &
  pids+=($!)
  wait_for 10 curl -sf "$endpoint/health"
  ETCDCTL_API=3 "$1/etcdctl" --endpoints "$endpoint" put key value > /dev/null
}

# Did a drill reach the last level, by the log in FILE, within half a minute?
drilled() {  # NAME FILE
  local status=0
  wait_for 30 grep -q 'msg="drill passed".* level_reached=5' "$2" || status=$?
  result "$1" "$status" "$(tail -n 3 "$2")"
}
