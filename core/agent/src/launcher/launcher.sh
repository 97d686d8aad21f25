#!/bin/sh
# Runs the agent of a host, again whenever it ends, and tries a new version of it: one that does not reach the server
# within its limit is given up for the one before. Needs sh, flock, setsid and readlink.
# usage: launcher.sh run|start|stop|status|remove
# Beside `versions/` and `current`, the link to one of them, lie:
#   agent.args   arguments of the agent, one a line
#   next         "version seconds": to be tried at the next start of the agent, and how long
#   trying       "version before seconds starts": is being tried, instead of the one before
#   failed       "version reason": was given up
#   connected    "version pid": written by the agent once the server has answered it
#   launcher     "pid starttime bootid" of the running launcher, launcher.lock is held by it
set -u
umask 077
LC_ALL=C
export LC_ALL
here=$(cd "$(dirname "$0")" && pwd -P) || exit 74
base=${here%/versions/*}
root=${base%/opt/stackyard-agent}
log=$root/var/log/stackyard/launcher.log
unit=/etc/systemd/system/stackyard-agent.service
cd "$base" || exit 74
read -r boot </proc/sys/kernel/random/boot_id

say() { echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) $*"; }
seconds() { read -r up _ </proc/uptime && echo "${up%.*}"; }
# The fields of /proc/PID/stat after the name: the start time, field 22, is the 20th of them.
fields() { [ "$1" != Z ] && [ "$1" != X ] && echo "$who ${20} $boot"; }
# shellcheck disable=SC2086
identity() { who=$1 stat=$(cat "/proc/$1/stat" 2>/dev/null) && fields ${stat##*)}; }
# The running launcher, by pid, start time and boot: a pid alone is given to somebody else.
running() { p='' && read -r p s b 2>/dev/null <launcher && [ "$(identity "$p")" = "$p $s $b" ]; }
managed() { [ -z "$root" ] && [ -d /run/systemd/system ] && [ -f "$unit" ]; }
current() { link=$(readlink current) && echo "${link#versions/}"; }
# The link is replaced in one step, so there is always a version to start.
switch() { ln -sfn "versions/$1" current.new && mv -T current.new current; }
keep() { file=$1 && shift && echo "$*" >"$file.new" && mv "$file.new" "$file"; }
known() {
  case $1 in '' | .* | *[!A-Za-z0-9._+-]*) return 1 ;; esac
  [ -x "versions/$1/bin/node" ] && [ -f "versions/$1/agent/agent.mjs" ]
}
connected() { v='' && read -r v _ 2>/dev/null <connected && [ "$v" = "$1" ]; }

# Whether anything runs from this version.
used() {
  for exe in /proc/[0-9]*/exe; do
    case $(readlink "$exe" 2>/dev/null) in "$base/$1/"*) return 0 ;; esac
  done
  return 1
}
# What neither runs nor is needed to go back goes: scripts of tasks may outlive the agent that started them.
prune() {
  for old in versions/*; do
    [ "$old" = "versions/$1" ] || [ "$old" = "versions/$2" ] || [ "$old" = "versions/$(current)" ] && continue
    used "$old" || rm -rf "$old"
  done
}

give_up() {
  say "Version $1 $3. Going back to $2."
  switch "$2" && keep failed "$1 $3" && rm -f trying
}

# A staged version takes its turn.
take_next() {
  [ -f next ] || return 0
  version='' limit=''
  read -r version limit <next
  rm -f next
  case $limit in '' | *[!0-9]*) limit=120 ;; esac
  before=$(current)
  if ! known "$version"; then
    say "Version $version is not here, or not whole." && keep failed "$version was not staged"
  elif [ "$version" != "$before" ]; then
    say "Trying version $version, for $limit seconds at most."
    rm -f failed && keep trying "$version $before $limit 0" && switch "$version"
  fi
}

launch() {
  rm -f connected
  version=$(current) && dir=$base/versions/$version
  set --
  while IFS= read -r line; do set -- "$@" "$line"; done <"$dir/node.args"
  set -- "$@" "$dir/agent/agent.mjs"
  while IFS= read -r line; do set -- "$@" "$line"; done <agent.args
  MALLOC_ARENA_MAX=1 STACKYARD_LAUNCHER=$base STACKYARD_AGENT_VERSION=$version "$dir/bin/node" "$@" 9>&- &
  agent=$!
}

# Until the version on trial has reached the server, has ended too often, or its time is up.
watch_trial() {
  read -r version before limit starts <trying || return 0
  starts=$((starts + 1)) && keep trying "$version $before $limit $starts"
  [ -n "$trial_began" ] || trial_began=$(seconds)
  while [ -z "$ending" ] && [ -n "$(identity "$agent")" ] && ! connected "$version"; do
    [ $(($(seconds) - trial_began)) -lt "$limit" ] || break
    nap 1
  done
  [ -z "$ending" ] || return 0
  if connected "$version"; then
    say "Version $version reached the server and stays."
    rm -f trying && trial_began=''
    prune "$version" "$before"
  elif [ $(($(seconds) - trial_began)) -ge "$limit" ] || [ "$starts" -ge 5 ]; then
    reason="did not reach the server within $limit seconds"
    [ "$starts" -lt 5 ] || reason="ended $starts times without reaching the server"
    trial_began='' && stop_agent
    give_up "$version" "$before" "$reason"
  fi
}

nap() { sleep "$1" 9>&- & sleeper=$!; wait $sleeper; kill $sleeper 2>/dev/null; }
# A second signal would end it before it has said goodbye to the server.
tell() { [ "$told" = "$agent" ] || { told=$agent && kill -TERM "$agent" 2>/dev/null; }; }
stop_agent() {
  tell
  tries=0
  while [ -n "$(identity "$agent")" ]; do
    tries=$((tries + 1))
    [ $tries -lt 200 ] || kill -KILL "$agent" 2>/dev/null
    sleep 0.1 9>&-
  done
}
# A signal cuts a wait short.
wait_for_agent() {
  # It may have come when the agent was not known yet.
  [ -z "$ending" ] || tell
  while wait "$agent"; rc=$?; [ $rc -gt 128 ] && [ -n "$(identity "$agent")" ]; do
    [ -z "$ending" ] || stop_agent
  done
}

run() {
  exec 9>>launcher.lock
  flock -n 9 || { say 'Another launcher runs this agent already.' >&2 && exit 75; }
  keep launcher "$(identity $$)"
  ending='' agent='' told='' delay=1 trial_began=''
  trap 'ending=1; tell' TERM INT HUP
  while [ -z "$ending" ]; do
    take_next
    began=$(seconds)
    launch
    [ ! -f trying ] || watch_trial
    wait_for_agent
    [ -z "$ending" ] || break
    [ ! -f next ] || { delay=1 && continue; }
    [ ! -f trying ] && [ $(($(seconds) - began)) -lt 60 ] || delay=1
    # What starts the next agent is the launcher of its own version.
    next_launcher=versions/$(current)/launcher.sh
    if [ ! -f trying ] && ! cmp -s "$here/launcher.sh" "$next_launcher" && sh -n "$next_launcher"; then
      trap - TERM INT HUP
      exec sh "$base/$next_launcher" run
    fi
    say "The agent ended with code $rc and is started again in $delay s."
    nap $delay
    delay=$((delay * 2)) && [ $delay -le 30 ] || delay=30
  done
  rm -f launcher
  say 'The agent has been stopped.'
}

start() {
  if managed; then systemctl start stackyard-agent.service && return; fi
  running && return 0
  mkdir -p "${log%/*}"
  [ "$(wc -c 2>/dev/null <"$log" || echo 0)" -lt 1000000 ] || mv "$log" "$log.1"
  setsid sh "$base/current/launcher.sh" run >>"$log" 2>&1 </dev/null &
  tries=0
  until running; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] || { echo "The launcher did not start; see $log." >&2 && return 1; }
    sleep 0.1
  done
}

stop() {
  if managed; then systemctl stop stackyard-agent.service && return; fi
  running || return 0
  kill -TERM "$p"
  tries=0
  while running; do
    tries=$((tries + 1))
    [ $tries -lt 400 ] || { echo "The launcher, process $p, does not end." >&2 && return 1; }
    sleep 0.1
  done
}

# Takes the agent from the host. Components go on; their programs, configs, data and logs stay where they are.
remove() {
  stop || return 1
  if managed; then
    systemctl disable -q stackyard-agent.service
    rm -f "$unit" && systemctl daemon-reload
  fi
  cd / && rm -rf "$base" "$root/var/lib/stackyard/agent"
  echo 'The agent is removed. Components and their data were not touched; forget the host by "stackyard host remove".'
}

case ${1:-} in
  run | start | stop | remove) "$1" ;;
  status)
    running || { echo "Version $(current), not running." && exit 1; }
    if connected "$(current)"; then how='has reached the server'; else how='has not reached the server yet'; fi
    echo "Version $(current), launcher process $p; the agent $how."
    [ ! -f failed ] || { read -r version reason <failed && echo "Version $version $reason and was given up."; }
    ;;
  *) echo 'usage: launcher.sh run|start|stop|status|remove' >&2 && exit 64 ;;
esac
