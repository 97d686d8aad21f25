#!/bin/sh
# Makes the names of a new file system, or fetches those of one that is there. What has names is left as it is, whatever
# was forgotten elsewhere: formatting it would lose every file.
set -eu
if [ -e "$NAME_DIR/current/VERSION" ]; then
  echo "$NAME_DIR holds a file system already; it stays as it is."
  exit 0
fi
case $HOW in
  format) set -- -format -nonInteractive -clusterId "$CLUSTER" ;;
  fetch) set -- -bootstrapStandby -nonInteractive ;;
  # From one that was alone so far: its changes come to the JournalNodes a moment later.
  fetchFirst) set -- -bootstrapStandby -nonInteractive -skipSharedEditsCheck ;;
esac
exec "$JAVA_HOME/bin/java" -XX:+UseSerialGC -cp "$CLASS_PATH" org.apache.hadoop.hdfs.server.namenode.NameNode "$@"
