{{- /* Alerts, each with what it means and what to look at. Thresholds come from the values. */ -}}
{{- define "canary-operator.alerts" -}}
{{- $rule := .Values.metrics.prometheusRule -}}
{{- $series := include "canary-operator.series" . -}}
{{- $pods := include "canary-operator.pods" . -}}
- alert: CanaryDeploymentStuck
  expr: max by (phase) (autopilot_phase_oldest_seconds{ {{- $series }},phase=~"Initializing|Evaluating|Promoting|RollBack"}) > {{ $rule.stuckAfterSeconds }}
  for: 5m
  labels: { severity: warning }
  annotations:
    summary: "One of the canarydeployments in {{ "{{ $labels.phase }}" }} has been there for {{ "{{ $value | humanizeDuration }}" }}."
    description: "Look at the Ready condition and the Events of the canarydeployments in this phase."
- alert: CanaryDeploymentStalled
  expr: max by (phase) (autopilot_stalled_resources{ {{- $series -}} }) > 0
  for: 5m
  labels: { severity: warning }
  annotations:
    summary: "{{ "{{ $value }}" }} canarydeployments in {{ "{{ $labels.phase }}" }} are Stalled: no retry can help."
    description: "The Stalled condition says why. A changed spec, or the annotation autopilot.examples.io/retry, has them tried again."
- alert: CanaryDeploymentReconcileErrors
  expr: sum(rate(controller_runtime_reconcile_errors_total{ {{- $series -}} }[10m])) / sum(rate(controller_runtime_reconcile_total{ {{- $series -}} }[10m])) > {{ $rule.errorRatio }}
  for: 10m
  labels: { severity: warning }
  annotations:
    summary: "{{ "{{ $value | humanizePercentage }}" }} of the syncs of canarydeployments fail."
    description: "The log of {{ include "canary-operator.fullname" . }} names resource, phase and error of each."
- alert: CanaryDeploymentQuarantined
  expr: max(autopilot_quarantined_resources{ {{- $series -}} }) > 0
  for: 5m
  labels: { severity: warning }
  annotations:
    summary: "{{ "{{ $value }}" }} workers of canarydeployments did not end when they were told to."
    description: "Their resources stand still until the worker ends. The condition Quarantined names them."
- alert: CanaryDeploymentLooping
  expr: sum by (phase) (increase(autopilot_phase_loops_total{ {{- $series -}} }[10m])) > 0
  labels: { severity: warning }
  annotations:
    summary: "canarydeployments change phases too fast, last from {{ "{{ $labels.phase }}" }}, and were slowed down."
    description: "Two phases send them back and forth: the condition Looping names the resources."
- alert: CanaryDeploymentNoLeader
  expr: (sum(leader_election_master_status{ {{- $pods -}} }) or vector(0)) < 1
  for: 5m
  labels: { severity: critical }
  annotations:
    summary: "No process of {{ include "canary-operator.fullname" . }} runs syncs: canarydeployments stand still."
    description: "Are its Pods running, and can they write the Lease {{ include "canary-operator.leaseName" . }} in {{ include "canary-operator.leaseNamespace" . }}?"
- alert: CanaryDeploymentWatchStale
  expr: max by (kind) (autopilot_watch_last_event_age_seconds{ {{- $series -}} }) > 300
  for: 5m
  labels: { severity: warning }
  annotations:
    summary: "The watch of {{ "{{ $labels.kind }}" }} has been silent for {{ "{{ $value | humanizeDuration }}" }}: the operator may act on old knowledge."
    description: "The API server sends a bookmark each minute. /readyz?verbose of the operator says what is wrong."
- alert: CanaryDeploymentKindUnavailable
  expr: max by (kind) (autopilot_kind_unavailable{ {{- $series -}} }) > 0
  for: 5m
  labels: { severity: warning }
  annotations:
    summary: "{{ "{{ $labels.kind }}" }} cannot be read: a right or the kind is missing."
    description: "Phases that read it do not run. helm test of this release says which right is missing."
- alert: CanaryDeploymentChangesMissed
  expr: sum by (kind) (increase(autopilot_relist_missed_total{ {{- $series -}} }[1h])) > 0
  labels: { severity: info }
  annotations:
    summary: "A watch of {{ "{{ $labels.kind }}" }} did not tell a change that a list then showed."
    description: "Nothing was lost, it came late. If it repeats, something between operator and API server drops events."
{{- end }}
