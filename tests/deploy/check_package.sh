#!/usr/bin/env bash
# Builds the .deb in a build tree, looks at what is in it, installs it, runs it as its unit would,
# upgrades, removes and purges it.
#
# Installed into TREE if one is given: a clean Debian 12, such as debootstrap makes, by its own apt,
# with all dependencies. That takes minutes, so the test does without: an empty root with a dpkg
# database of its own, whose libraries are those that ldd names; that they come from the packages
# that the .deb depends on is then checked apart.
# Installing needs root; without, 77 (skipped). Usage: check_package.sh BUILD_DIR ETCD_DIR [TREE]
source "$(dirname "$0")/common.sh"
build=$(cd "$1" && pwd) etcd=$(cd "$2" && pwd) tree=${3:-}

(cd "$build" && cpack -G DEB -B "$work") > "$work/cpack.log" 2>&1 || {
  cat "$work/cpack.log"
  exit 1
}
deb=$(echo "$work"/etcdrill_*_*.deb)
unpacked=$work/unpacked
dpkg-deb --raw-extract "$deb" "$unpacked"

# --- What is in it ---

missing=
while read -r mode path; do
  [[ $(stat -c %a "$unpacked$path" 2>&1) == "$mode" ]] || missing+="$mode $path; "
done <<'FILES'
644 /etc/etcdrill/etcdrill.yaml
755 /usr/bin/etcdrill
644 /usr/lib/systemd/system/etcdrill.service
644 /usr/lib/sysusers.d/etcdrill.conf
644 /usr/lib/tmpfiles.d/etcdrill.conf
644 /usr/share/bash-completion/completions/etcdrill
644 /usr/share/doc/etcdrill/changelog.gz
644 /usr/share/doc/etcdrill/copyright
644 /usr/share/doc/etcdrill/examples/etcdrill.yaml
644 /usr/share/doc/etcdrill/restore.md
644 /usr/share/etcdrill/alerts/freshness.yml
644 /usr/share/etcdrill/alerts/runbooks/EtcdBackupSnapshotStale.md
644 /usr/share/etcdrill/dashboards/etcdrill-overview.json
644 /usr/share/etcdrill/docs/monitoring.md
644 /usr/share/etcdrill/docs/reference/alerts.md
644 /usr/share/fish/vendor_completions.d/etcdrill.fish
644 /usr/share/man/man1/etcdrill.1.gz
644 /usr/share/man/man5/etcdrill.yaml.5.gz
644 /usr/share/zsh/vendor-completions/_etcdrill
755 /DEBIAN/postinst
755 /DEBIAN/prerm
755 /DEBIAN/postrm
FILES
nothing all-files "$missing"
runbooks=$unpacked/usr/share/etcdrill/alerts/runbooks dangling=
for link in $(grep -ohE '\]\([^)#:]+' "$runbooks"/*.md | cut -c3- | sort -u); do
  [[ -e $runbooks/$link ]] || dangling+="$link; "
done
nothing runbooks-link-to-what-is-installed "$dangling"
wrong=$(dpkg-deb --contents "$deb" | grep -vE '^[-d]r[-w]x?r?-?x?.* root/root ' || true)
nothing nobody-else-may-write "$wrong$(find "$unpacked" -perm -o+w ! -type l)"
nothing one-conffile \
  "$(diff <(echo /etc/etcdrill/etcdrill.yaml) "$unpacked/DEBIAN/conffiles" || true)"
nothing no-path-of-this-machine "$(grep -rlF "$repo" "$unpacked" || true)"
nothing changelog-has-the-version "$(diff <(dpkg-deb -f "$deb" Version) \
  <(dpkg-parsechangelog -l "$repo/deploy/debian/changelog" -S Version) || true)"
for page in man1/etcdrill.1 man5/etcdrill.yaml.5; do
  nothing "manual-$page" "$(zcat "$unpacked/usr/share/man/$page.gz" | mandoc -T lint |
    grep -vE 'cannot parse date|longer than 80' || true)"
done
status=0
said=$("$unpacked/usr/bin/etcdrill" check config --syntax-only \
  "$unpacked/etc/etcdrill/etcdrill.yaml" 2>&1) || status=$?
result its-configuration-is-valid "$status" "$said"

# Every library that the program names comes from a package that is depended on.
depends=$(dpkg-deb -f "$deb" Depends | tr ',|' '\n\n' | awk '{print $1}')
undepended=
for library in $(objdump -p "$unpacked/usr/bin/etcdrill" | awk '$1 == "NEEDED" {print $2}'); do
  path=$(ldd "$unpacked/usr/bin/etcdrill" | awk -v name="$library" '$1 == name {print $3}')
  [[ -n $path ]] || continue # the loader itself
  path=$(readlink -f "$path") # which dpkg may know without /usr
  package=$({ dpkg -S "$path" "${path#/usr}" 2> /dev/null || true; } | head -n 1 | cut -d: -f1)
  grep -qxF "${package:-unknown}" <<< "$depends" ||
    undepended+="$library of ${package:-no package}; "
done
nothing depends-on-its-libraries "$undepended"

if [[ $EUID -ne 0 ]]; then
  if [[ $failed -ne 0 ]]; then exit 1; fi
  skip "only root may install"
fi

# --- Installed ---

if [[ -n $tree ]]; then
  root=$(cd "$tree" && pwd)
  package_tool() {
    cp "$deb" "$root/tmp/etcdrill.deb"
    DEBIAN_FRONTEND=noninteractive unshare --mount \
      bash -c 'mount -t proc proc "$0/proc" && chroot "$0" "$@"' "$root" "$@"
  }
  install=(apt-get install -q -y --no-install-recommends --reinstall /tmp/etcdrill.deb)
  remove=(dpkg --remove etcdrill) purge=(dpkg --purge etcdrill)
else
  root=$work/root
  mkdir -p "$root"/{etc,tmp,usr/{bin,lib,lib64},var/lib/dpkg/{info,updates}}
  ln -s usr/bin usr/lib usr/lib64 "$root"
  touch "$root/var/lib/dpkg/status"
  # The scripts run outside, and are told the root (DPKG_ROOT); the packages that it depends on are
  # not there.
  package_tool() {
    "$1" --root="$root" --log="$work/dpkg.log" --force-script-chrootless --force-depends "${@:2}"
  }
  install=(dpkg --install "$deb") remove=(dpkg --remove etcdrill) purge=(dpkg --purge etcdrill)
  ldd "$unpacked/usr/bin/etcdrill" | grep -oE '/[^ ]+' | sort -u | while read -r library; do
    install -D -m 0755 "$(readlink -f "$library")" "$root$library"
  done
fi
host_users=$(md5sum /etc/passwd /etc/group)
status=0
said=$(package_tool "${install[@]}" 2>&1) || status=$?
result installs "$status" "$(tail -n 5 <<< "$said")"
if [[ $status -ne 0 ]]; then exit 1; fi
nothing leaves-this-machine-alone \
  "$(diff <(echo "$host_users") <(md5sum /etc/passwd /etc/group) || true)"
nothing not-enabled "$(find "$root/etc/systemd" -name 'etcdrill*' 2> /dev/null || true)"

uid=$(awk -F: '$1 == "etcdrill" {print $3}' "$root/etc/passwd")
gid=$(awk -F: '$1 == "etcdrill" {print $3}' "$root/etc/group")
[[ -n $uid && -n $gid && $uid -ne 0 ]] && status=0 || status=1
result has-its-user "$status" "uid '$uid', gid '$gid'"
[[ $(stat -c '%a %u %g' "$root/etc/etcdrill/pki") == "750 0 $gid" ]] && status=0 || status=1
result certificates-for-it-alone "$status" "$(stat -c '%a %u %g' "$root/etc/etcdrill/pki" 2>&1)"
[[ $(stat -c '%a %u %g' "$root/etc/etcdrill") == "750 0 $gid" ]] && status=0 || status=1
result configuration-for-it-alone "$status" "$(stat -c '%a %u %g' "$root/etc/etcdrill" 2>&1)"
[[ $(stat -c '%a %u %g' "$root/var/lib/etcdrill") == "700 $uid $gid" ]] && status=0 || status=1
result state-for-it-alone "$status" "$(stat -c '%a %u %g' "$root/var/lib/etcdrill" 2>&1)"

# As the unit runs it, as far as that can be had without systemd: its user, umask, no core, no new
# privileges, all read-only but its state, a /tmp and a /proc of its own.
install -D -m 0755 "$etcd/etcd" "$root/usr/bin/etcd"
mkdir -p "$root"/{proc,dev}
[[ -e $root/dev/null ]] || mknod -m 0666 "$root/dev/null" c 1 3
start_etcd "$etcd"
# What a person edits: the endpoints, no certificates, a free port; and no waiting before the first
# run.
sed -i -e '/jitter:/d' -e "s#https://127.0.0.1:2379#$endpoint#" -e '/_file: pki/d' \
  -e "s#127.0.0.1:9379#127.0.0.1:$free_port#" "$root/etc/etcdrill/etcdrill.yaml"
edited=$(md5sum < "$root/etc/etcdrill/etcdrill.yaml")
command=$(sed -n 's/^ExecStart=//p' "$root/usr/lib/systemd/system/etcdrill.service")
cat > "$work/as-service" <<SH
set -e
mount --bind "$root" "$root"
mount --bind "$root/var/lib/etcdrill" "$root/var/lib/etcdrill"
mount -t tmpfs tmpfs "$root/tmp"
mount -t proc -o subset=pid proc "$root/proc"
mount -o remount,bind,ro "$root"
umask 0077
ulimit -c 0
exec setpriv --no-new-privs --pdeathsig KILL \
  chroot --userspec="$uid:$gid" --groups= "$root" $command
SH
unshare --mount bash "$work/as-service" > "$work/etcdrill.log" 2>&1 &
pids+=($!)
drilled drills-to-level-5-as-its-unit "$work/etcdrill.log"
nothing readable-for-it-alone "$(find "$root/var/lib/etcdrill" -perm /0077 -o ! -user "$uid")"
kill "${pids[1]}" 2> /dev/null || true # it may have ended by itself, which the next line tells
status=0
wait "${pids[1]}" || status=$?
result ends-when-it-is-told-to "$status" "exit status $status"
unset 'pids[1]'

status=0
said=$(package_tool "${install[@]}" 2>&1) || status=$?
[[ $(md5sum < "$root/etc/etcdrill/etcdrill.yaml") == "$edited" ]] || status=1
result an-upgrade-keeps-the-configuration "$status" "$(tail -n 3 <<< "$said")"
status=0
said=$(package_tool "${remove[@]}" 2>&1) || status=$?
[[ ! -e $root/usr/bin/etcdrill && -e $root/etc/etcdrill/etcdrill.yaml ]] || status=1
result removing-keeps-the-configuration "$status" "$(tail -n 3 <<< "$said")"
status=0
said=$(package_tool "${purge[@]}" 2>&1) || status=$?
[[ ! -e $root/etc/etcdrill/etcdrill.yaml ]] || status=1
[[ -n $(find "$root/var/lib/etcdrill/snapshots" -name '*.db') ]] || status=1
grep -q 'the snapshots in /var/lib/etcdrill stay' <<< "$said" || status=1
result purging-keeps-the-snapshots "$status" "$(tail -n 3 <<< "$said")"
exit $failed
