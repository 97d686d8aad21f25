#!/bin/sh
# Makes the place in ZooKeeper where it is settled who is active; 2 says that it is there.
set -u
"$JAVA_HOME/bin/java" -XX:+UseSerialGC -cp "$CLASS_PATH" \
  org.apache.hadoop.hdfs.tools.DFSZKFailoverController -formatZK -nonInteractive
code=$?
[ $code -eq 2 ] || exit $code
