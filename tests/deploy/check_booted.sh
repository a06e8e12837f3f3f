#!/usr/bin/env bash
# Boots a clean Debian 12 under its own systemd, and does there what docs/quickstart.md,
# deploy/systemd/README.md and docs/restore.md tell a newcomer to do: their commands are taken
# out of the pages and run as they stand. Then what only a real systemd can show: reloads, stops in
# the middle of a drill, crashes, hangs, an upgrade, and the removal.
#
# The tree is made by debootstrap at the archive that apt uses here, without as much as procps, and
# is kept in BUILD_DIR with all packages that etcdrill depends on. It boots in systemd-nspawn with a
# network of its own. Without root, those two programs, the archive, or a kernel that lets it boot:
# 77 (skipped). Usage: check_booted.sh BUILD_DIR ETCD_DIR
source "$(dirname "$0")/common.sh"
build=$(cd "$1" && pwd) etcd=$(cd "$2" && pwd)
if [[ $EUID -ne 0 ]]; then skip "only root may boot a tree"; fi
for program in systemd-nspawn debootstrap; do
  type -P "$program" > /dev/null || skip "no $program"
done

(cd "$build" && cpack -G DEB -B "$work") > "$work/cpack.log" 2>&1 || {
  cat "$work/cpack.log"
  exit 1
}
deb=$(echo "$work"/etcdrill_*_*.deb)

# --- The tree ---

base=$build/debian-12-$(dpkg-deb -f "$deb" Depends | md5sum | cut -c1-8)
make_base() {
  rm -rf --one-file-system "$build"/debian-12-*
  debootstrap_tree bookworm "$base.part" --include=systemd,systemd-sysv,dbus || return 1
  cp "$deb" "$base.part/tmp/etcdrill.deb"
  chroot "$base.part" timeout 200 apt-get install -q -y --no-install-recommends --download-only \
    /tmp/etcdrill.deb || return 1
  mv "$base.part" "$base"
}
if [[ ! -e $base ]]; then
  make_base > "$work/base.log" 2>&1 || skip "no tree of Debian 12: $(tail -n 1 "$work/base.log")"
fi
root=$work/root
cp -a "$base" "$root"
cp "$deb" "$root/root/etcdrill_new_amd64.deb"
echo '127.0.0.1 localhost' > "$root/etc/hosts"

# In a control group of its own: two that run beside each other would take each other's services for
# their own.
groups=(/sys/fs/cgroup{,/systemd,/unified}/booted-$$)
leave() {
  finish
  for group in "${groups[@]}"; do
    if [[ -d $group ]]; then
      find "$group" -depth -type d -exec rmdir {} + 2> /dev/null || true
    fi
  done
}
trap leave EXIT
(
  for group in "${groups[@]}"; do
    if [[ -e $(dirname "$group")/cgroup.procs ]]; then
      mkdir "$group" && echo "$BASHPID" > "$group/cgroup.procs"
    fi
  done
  exec setpriv --pdeathsig TERM systemd-nspawn --boot --register=no --keep-unit --private-network \
    --console=pipe --quiet --directory="$root" --machine="booted-$$" < /dev/null
) > "$work/boot.log" 2>&1 &
pids+=($!)
init() { tr -d ' ' < "/proc/${pids[0]}/task/${pids[0]}/children"; }
inside() {  # COMMAND...: as root, in the booted tree
  timeout 60 nsenter --target "$(init)" --all \
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
    LANG=C.UTF-8 "$@"
}
wait_for 30 inside systemctl is-active multi-user.target ||
  skip "the tree does not boot here: $(tail -n 1 "$work/boot.log")"

# --- What the checks ask ---

shell() { inside bash -euc "$1"; }
journal() { inside journalctl --unit etcdrill --no-pager --output cat "$@"; }
property() { inside systemctl show --property "$1" --value etcdrill; }
is_property() { [[ $(property "$1") == "$2" ]]; }
# PATTERN [OPTION OF JOURNALCTL]...: since the last `from_now`
logs() { journal --since "@$since" "${@:2}" | grep -q "$1"; }
from_now() { sleep 1; since=$(date +%s); }  # the journal counts in seconds
drill_etcd() { shell 'grep -lz "etcdrill/[s]cratch" /proc/[0-9]*/cmdline'; }
check() {  # NAME COMMAND...
  local status=0 said
  said=$("${@:2}" 2>&1) || status=$?
  result "$1" "$status" "$(tail -n 5 <<< "$said")"
}
within() { check "$2" wait_for "$1" "${@:3}"; }  # SECONDS NAME COMMAND...
fails() { ! "$@"; }
block_after() {  # PAGE MARK: the first block of shell after it
  awk -v mark="$2" '
    index($0, mark) {near = 1}
    near && /^```sh/ {on = 1; next}
    /^```$/ {if (on) exit}
    on' "$repo/$1"
}

