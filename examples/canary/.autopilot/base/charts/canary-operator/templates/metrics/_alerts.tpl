{{- /* Alerts, each with what it means and what to look at. Thresholds come from the values. */ -}}
{{- define "canary-operator.alerts" -}}
{{- $rule := .Values.metrics.prometheusRule -}}
{{- $series := include "canary-operator.series" . -}}
{{- $pods := include "canary-operator.pods" . -}}
- alert: CanaryDeploymentStuck
  expr: max by (phase) (autopilot_phase_resources{ {{- $series }},phase=~"Initializing|Evaluating|Promoting|RollBack"}) > 0 unless on (phase) label_replace(sum by (from) (increase(autopilot_phase_transitions_total{ {{- $series -}} }[{{ $rule.stuckAfter }}])) > 0, "phase", "$1", "from", "(.+)")
  for: {{ $rule.stuckAfter }}
  labels: { severity: warning }
  annotations:
    summary: "canarydeployments stay in {{ "{{ $labels.phase }}" }} and none has left it for {{ $rule.stuckAfter }}."
    description: "Look at the Ready condition and the Events of the canarydeployments in this phase."
- alert: CanaryDeploymentSyncErrors
  expr: sum(rate(controller_runtime_reconcile_errors_total{ {{- $series -}} }[10m])) / sum(rate(controller_runtime_reconcile_total{ {{- $series -}} }[10m])) > {{ $rule.errorRatio }}
  for: 10m
  labels: { severity: warning }
  annotations:
    summary: "{{ "{{ $value | humanizePercentage }}" }} of the syncs of canarydeployments fail."
    description: "The log of {{ include "canary-operator.fullname" . }} names resource, phase and error of each."
- alert: CanaryDeploymentNoLeader
  expr: (sum(leader_election_master_status{ {{- $pods -}} }) or vector(0)) < 1
  for: 5m
  labels: { severity: critical }
  annotations:
    summary: "No process of {{ include "canary-operator.fullname" . }} runs syncs: canarydeployments stand still."
    description: "Are its Pods running, and can they write the Lease {{ include "canary-operator.leaseName" . }} in {{ include "canary-operator.leaseNamespace" . }}?"
- alert: CanaryDeploymentWatchStale
  expr: sum by (kind) (increase(autopilot_watch_failures_total{ {{- $series -}} }[10m])) > 10
  for: 5m
  labels: { severity: warning }
  annotations:
    summary: "Watching {{ "{{ $labels.kind }}" }} keeps breaking: the operator may act on old knowledge."
    description: "A missing right, a missing kind or an API server that answers slowly; /readyz?verbose of the operator says which."
- alert: CanaryDeploymentChangesMissed
  expr: sum by (kind) (increase(autopilot_relist_missed_total{ {{- $series -}} }[1h])) > 0
  labels: { severity: info }
  annotations:
    summary: "A watch of {{ "{{ $labels.kind }}" }} did not tell a change that a list then showed."
    description: "Nothing was lost, it came late. If it repeats, something between operator and API server drops events."
{{- end }}
