{{- /* Alerts, each with what it means and what to look at. Thresholds come from the values. */ -}}
{{- define "operator.alerts" -}}
{{- $rule := .Values.metrics.prometheusRule -}}
{{- $series := include "operator.series" . -}}
{{- $pods := include "operator.pods" . -}}
<%_ if (working.length > 0) { _%>
- alert: <%= kind %>Stuck
  expr: max by (phase) (autopilot_phase_oldest_seconds{ {{- $series }},phase=~"<%= working.join('|') %>"}) > {{ $rule.stuckAfterSeconds }}
  for: 5m
  labels: { severity: warning }
  annotations:
    summary: "One of the <%= plural %> in {{ "{{ $labels.phase }}" }} has been there for {{ "{{ $value | humanizeDuration }}" }}."
    description: "Look at the Ready condition and the Events of the <%= plural %> in this phase."
<%_ } _%>
- alert: <%= kind %>Stalled
  expr: max by (phase) (autopilot_stalled_resources{ {{- $series -}} }) > 0
  for: 5m
  labels: { severity: warning }
  annotations:
    summary: "{{ "{{ $value }}" }} <%= plural %> in {{ "{{ $labels.phase }}" }} are Stalled: no retry can help."
    description: "The Stalled condition says why. A changed spec, or the annotation <%= group %>/retry, has them tried again."
- alert: <%= kind %>ReconcileErrors
  expr: sum(rate(controller_runtime_reconcile_errors_total{ {{- $series -}} }[10m])) / sum(rate(controller_runtime_reconcile_total{ {{- $series -}} }[10m])) > {{ $rule.errorRatio }}
  for: 10m
  labels: { severity: warning }
  annotations:
    summary: "{{ "{{ $value | humanizePercentage }}" }} of the syncs of <%= plural %> fail."
    description: "The log of {{ include "operator.fullname" . }} names resource, phase and error of each."
- alert: <%= kind %>Quarantined
  expr: max(autopilot_quarantined_resources{ {{- $series -}} }) > 0
  for: 5m
  labels: { severity: warning }
  annotations:
    summary: "{{ "{{ $value }}" }} workers of <%= plural %> did not end when they were told to."
    description: "Their resources stand still until the worker ends. The condition Quarantined names them."
- alert: <%= kind %>Looping
  expr: sum by (phase) (increase(autopilot_phase_loops_total{ {{- $series -}} }[10m])) > 0
  labels: { severity: warning }
  annotations:
    summary: "<%= plural %> change phases too fast, last from {{ "{{ $labels.phase }}" }}, and were slowed down."
    description: "Two phases send them back and forth: the condition Looping names the resources."
- alert: <%= kind %>NoLeader
  expr: (sum(leader_election_master_status{ {{- $pods -}} }) or vector(0)) < 1
  for: 5m
  labels: { severity: critical }
  annotations:
    summary: "No process of {{ include "operator.fullname" . }} runs syncs: <%= plural %> stand still."
    description: "Are its Pods running, and can they write the Lease {{ include "operator.leaseName" . }} in {{ include "operator.leaseNamespace" . }}?"
- alert: <%= kind %>WatchStale
  expr: max by (kind) (autopilot_watch_last_event_age_seconds{ {{- $series -}} }) > 300
  for: 5m
  labels: { severity: warning }
  annotations:
    summary: "The watch of {{ "{{ $labels.kind }}" }} has been silent for {{ "{{ $value | humanizeDuration }}" }}: the operator may act on old knowledge."
    description: "The API server sends a bookmark each minute. /readyz?verbose of the operator says what is wrong."
- alert: <%= kind %>KindUnavailable
  expr: max by (kind) (autopilot_kind_unavailable{ {{- $series -}} }) > 0
  for: 5m
  labels: { severity: warning }
  annotations:
    summary: "{{ "{{ $labels.kind }}" }} cannot be read: a right or the kind is missing."
    description: "Phases that read it do not run. helm test of this release says which right is missing."
- alert: <%= kind %>ChangesMissed
  expr: sum by (kind) (increase(autopilot_relist_missed_total{ {{- $series -}} }[1h])) > 0
  labels: { severity: info }
  annotations:
    summary: "A watch of {{ "{{ $labels.kind }}" }} did not tell a change that a list then showed."
    description: "Nothing was lost, it came late. If it repeats, something between operator and API server drops events."
{{- end }}