# --- An etcd with TLS and client certificates, as a service ---

install -m 0755 "$etcd/etcd" "$etcd/etcdctl" "$root/usr/bin/"
"$repo/tests/support/make-certs" "$root/root/pki"
cat > "$root/etc/systemd/system/etcd.service" <<'UNIT'
[Service]
Type=notify
ExecStart=/usr/bin/etcd --name etcd-1 --data-dir /var/lib/etcd --log-level error \
  --listen-client-urls https://127.0.0.1:2379 --advertise-client-urls https://127.0.0.1:2379 \
  --cert-file /root/pki/server.crt --key-file /root/pki/server.key \
  --client-cert-auth --trusted-ca-file /root/pki/ca.crt
UNIT
cat > "$root/root/etcdctl.env" <<'ENV'
export ETCDCTL_API=3 ETCDCTL_ENDPOINTS=https://127.0.0.1:2379 ETCDCTL_CACERT=/root/pki/ca.crt
export ETCDCTL_CERT=/root/pki/client.crt ETCDCTL_KEY=/root/pki/client.key
ENV
shell 'systemctl start etcd; . /root/etcdctl.env
  for n in 1 2 3; do etcdctl put "/registry/pods/$n" "$n"; done' > /dev/null

# --- docs/quickstart.md: next to etcd, under systemd ---

check installs-with-all-it-depends-on \
  inside apt-get install -q -y --no-install-recommends /root/etcdrill_new_amd64.deb
nothing not-started-yet "$(inside systemctl is-active etcdrill | grep -vx inactive || true)"
cat > "$root/usr/local/bin/editor" <<'SH'
#!/bin/sh
exec sed -i '/jitter:/d' "$1"
SH
chmod 0755 "$root/usr/local/bin/editor"
block_after docs/quickstart.md '## Configure and start' > "$root/root/five-minutes"
from_now
check the-commands-of-the-quickstart shell 'cd /root/pki; set -x; . /root/five-minutes'
within 30 a-restorable-backup shell 'eval "$(tail -n 1 /root/five-minutes)" | grep " restorable "'
check drilled-to-level-5-under-the-unit logs 'msg="drill passed".* level_reached=5'
nothing nothing-to-complain-of \
  "$(journal --priority warning | grep -v '^-- No entries --$' || true)"
check ready-is-told is_property ActiveState active
check unit-verifies inside systemd-analyze verify etcdrill.service
check exposure-at-most-2.0 \
  inside systemd-analyze security --no-pager --threshold=20 etcdrill.service
nothing readable-for-it-alone "$(inside find /var/lib/etcdrill -perm /0077 -o ! -user etcdrill)"

# --- deploy/systemd/README.md: changes ---

config=$root/etc/etcdrill/etcdrill.yaml
sed -i -e 's/"@every 6h"/"@every 1s"/' -e '/older: 1\/7/d' "$config"
from_now
check reloads inside systemctl reload etcdrill
within 10 reload-in-the-log logs 'msg="configuration reloaded"'
sed -i 's/^drill:/drilll:/' "$config"
check reload-of-a-wrong-file-fails fails inside systemctl reload etcdrill
within 10 the-wrong-line-is-an-error-in-the-journal logs 'did you mean drill?' --priority err
within 10 goes-on-as-before logs 'msg="drill passed"'
sed -i 's/^drilll:/drill:/' "$config"

# --- Stops, crashes, hangs ---

within 10 a-drill-runs drill_etcd
began=$SECONDS
check stops-in-the-middle-of-a-drill inside systemctl stop etcdrill
check within-5-seconds test $((SECONDS - began)) -le 5
check ends-well is_property Result success
nothing no-process-is-left "$(drill_etcd || true)"
nothing no-scratch-is-left "$(inside find /var/lib/etcdrill/scratch -mindepth 1)"

