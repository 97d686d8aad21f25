import { alert, dashboard, panel } from '@stackyard/sdk';

/** Both NameNodes count the same blocks, and only the active one knows. */
const active = '{$labels,hastate="active"}';

// prettier-ignore
export const alerts = {
  HdfsNoActiveNameNode: alert({ severity: 'critical', expr: `absent(fs_namesystem_files_total${active})`,
    summary: 'No NameNode is active: nobody can use the file system', remedy: 'Start a NameNode; of two, look at their failover controllers and at ZooKeeper' }),
  HdfsMissingBlocks: alert({ severity: 'critical', expr: `fs_namesystem_missing_blocks${active} > 0`,
    summary: '{{ $value }} blocks have no copy', remedy: 'Bring the DataNodes back that held them; the action "Check files" names the files' }),
  HdfsCorruptBlocks: alert({ severity: 'critical', expr: `fs_namesystem_corrupt_blocks${active} > 0`,
    summary: '{{ $value }} blocks have corrupt copies', remedy: 'The action "Check files" names the files; look for a failing disk' }),
  HdfsUnderReplicated: alert({ severity: 'warning', expr: `fs_namesystem_under_replicated_blocks${active} > 0`, for: 1800,
    summary: '{{ $value }} blocks have too few copies for half an hour', remedy: 'See whether DataNodes are missing or full' }),
  HdfsFull: alert({ severity: 'warning', for: 300,
    expr: `fs_namesystem_capacity_remaining${active} / fs_namesystem_capacity_total${active} < 0.15`,
    summary: 'Less than 15 % of the room is free', remedy: 'Add DataNodes or disks, or delete files' }),
  HdfsAlmostFull: alert({ severity: 'critical', for: 300,
    expr: `fs_namesystem_capacity_remaining${active} / fs_namesystem_capacity_total${active} < 0.05`,
    summary: 'Less than 5 % of the room is free', remedy: 'Delete files now, then add DataNodes or disks' }),
  HdfsDeadDataNodes: alert({ severity: 'warning', expr: `fs_namesystem_num_dead_data_nodes${active} > 0`, for: 300,
    summary: '{{ $value }} DataNodes are silent', remedy: 'Start them, or decommission and remove them' }),
  HdfsStaleDataNodes: alert({ severity: 'warning', expr: `fs_namesystem_stale_data_nodes${active} > 0`, for: 300,
    summary: '{{ $value }} DataNodes report late', remedy: 'Look for an overloaded host or network' }),
  HdfsFailedDisks: alert({ severity: 'warning', expr: `fs_namesystem_volume_failures_total${active} > 0`,
    summary: '{{ $value }} disks of DataNodes have failed', remedy: 'Replace the disk, then restart its DataNode' }),
  HdfsNoCheckpoint: alert({ severity: 'warning', for: 300,
    expr: `time() - fs_namesystem_last_checkpoint_time${active} / 1000 > 43200 and fs_namesystem_transactions_since_last_checkpoint${active} > 1000000`,
    summary: 'Changes were not merged into the image for {{ $value }} s', remedy: 'See whether the SecondaryNameNode, or the NameNode that stands by, runs' }),
  HdfsSlowRequests: alert({ severity: 'warning', for: 600,
    expr: 'rpc_rpc_queue_time_avg_time{$labels,servername="ClientNamenodeProtocol"} > 500',
    summary: 'Requests wait {{ $value }} ms on {{ $labels.host }}', remedy: 'Raise handlers and heap, or find the busy program' }),
  HdfsHeapFull: alert({ severity: 'warning', for: 600,
    expr: 'jvm_metrics_mem_heap_used_m{$labels} / jvm_metrics_mem_heap_max_m{$labels} > 0.9',
    summary: 'The heap of a daemon on {{ $labels.host }} is nearly full', remedy: 'Raise its heap' }),
};

export const overview = dashboard('HDFS', [
  panel('Room that is free', `fs_namesystem_capacity_remaining${active}`, { kind: 'stat', unit: 'bytes' }),
  panel('DataNodes', {
    live: `fs_namesystem_num_live_data_nodes${active}`,
    dead: `fs_namesystem_num_dead_data_nodes${active}`,
    leaving: `fs_namesystem_num_decommissioning_data_nodes${active}`,
  }),
  panel('Blocks in need', {
    'too few copies': `fs_namesystem_under_replicated_blocks${active}`,
    missing: `fs_namesystem_missing_blocks${active}`,
    corrupt: `fs_namesystem_corrupt_blocks${active}`,
  }),
  panel('Files', `fs_namesystem_files_total${active}`),
  panel('Requests that wait', 'rpc_call_queue_length{$labels}', { legend: '{{host}} {{port}}' }),
  panel('Written by DataNodes', 'rate(datanode_bytes_written{$labels}[5m])', { unit: 'Bps', legend: '{{host}}' }),
  panel('Read from DataNodes', 'rate(datanode_bytes_read{$labels}[5m])', { unit: 'Bps', legend: '{{host}}' }),
  panel('Heap in use', 'jvm_metrics_mem_heap_used_m{$labels}', { unit: 'mbytes', legend: '{{host}} {{processname}}' }),
]);
