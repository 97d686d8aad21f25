#!/bin/sh
# Keeps one component process running; needs neither the agent nor Node once it is started.
# usage: keeper.sh DIR COMPONENT_ID CWD LOG BACKOFF_MS BACKOFF_MAX_MS HEALTHY_MS CGROUPS PROGRAM [ARG…]
# CGROUPS are the directories of the component's own cgroup, separated by spaces.
# In DIR: keeper.lock (held by this script), daemon.lock (held by the process itself, on fd 8), task.lock (held by whoever
# wants no start now), environment (the variables of the process, which takes them in itself), keeper and pid ("pid starttime bootid"), exits ("n epoch rc pid seconds"), stop (ends this script).
dir=$1 id=$2 cwd=$3 log=$4 min=$5 max=$6 healthy=$7 cgroups=$8
shift 8
cd "$dir" || exit 74
exec 9>>keeper.lock
flock -n 9 || exit 75
# In the cgroup of the task that started it, it would end with that task.
enter() { { mkdir -p "$1" && echo $$ >"$1/cgroup.procs"; } 2>/dev/null; }
for cgroup in $cgroups; do # again, because a sweep may take the empty one away in between
  enter "$cgroup" || enter "$cgroup" || enter "$cgroup" || exit 76
done
read -r boot </proc/sys/kernel/random/boot_id

# The fields of /proc/PID/stat after the name: the start time, field 22, is the 20th of them.
fields() { [ "$1" != Z ] && [ "$1" != X ] && echo "$who ${20} $boot"; }
identity() { who=$1 stat=$(cat "/proc/$1/stat" 2>/dev/null) && fields ${stat##*)}; }
alive() { p= && read -r p s b 2>/dev/null <pid && [ "$(identity "$p")" = "$p $s $b" ]; }
seconds() { read -r up _ </proc/uptime && echo "${up%.*}"; }
# Children must not hold the keeper's locks: an orphaned sleep would keep the next keeper out.
nap() { sleep "$(($1 / 1000)).$(printf %03d $(($1 % 1000)))" 7>&- 9>&- & sleeper=$!; wait $sleeper; kill $sleeper 2>/dev/null; }
locked() { (exec 8>>daemon.lock; flock -w "$1" 8 && exit 1; exit 0) 7>&- 9>&-; }
# What the last process left behind may hold its lock, its ports or its files.
sweep() {
  for file in $(grep -lzxF "STACKYARD_COMPONENT=$id" /proc/[0-9]*/environ 2>/dev/null 7>&- 9>&-); do
    p=${file#/proc/} p=${p%/environ}
    [ "$p" = $$ ] || kill -KILL "$p" 2>/dev/null
  done
  # A user's program that dropped its environment is still in the cgroup.
  for cgroup in $cgroups; do
    while read -r p; do
      [ "$p" = $$ ] || kill -KILL "$p" 2>/dev/null
    done 7>&- 9>&- <"$cgroup/cgroup.procs"
  done
}
# exec keeps pid and start time, so what is written here is true of the program, and the program holds the lock for life.
inner='exec 8>>daemon.lock; flock -n 8 || exit 75
record() { echo "$$ ${20} $boot"; }
boot=$1 cwd=$2 stat=$(cat /proc/$$/stat); shift 2
record ${stat##*)} >pid.tmp && mv pid.tmp pid && exec 6<environment && cd "$cwd" && exec "$@"'

identity $$ >keeper.tmp && mv keeper.tmp keeper
trap 'woken=1' USR1
record() { n=$((n + 1)) last=$2 && echo "$n $(date +%s) $1 $2 $3" >>exits; }
n=0 last=
read -r n _ _ last _ 2>/dev/null <<END
$(tail -n 1 exits 2>/dev/null)
END
n=${n:-0} delay=$min tries=0
while [ ! -e stop ]; do
  began=$(seconds)
  if locked 0; then # an earlier keeper's process, perhaps not recorded yet
    until alive || [ $tries -ge 10 ]; do nap 100; tries=$((tries + 1)); done
    alive || { sweep; continue; }
    pid=$p rc=unknown
    while alive && locked 1; do :; done
  else
    exec 7>>task.lock
    flock -n 7 || { exec 7>&-; nap 100; continue; }
    # An exit that no keeper saw.
    alive || { [ -n "$p" ] && [ "$p" != "$last" ] && record unknown "$p" 0; }
    sweep
    [ -e stop ] && break
    setsid sh -c "$inner" sh "$boot" "$cwd" "$@" >>"$log" 2>&1 </dev/null 7>&- 9>&- &
    pid=$! tries=10 rc=127
    exec 7>&-
    # A signal to this script cuts the wait short (138). Another wait tells the code, or 127 when it was told already.
    while woken=; wait $pid; code=$?; [ $code = 127 ] && [ $rc != 138 ] || rc=$code; [ -n "$woken" ] && [ $rc -gt 128 ]; do :; done
    [ $rc = 75 ] && alive && [ "$p" != $pid ] && continue
  fi
  ran=$(($(seconds) - began))
  record $rc "$pid" $ran
  [ $((n % 200)) = 0 ] && tail -n 50 exits >exits.tmp && mv exits.tmp exits
  [ $((ran * 1000)) -ge "$healthy" ] && delay=$min
  [ -e stop ] || nap "$delay"
  delay=$((delay * 2)) && [ $delay -gt "$max" ] && delay=$max
done
exit 0
