#!/bin/sh
# Kafka's own tools: kafka.sh topics --list | console-consumer --topic t | consumer-groups --list | configs …
here=/opt/stackyard/kafka-4.3.1
case "$here" in *kafka-3.*) old=kafka.tools ;; *) old=org.apache.kafka.tools ;; esac
tools=org.apache.kafka.tools
case "${1:-}" in
  topics) main=$tools.TopicCommand ;;
  console-producer) main=$old.ConsoleProducer ;;
  console-consumer) main=$tools.consumer.ConsoleConsumer ;;
  consumer-groups) main=$tools.consumer.group.ConsumerGroupCommand ;;
  configs) main=kafka.admin.ConfigCommand ;;
  features) main=$tools.FeatureCommand ;;
  get-offsets) main=$tools.GetOffsetShell ;;
  leader-election) main=$tools.LeaderElectionCommand ;;
  log-dirs) main=$tools.LogDirsCommand ;;
  metadata-quorum) main=$tools.MetadataQuorumCommand ;;
  reassign-partitions) main=$tools.reassign.ReassignPartitionsCommand ;;
  verifiable-producer) main=$tools.VerifiableProducer ;;
  *) echo "Which tool? topics, console-producer, console-consumer, consumer-groups, configs, features, get-offsets, leader-election, log-dirs, metadata-quorum, reassign-partitions or verifiable-producer." >&2; exit 2 ;;
esac
shift
exec /usr/lib/jvm/java/bin/java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
  -cp "$here/lib/*" "$main" --bootstrap-server 10.0.0.1:9092,10.0.0.2:9092,10.0.0.3:9092 "$@"
