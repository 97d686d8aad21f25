#!/bin/sh
# Gives JournalNodes the changes of a NameNode that was alone so far, so that a second one can follow. Hadoop does that to
# a NameNode that is down; one that runs takes no changes meanwhile, and a copy of what it has is given. It has to be
# started again with its new files afterwards, and only then takes changes. It must not save its names in between: those
# that the second one has fetched would then be older than the changes that are given.
set -eu
[ -e "$NAME_DIR/current/VERSION" ] || exit 0
hadoop() { "$JAVA_HOME/bin/java" -XX:+UseSerialGC -cp "$CLASS_PATH" "$@"; }
admin() { hadoop org.apache.hadoop.hdfs.tools.DFSAdmin -fs "$AT" "$@"; }
from=$NAME_DIR
if [ -n "$RUNS" ]; then
  trap 'code=$?; rm -rf "$COPY"; [ $code -eq 0 ] || admin -safemode leave; exit $code' EXIT
  admin -safemode enter
  rm -rf "$COPY"
  mkdir -p "$COPY"
  cp -R "$NAME_DIR/current" "$COPY/current"
  from=$COPY
fi
hadoop org.apache.hadoop.hdfs.server.namenode.NameNode -D "dfs.namenode.name.dir=file://$from" \
  -initializeSharedEdits -nonInteractive
