{{- /* Alerts. The summary says what is wrong, the description says what to do. Values set the thresholds. */ -}}
{{- define "autoroute-operator.alerts" -}}
{{- $rule := .Values.metrics.prometheusRule -}}
{{- $series := include "autoroute-operator.series" . -}}
{{- $pods := include "autoroute-operator.pods" . -}}
- alert: AutoRouteStalled
  expr: max by (phase) (autopilot_stalled_resources{ {{- $series -}} }) > 0
  for: 5m
  labels: { severity: warning }
  annotations:
    summary: "{{ "{{ $value }}" }} autoroutes in phase {{ "{{ $labels.phase }}" }} are Stalled. The operator does not retry them."
    description: "The Stalled condition shows the cause. Change the spec or the annotation examples.io/retry to reconcile again."
- alert: AutoRouteReconcileErrors
  expr: sum(rate(controller_runtime_reconcile_errors_total{ {{- $series -}} }[10m])) / sum(rate(controller_runtime_reconcile_total{ {{- $series -}} }[10m])) > {{ $rule.errorRatio }}
  for: 10m
  labels: { severity: warning }
  annotations:
    summary: "{{ "{{ $value | humanizePercentage }}" }} of the reconciles of autoroutes fail."
    description: "The log of {{ include "autoroute-operator.fullname" . }} shows resource, phase and error of each failure."
- alert: AutoRouteQuarantined
  expr: max(autopilot_quarantined_resources{ {{- $series -}} }) > 0
  for: 5m
  labels: { severity: warning }
  annotations:
    summary: "{{ "{{ $value }}" }} workers of autoroutes did not stop after their timeout."
    description: "The operator does not reconcile these resources until their worker stops. Their condition Quarantined is True."
- alert: AutoRouteConfigRefused
  expr: max(autopilot_config_reload_failed{ {{- $series -}} }) > 0
  for: 5m
  labels: { severity: warning }
  annotations:
    summary: "The configuration of {{ include "autoroute-operator.fullname" . }} is refused. Earlier settings apply."
    description: "The Event ConfigRefused on its Lease and /readyz?verbose show the reason. A pause in the configuration takes effect nevertheless."
- alert: AutoRouteContested
  expr: max(autopilot_contested_objects{ {{- $series -}} }) > 0
  for: 10m
  labels: { severity: warning }
  annotations:
    summary: "Another client keeps changing {{ "{{ $value }}" }} objects that autoroutes have set."
    description: "The condition Contested of the autoroutes names the objects and the other field manager. Stop one of the two writers."
- alert: AutoRouteLooping
  expr: sum by (phase) (increase(autopilot_phase_loops_total{ {{- $series -}} }[10m])) > 0
  labels: { severity: warning }
  annotations:
    summary: "autoroutes change phases too fast, last from {{ "{{ $labels.phase }}" }}. The operator delays further changes."
    description: "Two or more phases send a resource back and forth. Its condition Looping is True."
- alert: AutoRouteNoLeader
  expr: (sum(leader_election_master_status{ {{- $pods -}} }) or vector(0)) < 1
  for: 5m
  labels: { severity: critical }
  annotations:
    summary: "{{ include "autoroute-operator.fullname" . }} has no leader. No AutoRoute is reconciled."
    description: "Check that the Pods run and can write the Lease {{ include "autoroute-operator.leaseName" . }} in namespace {{ include "autoroute-operator.leaseNamespace" . }}."
- alert: AutoRouteWatchStale
  expr: max by (kind) (autopilot_watch_last_event_age_seconds{ {{- $series -}} }) > 300
  for: 5m
  labels: { severity: warning }
  annotations:
    summary: "The watch of {{ "{{ $labels.kind }}" }} has received no event for {{ "{{ $value | humanizeDuration }}" }}. The cache may be stale."
    description: "The API server sends a bookmark every minute. /readyz?verbose of the operator shows the cause."
- alert: AutoRouteKindUnavailable
  expr: max by (kind) (autopilot_kind_unavailable{ {{- $series -}} }) > 0
  for: 5m
  labels: { severity: warning }
  annotations:
    summary: "The operator cannot read {{ "{{ $labels.kind }}" }}: an RBAC rule or the kind is missing."
    description: "Phases that read this kind do not run. helm test of this release lists missing permissions."
- alert: AutoRouteChangesMissed
  expr: sum by (kind) (increase(autopilot_relist_missed_total{ {{- $series -}} }[1h])) > 0
  labels: { severity: info }
  annotations:
    summary: "A watch of {{ "{{ $labels.kind }}" }} missed a change that a later list contained."
    description: "The change was processed late. If the alert repeats, check proxies and load balancers between operator and API server."
{{- end }}
