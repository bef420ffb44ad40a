{{- /* Alerts. The summary says what is wrong, the description says what to do. Values set the thresholds. */ -}}
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
    summary: "A <%= kind %> has been in phase {{ "{{ $labels.phase }}" }} for {{ "{{ $value | humanizeDuration }}" }} (threshold: {{ $rule.stuckAfterSeconds }} s)."
    description: "Check the Ready condition and the Events of the <%= plural %> in this phase."
<%_ } _%>
- alert: <%= kind %>Stalled
  expr: max by (phase) (autopilot_stalled_resources{ {{- $series -}} }) > 0
  for: 5m
  labels: { severity: warning }
  annotations:
    summary: "{{ "{{ $value }}" }} <%= plural %> in phase {{ "{{ $labels.phase }}" }} are Stalled. The operator does not retry them."
    description: "The Stalled condition shows the cause. Change the spec or the annotation <%= group %>/retry to reconcile again."
- alert: <%= kind %>ReconcileErrors
  expr: sum(rate(controller_runtime_reconcile_errors_total{ {{- $series -}} }[10m])) / sum(rate(controller_runtime_reconcile_total{ {{- $series -}} }[10m])) > {{ $rule.errorRatio }}
  for: 10m
  labels: { severity: warning }
  annotations:
    summary: "{{ "{{ $value | humanizePercentage }}" }} of the reconciles of <%= plural %> fail."
    description: "The log of {{ include "operator.fullname" . }} shows resource, phase and error of each failure."
- alert: <%= kind %>Quarantined
  expr: max(autopilot_quarantined_resources{ {{- $series -}} }) > 0
  for: 5m
  labels: { severity: warning }
  annotations:
    summary: "{{ "{{ $value }}" }} workers of <%= plural %> did not stop after their timeout."
    description: "The operator does not reconcile these resources until their worker stops. Their condition Quarantined is True."
- alert: <%= kind %>ConfigRefused
  expr: max(autopilot_config_reload_failed{ {{- $series -}} }) > 0
  for: 5m
  labels: { severity: warning }
  annotations:
    summary: "The configuration of {{ include "operator.fullname" . }} is refused. Earlier settings apply."
    description: "The Event ConfigRefused on its Lease and /readyz?verbose show the reason. A pause in the configuration takes effect nevertheless."
- alert: <%= kind %>Contested
  expr: max(autopilot_contested_objects{ {{- $series -}} }) > 0
  for: 10m
  labels: { severity: warning }
  annotations:
    summary: "Another client keeps changing {{ "{{ $value }}" }} objects that <%= plural %> have set."
    description: "The condition Contested of the <%= plural %> names the objects and the other field manager. Stop one of the two writers."
- alert: <%= kind %>Looping
  expr: sum by (phase) (increase(autopilot_phase_loops_total{ {{- $series -}} }[10m])) > 0
  labels: { severity: warning }
  annotations:
    summary: "<%= plural %> change phases too fast, last from {{ "{{ $labels.phase }}" }}. The operator delays further changes."
    description: "Two or more phases send a resource back and forth. Its condition Looping is True."
- alert: <%= kind %>NoLeader
  expr: (sum(leader_election_master_status{ {{- $pods -}} }) or vector(0)) < 1
  for: 5m
  labels: { severity: critical }
  annotations:
    summary: "{{ include "operator.fullname" . }} has no leader. No <%= kind %> is reconciled."
    description: "Check that the Pods run and can write the Lease {{ include "operator.leaseName" . }} in namespace {{ include "operator.leaseNamespace" . }}."
- alert: <%= kind %>WatchStale
  expr: max by (kind) (autopilot_watch_last_event_age_seconds{ {{- $series -}} }) > 300
  for: 5m
  labels: { severity: warning }
  annotations:
    summary: "The watch of {{ "{{ $labels.kind }}" }} has received no event for {{ "{{ $value | humanizeDuration }}" }}. The cache may be stale."
    description: "The API server sends a bookmark every minute. /readyz?verbose of the operator shows the cause."
- alert: <%= kind %>KindUnavailable
  expr: max by (kind) (autopilot_kind_unavailable{ {{- $series -}} }) > 0
  for: 5m
  labels: { severity: warning }
  annotations:
    summary: "The operator cannot read {{ "{{ $labels.kind }}" }}: an RBAC rule or the kind is missing."
    description: "Phases that read this kind do not run. helm test of this release lists missing permissions."
- alert: <%= kind %>ChangesMissed
  expr: sum by (kind) (increase(autopilot_relist_missed_total{ {{- $series -}} }[1h])) > 0
  labels: { severity: info }
  annotations:
    summary: "A watch of {{ "{{ $labels.kind }}" }} missed a change that a later list contained."
    description: "The change was processed late. If the alert repeats, check proxies and load balancers between operator and API server."
{{- end }}
