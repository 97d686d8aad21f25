#!/bin/sh
# Makes this machine a host of a Stackyard server: fetches the agent's bundle, verifies it, installs it below
# ROOT/opt/stackyard-agent, lets it join and starts it. A second run repairs what is there. Needs sh, tar, gzip, coreutils
# and util-linux, with curl or GNU wget unless a bundle is given; run it as root, or with a --root of your own.
# usage: join.sh --server HOST:PORT --enrol HOST:PORT --ca FILE --ca-sha256 HEX --name NAME
#                [--root DIR] [--address HOST] [--local] [--bundle FILE --bundle-sha256 HEX] [--token-stdin]
#        join.sh --remove [--root DIR]
# The token comes in STACKYARD_JOIN_TOKEN, or as the first line of standard input. This file is the same for every host:
# all that differs comes in as values, none of which is ever run as a command.
set -u
umask 077
LC_ALL=C
export LC_ALL
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH

# Exit codes tell whoever ran this, such as the server over SSH, what went wrong.
usage=64 not_root=70 tools_missing=71 architecture=72 no_space=73 unreachable=74 digest=76 not_runnable=77
not_started=80

say() { echo "stackyard: $*"; }
fail() { code=$1 && shift && echo "stackyard: $*" >&2 && exit "$code"; }
have() { command -v "$1" >/dev/null 2>&1; }

