import { alert, dashboard, panel } from '@stackyard/sdk';

// prettier-ignore
export const alerts = {
  YarnNoResourceManager: alert({ severity: 'critical', expr: 'absent(cluster_metrics_num_active_n_ms{$labels})',
    summary: 'No ResourceManager answers: nothing can be started', remedy: 'Start one, then read its log' }),
  YarnNodesLost: alert({ severity: 'warning', expr: 'max(cluster_metrics_num_lost_n_ms{$labels}) > 0', for: 300,
    summary: '{{ $value }} NodeManagers were lost', remedy: 'Start them, or decommission their hosts' }),
  YarnNodesUnhealthy: alert({ severity: 'warning', expr: 'max(cluster_metrics_num_unhealthy_n_ms{$labels}) > 0', for: 300,
    summary: '{{ $value }} NodeManagers get no containers', remedy: 'Often a disk is full: see the report of the node' }),
  YarnNoNodes: alert({ severity: 'critical', expr: 'max(cluster_metrics_num_active_n_ms{$labels}) == 0', for: 120,
    summary: 'No NodeManager is active', remedy: 'Start NodeManagers' }),
  YarnApplicationsWait: alert({ severity: 'warning', expr: 'max(queue_metrics_apps_pending{$labels,queue="root"}) > 0', for: 1800,
    summary: '{{ $value }} applications wait for half an hour', remedy: 'Give their queue a larger share, or add nodes' }),
  YarnMemoryFull: alert({ severity: 'info', for: 1800,
    expr: 'max(queue_metrics_available_mb{$labels,queue="root"}) < 0.05 * max(queue_metrics_allocated_mb{$labels,queue="root"})',
    summary: 'Hardly any memory is left for containers', remedy: 'Add nodes, or give them more memory' }),
  YarnBadDisks: alert({ severity: 'warning', expr: 'node_manager_metrics_bad_local_dirs{$labels} > 0', for: 120,
    summary: '{{ $labels.host }} cannot use its directory for containers', remedy: 'Free the disk, or raise diskLimit' }),
  YarnContainersFail: alert({ severity: 'warning', for: 300,
    expr: 'rate(node_manager_metrics_containers_failed{$labels}[10m]) > 0.1',
    summary: 'Containers fail on {{ $labels.host }}', remedy: 'Read the logs of an application that ran there' }),
  YarnHeapFull: alert({ severity: 'warning', for: 600,
    expr: 'jvm_metrics_mem_heap_used_m{$labels} / jvm_metrics_mem_heap_max_m{$labels} > 0.9',
    summary: 'The heap of {{ $labels.component }} on {{ $labels.host }} is nearly full', remedy: 'Raise it in the config of its JVM' }),
};

export const overview = dashboard('YARN', [
  panel('Active nodes', 'max(cluster_metrics_num_active_n_ms{$labels})', { kind: 'stat' }),
  panel('Lost and unhealthy nodes', {
    lost: 'max(cluster_metrics_num_lost_n_ms{$labels})',
    unhealthy: 'max(cluster_metrics_num_unhealthy_n_ms{$labels})',
  }),
  panel('Applications', {
    running: 'max(queue_metrics_apps_running{$labels,queue="root"})',
    waiting: 'max(queue_metrics_apps_pending{$labels,queue="root"})',
  }),
  panel(
    'Memory of containers',
    {
      given: 'max(queue_metrics_allocated_mb{$labels,queue="root"})',
      free: 'max(queue_metrics_available_mb{$labels,queue="root"})',
    },
    { unit: 'decmbytes' },
  ),
  panel('Memory by queue', 'max by (queue) (queue_metrics_allocated_mb{$labels})', {
    unit: 'decmbytes',
    legend: '{{queue}}',
  }),
  panel('Containers', 'node_manager_metrics_containers_running{$labels}', { legend: '{{host}}' }),
  panel('Heap', 'jvm_metrics_mem_heap_used_m{$labels}', { unit: 'decmbytes', legend: '{{component}} {{host}}' }),
]);