inside systemctl start etcdrill
within 10 another-drill-runs drill_etcd
from_now
shell 'kill -KILL "$(systemctl show --property MainPID --value etcdrill)"'
within 3 its-etcd-ends-with-it fails drill_etcd
within 15 comes-back-after-a-crash logs 'msg="drill passed"'

mkdir "$root/etc/systemd/system/etcdrill.service.d"
printf '[Service]\nWatchdogSec=4\n' > "$root/etc/systemd/system/etcdrill.service.d/watchdog.conf"
shell 'systemctl daemon-reload; systemctl restart etcdrill'
sleep 5
check the-watchdog-is-fed is_property NRestarts 0
shell 'kill -STOP "$(systemctl show --property MainPID --value etcdrill)"'
within 30 restarted-after-a-hang is_property NRestarts 1
check because-of-the-watchdog logs 'Watchdog timeout'
rm -r "$root/etc/systemd/system/etcdrill.service.d"

# A network that comes up after us: the address of web.listen is not there yet.
sed -i 's/127.0.0.1:9379/10.1.2.3:9379/' "$config"
shell 'systemctl daemon-reload; systemctl restart etcdrill' > /dev/null 2>&1 || true
check waits-for-its-address is_property SubState auto-restart
nsenter --target "$(init)" --net ip address add 10.1.2.3/32 dev lo
within 15 starts-once-the-address-is-there is_property SubState running
sed -i 's/10.1.2.3:9379/127.0.0.1:9379/' "$config"

# --- docs/quickstart.md: next to a cron job that takes snapshots ---

adopt=$(grep '^store: {path: .*adopt:' "$repo/docs/quickstart.md" |
  sed 's/}.*/, adopt_quiet: 1s}/')
rights=$(block_after docs/quickstart.md '## Keep your cron job')
sed -i -e "s#^store:#$adopt#" -e '/^  path: /d' -e 's/"@every 1h" .*/none/' "$config"
from_now
shell "mkdir -p /var/backups/etcd; $rights; systemctl restart etcdrill; . /root/etcdctl.env
  etcdctl put of-cron 1; etcdctl snapshot save /var/backups/etcd/of-cron.db
  chmod 0640 /var/backups/etcd/*.db" > /dev/null 2>&1
within 20 adopts-what-cron-took \
  logs 'msg="snapshot adopted".*verdict=proven file=/var/backups/etcd/of-cron.db'
within 20 and-drills-it logs 'msg="drill passed".*snapshot=prod-00000000000000000005-'

# --- docs/restore.md: one member, everything is lost but the store ---

{
  block_after docs/restore.md '```sh settings'
  echo 'SNAPSHOT=$(ls /var/lib/etcdrill/snapshots/prod-00000000000000000005-*.db)'
  echo 'OWNER=root:root NAME=etcd-1 PEER=http://localhost:2380 CLUSTER=$NAME=$PEER'
  echo 'export ETCDCTL_ENDPOINTS=https://127.0.0.1:2379'
} > "$root/root/settings"
shell '. /root/etcdctl.env; etcdctl put lost 1; etcdctl del --prefix /registry/' > /dev/null
for step in choose prove stop-systemd restore start-systemd check first-snapshot; do
  block_after docs/restore.md "\`\`\`sh $step" > "$root/root/$step"
  check "worst-day-$step" shell ". /root/settings; set -x; . /root/$step"
done
keys='. /root/etcdctl.env; etcdctl get "" --prefix --keys-only | grep .'
nothing what-was-lost-is-back "$(diff <(shell "$keys") \
  <(printf '%s\n' /registry/pods/{1,2,3} of-cron) || true)"

# --- Upgrade, removal ---

before=$(property MainPID)
check upgrades-while-it-runs inside dpkg --install /root/etcdrill_new_amd64.deb
check goes-on-with-the-new-program fails is_property MainPID "$before"
within 10 and-is-ready is_property SubState running
check is-removed inside apt-get remove -q -y etcdrill
nothing the-service-is-gone "$(shell '
  systemctl is-active etcdrill | grep -vx inactive || true
  find /etc/systemd /lib/systemd -name "etcdrill*"
  ls -l /proc/*/exe 2> /dev/null | grep etcdrill || true')"
check is-purged inside dpkg --purge etcdrill
nothing the-configuration-is-gone "$(inside find /etc/etcdrill -name '*.yaml')"
check snapshots-and-certificates-stay \
  shell 'ls /var/lib/etcdrill/snapshots/*.db /etc/etcdrill/pki/client.key'
exit $failed