is_host() { case $1 in '' | [.-]* | *[!A-Za-z0-9.-]*) return 1 ;; esac && [ ${#1} -le 253 ]; }
is_port() { case $1 in '' | *[!0-9]*) return 1 ;; esac && [ ${#1} -le 5 ] && [ "$1" -ge 1 ] && [ "$1" -le 65535 ]; }
is_ip6() { case $1 in *[!0-9A-Fa-f:.]*) return 1 ;; *:*:*) [ ${#1} -le 45 ] ;; *) return 1 ;; esac; }
is_endpoint() {
  case $1 in *:*) is_port "${1##*:}" || return 1 ;; *) return 1 ;; esac
  host=${1%:*}
  case $host in
    \[*\]) host=${host#\[} && is_ip6 "${host%\]}" ;;
    *) is_host "$host" ;;
  esac
}
is_sha256() { case $1 in *[!0-9a-f]*) return 1 ;; esac && [ ${#1} -eq 64 ]; }
is_token() {
  case $1 in syj_*) ;; *) return 1 ;; esac
  case $1 in *[!A-Za-z0-9_-]*) return 1 ;; esac
  [ ${#1} -ge 40 ] && [ ${#1} -le 200 ]
}
is_root() {
  [ "$1" != / ] || return 0
  case $1 in /*) ;; *) return 1 ;; esac
  case $1/ in *[!A-Za-z0-9._/-]* | */../* | */./* | *//*) return 1 ;; esac
}
is_file() { case $1 in '' | -*) return 1 ;; esac && [ -f "$1" ] && [ ! -L "$1" ]; }
need() { [ $# -ge 2 ] || fail $usage "$1 needs a value."; }

server='' enrol='' ca='' ca_sha256='' name='' root=/ address='' local='' bundle='' bundle_sha256='' remove='' from_stdin=''
while [ $# -gt 0 ]; do
  case $1 in
    --server | --enrol | --ca | --ca-sha256 | --name | --root | --address | --bundle | --bundle-sha256) need "$@" ;;
  esac
  case $1 in
    --server) server=$2 && shift ;;
    --enrol) enrol=$2 && shift ;;
    --ca) ca=$2 && shift ;;
    --ca-sha256) ca_sha256=$2 && shift ;;
    --name) name=$2 && shift ;;
    --root) root=$2 && shift ;;
    --address) address=$2 && shift ;;
    --bundle) bundle=$2 && shift ;;
    --bundle-sha256) bundle_sha256=$2 && shift ;;
    --local) local=yes ;;
    --remove) remove=yes ;;
    --token-stdin) from_stdin=yes ;;
    *) fail $usage 'An argument is not known. The beginning of this script says which there are.' ;;
  esac
  shift
done
is_root "$root" || fail $usage '--root has to be an absolute path of letters, digits, ".", "_", "-" and "/".'
prefix=${root%/}
base=$prefix/opt/stackyard-agent

if [ -n "$remove" ]; then
  [ -x "$base/current/launcher.sh" ] || { say "There is no agent below $root." && exit 0; }
  exec sh "$base/current/launcher.sh" remove
fi

token=${STACKYARD_JOIN_TOKEN:-}
unset STACKYARD_JOIN_TOKEN
[ -z "$from_stdin" ] || read -r token || fail $usage 'Standard input has no token.'
is_endpoint "$server" || fail $usage '--server has to be HOST:PORT.'
is_endpoint "$enrol" || fail $usage '--enrol has to be HOST:PORT.'
is_host "$name" || fail $usage '--name has to be a host name of letters, digits, "." and "-".'
[ -n "$address" ] || address=$name
is_host "$address" || is_ip6 "$address" || fail $usage '--address has to be a host name or an IP address.'
is_sha256 "$ca_sha256" || fail $usage '--ca-sha256 has to be 64 hexadecimal digits in lower case.'
is_token "$token" || fail $usage 'The join token has not the form of one: syj_ and at least 36 letters, digits, "-" or "_".'
is_file "$ca" || fail $usage '--ca has to be the file of the certificate authority.'
if [ -n "$bundle$bundle_sha256" ]; then
  is_file "$bundle" || fail $usage '--bundle has to be a file.'
  is_sha256 "$bundle_sha256" || fail $usage '--bundle-sha256 has to be 64 hexadecimal digits in lower case.'
fi

say "Bringing in this machine as $name."
[ "$root" != / ] || [ "$(id -u)" = 0 ] || fail $not_root 'Run this as root (sudo), or give a --root of your own.'
missing=''
for tool in tar gzip sha256sum mktemp df uname readlink setsid flock setpriv fallocate; do have $tool || missing="$missing $tool"; done
[ -z "$missing" ] || fail $tools_missing "Missing here:$missing. Install tar, gzip, coreutils and util-linux."
[ -n "$bundle" ] || have curl || have wget || fail $tools_missing 'Neither curl nor wget is here. Install one of them.'
case $(uname -s)/$(uname -m) in
  Linux/x86_64) arch=x64 ;;
  Linux/aarch64) arch=arm64 ;;
  *) fail $architecture "There is no agent for $(uname -s) on $(uname -m), only for Linux on x86_64 and aarch64." ;;
esac

# PEM is base64 between two lines of dashes: what is hashed is the certificate itself.
sha256_of() { sha256sum <"$1" | cut -c 1-64; }
ca_found=$(grep -v -e - "$ca" | base64 -d 2>/dev/null | sha256sum | cut -c 1-64)
[ "$ca_found" = "$ca_sha256" ] || fail $digest "The certificate authority at $enrol is not the one the join command names. Somebody may be in between: do not go on."

if ! { mkdir -p "$base/versions" && [ -w "$base/versions" ]; } 2>/dev/null; then
  fail $not_root "Nothing can be written below $base by this user. Run this as root (sudo), and see that the disk is not full."
fi
free=$(df -Pk "$base" 2>/dev/null | tail -n 1 | { read -r _ _ _ free _ && echo "$free"; })
case $free in '' | *[!0-9]*) free=999999999 ;; esac
[ "$free" -ge 262144 ] || fail $no_space "Only $((free / 1024)) MB are free for $base, and 256 are needed."

work=$(mktemp -d "$base/join.XXXXXXXX") || fail $no_space "Nothing can be written below $base."
clean() {
  rm -rf "$work"
  # Where nothing was put in place, nothing stays.
  rmdir "$base/versions" "$base" 2>/dev/null
}
trap clean EXIT
trap 'exit 130' INT TERM HUP

# A server inside is not reached through a proxy to the outside.
fetch() {
  if have curl; then
    curl -fsS --proto =https --noproxy '*' --cacert "$ca" --connect-timeout 15 --max-time 900 -o "$2" "https://$enrol$1"
  else
    wget -q --no-proxy --ca-certificate="$ca" --connect-timeout=15 --tries=2 -O "$2" "https://$enrol$1"
  fi || fail $unreachable "https://$enrol$1 could not be fetched. Is the way from here to the server open, and the clock right?"
}
if [ -z "$bundle" ]; then
  say "Fetching the agent for $arch from $enrol."
  fetch "/bundles/$arch.sha256" "$work/sha256"
  bundle_sha256=$(cut -c 1-64 <"$work/sha256")
  is_sha256 "$bundle_sha256" || fail $digest 'The server did not say the digest of the bundle.'
  bundle=$work/bundle.tar.gz
  fetch "/bundles/$arch" "$bundle"
fi
[ "$(sha256_of "$bundle")" = "$bundle_sha256" ] || fail $digest 'The bundle is not the one the server means: its digest differs. Run this again.'

if ! { mkdir "$work/version" && gzip -dc "$bundle" | tar -xf - -C "$work/version" --no-same-owner; }; then
  fail $no_space "The bundle could not be unpacked to $base."
fi
version=$(sed -n 's/^{"version":"\([A-Za-z0-9._+-]*\)","arch":"'"$arch"'"}$/\1/p' "$work/version/bundle.json")
case $version in '' | .*) fail $architecture "The bundle is not one for $arch." ;; esac
"$work/version/bin/node" -e '' 2>"$work/why" || fail $not_runnable "Node does not run here: $(head -n 1 "$work/why"). It needs glibc 2.28 or later and libstdc++, and a file system that allows programs."

# Joining comes first: a version is put in place only where there is something for it to do, and until then nothing that
# was here is touched.
set -- --base "$base" --server "$server" --enrol "$enrol" --ca "$ca" --ca-sha256 "$ca_sha256"
set -- "$@" --name "$name" --root "$root" --address "$address"
[ -z "$local" ] || set -- "$@" --local
STACKYARD_JOIN_TOKEN=$token "$work/version/bin/node" "$work/version/agent/agent.mjs" install "$@" || exit $?

target=$base/versions/$version
[ ! -e "$target" ] || mv "$target" "$work/old"
if ! { mv "$work/version" "$target" && ln -sfn "versions/$version" "$base/current.new" && mv -T "$base/current.new" "$base/current"; }; then
  fail $no_space "The agent could not be put in place below $base."
fi
rm -f "$base/next" "$base/trying" "$base/failed"

launcher=$base/current/launcher.sh
boot="systemd does not run here: to have the agent started at boot, let the machine run: sh $launcher start"
if [ "$root" = / ] && [ -d /run/systemd/system ] && have systemctl; then
  if ! { install -m 0644 "$target/stackyard-agent.service" /etc/systemd/system/ && systemctl daemon-reload && systemctl enable -q stackyard-agent.service; }; then
    fail $not_started 'systemd does not take the unit stackyard-agent.service; see its journal.'
  fi
  boot='systemd starts the agent at boot.'
fi
if ! { sh "$launcher" stop && sh "$launcher" start; }; then
  fail $not_started "The agent did not start; see $prefix/var/log/stackyard/launcher.log, and run this again."
fi
tries=0
until sh "$launcher" status 2>/dev/null | grep -q 'has reached the server'; do
  tries=$((tries + 1))
  [ $tries -lt 60 ] || fail $not_started "The agent runs and goes on trying, but has not reached $server within 60 s; see $prefix/var/log/stackyard/agent.log."
  sleep 1
done
say "$name has joined, with version $version. $boot"
