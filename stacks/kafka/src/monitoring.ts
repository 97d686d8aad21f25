import { alert, dashboard, panel } from '@stackyard/sdk';

// prettier-ignore
export const alerts = {
  KafkaOfflinePartitions: alert({ severity: 'critical', expr: 'max(kafka_controller_kafkacontroller_offlinepartitionscount{$labels}) > 0',
    summary: '{{ $value }} partitions have no leader: nobody reads or writes them', remedy: 'Start the brokers that have their copies' }),
  KafkaNoController: alert({ severity: 'critical', expr: 'sum(kafka_controller_kafkacontroller_activecontrollercount{$labels}) < 1',
    summary: 'No controller is active: nothing of the cluster can change', remedy: 'Start a majority of the controllers, then read their logs' }),
  KafkaUnderMinIsr: alert({ severity: 'critical', expr: 'sum(kafka_server_replicamanager_underminisrpartitioncount{$labels}) > 0',
    summary: '{{ $value }} partitions refuse what has to be safe: too few copies are up to date', remedy: 'Start the brokers that are down' }),
  KafkaOfflineDirectory: alert({ severity: 'critical', expr: 'kafka_log_logmanager_offlinelogdirectorycount{$labels} > 0',
    summary: '{{ $labels.host }} cannot use {{ $value }} of its directories', remedy: 'Look at the disk, then restart the broker' }),
  KafkaUnderReplicated: alert({ severity: 'warning', for: 300, expr: 'kafka_server_replicamanager_underreplicatedpartitions{$labels} > 0',
    summary: '{{ $value }} partitions that {{ $labels.host }} leads lack a copy', remedy: 'See which broker is down or slow' }),
  KafkaFencedBroker: alert({ severity: 'warning', for: 300, expr: 'max(kafka_controller_kafkacontroller_fencedbrokercount{$labels}) > 0',
    summary: '{{ $value }} brokers are known and do not serve', remedy: 'Start them; the action forgetBroker is for those that never come back' }),
  KafkaUncleanElection: alert({ severity: 'warning', for: 0, expr: 'increase(kafka_controller_controllerstats_uncleanleaderelections_total{$labels}[5m]) > 0',
    summary: 'A copy that lacked messages became a leader: messages are lost', remedy: 'Find out why all better copies were down' }),
  KafkaBusyThreads: alert({ severity: 'warning', for: 600, expr: 'kafka_server_kafkarequesthandlerpool_requesthandleravgidlepercent{$labels} < 0.2',
    summary: 'Threads of {{ $labels.host }} are hardly ever idle', remedy: 'Spread partitions by reassigning, or add brokers' }),
  KafkaMetadataErrors: alert({ severity: 'warning', expr: 'kafka_controller_kafkacontroller_metadataerrorcount{$labels} > 0',
    summary: '{{ $labels.host }} could not take in {{ $value }} records of metadata', remedy: 'Read its log before anything is upgraded' }),
  KafkaRestarts: alert({ severity: 'warning', expr: 'changes(process_start_time_seconds{$labels}[30m]) > 2',
    summary: '{{ $labels.host }} starts again and again', remedy: 'Its log says why; often the heap is too small' }),
};

const rate = (metric: string) => `rate(kafka_server_brokertopicmetrics_${metric}_total{$labels}[5m])`;
const worst = 'kafka_network_requestmetrics_totaltimems_99thpercentile';
export const overview = dashboard('Kafka', [
  panel('Brokers', 'max(kafka_controller_kafkacontroller_activebrokercount{$labels})', { kind: 'stat' }),
  panel('Offline partitions', 'max(kafka_controller_kafkacontroller_offlinepartitionscount{$labels})', {
    kind: 'stat',
  }),
  panel('Under-replicated', 'kafka_server_replicamanager_underreplicatedpartitions{$labels}', { legend: '{{host}}' }),
  panel('Messages in', rate('messagesin'), { unit: 'ops', legend: '{{host}}' }),
  panel('Bytes', { in: `sum(${rate('bytesin')})`, out: `sum(${rate('bytesout')})` }, { unit: 'Bps' }),
  panel('Produce, 99th', `${worst}{$labels,request="Produce"}`, { unit: 'ms', legend: '{{host}}' }),
  panel('Idle threads', 'kafka_server_kafkarequesthandlerpool_requesthandleravgidlepercent{$labels}', {
    legend: '{{host}}',
  }),
  panel('Heap', 'jvm_memory_used_bytes{$labels,area="heap"}', { unit: 'bytes', legend: '{{host}}' }),
]);
