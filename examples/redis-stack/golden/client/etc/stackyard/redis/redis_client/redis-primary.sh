#!/bin/sh
# redis-cli at the primary.
set -- 10.0.0.1 6379 "$@"
host=$1 port=$2
shift 2
exec redis-cli -h "$host" -p "$port" "$@"
