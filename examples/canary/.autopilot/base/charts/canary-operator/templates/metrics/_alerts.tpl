{{- /* Alerts. The summary says what is wrong, the description says what to do. Values set the thresholds. */ -}}
{{- define "canary-operator.alerts" -}}
{{- $rule := .Values.metrics.prometheusRule -}}
{{- $series := include "canary-operator.series" . -}}
{{- $pods := include "canary-operator.pods" . -}}
- alert: CanaryDeploymentStuck
  expr: max by (phase) (autopilot_phase_oldest_seconds{ {{- $series }},phase=~"Initializing|Evaluating|Promoting|RollBack"}) > {{ $rule.stuckAfterSeconds }}
  for: 5m
  labels: { severity: warning }
  annotations:
    summary: "A CanaryDeployment has been in phase {{ "{{ $labels.phase }}" }} for {{ "{{ $value | humanizeDuration }}" }} (threshold: {{ $rule.stuckAfterSeconds }} s)."
    description: "Check the Ready condition and the Events of the canarydeployments in this phase."
- alert: CanaryDeploymentStalled
  expr: max by (phase) (autopilot_stalled_resources{ {{- $series -}} }) > 0
  for: 5m
  labels: { severity: warning }
  annotations:
    summary: "{{ "{{ $value }}" }} canarydeployments in phase {{ "{{ $labels.phase }}" }} are Stalled. The operator does not retry them."
    description: "The Stalled condition shows the cause. Change the spec or the annotation autopilot.examples.io/retry to reconcile again."
- alert: CanaryDeploymentReconcileErrors
  expr: sum(rate(controller_runtime_reconcile_errors_total{ {{- $series -}} }[10m])) / sum(rate(controller_runtime_reconcile_total{ {{- $series -}} }[10m])) > {{ $rule.errorRatio }}
  for: 10m
  labels: { severity: warning }
  annotations:
    summary: "{{ "{{ $value | humanizePercentage }}" }} of the reconciles of canarydeployments fail."
    description: "The log of {{ include "canary-operator.fullname" . }} shows resource, phase and error of each failure."
- alert: CanaryDeploymentQuarantined
  expr: max(autopilot_quarantined_resources{ {{- $series -}} }) > 0
  for: 5m
  labels: { severity: warning }
  annotations:
    summary: "{{ "{{ $value }}" }} workers of canarydeployments did not stop after their timeout."
    description: "The operator does not reconcile these resources until their worker stops. Their condition Quarantined is True."
- alert: CanaryDeploymentConfigRefused
  expr: max(autopilot_config_reload_failed{ {{- $series -}} }) > 0
  for: 5m
  labels: { severity: warning }
  annotations:
    summary: "The configuration of {{ include "canary-operator.fullname" . }} is refused. Earlier settings apply."
    description: "The Event ConfigRefused on its Lease and /readyz?verbose show the reason. A pause in the configuration takes effect nevertheless."
- alert: CanaryDeploymentContested
  expr: max(autopilot_contested_objects{ {{- $series -}} }) > 0
  for: 10m
  labels: { severity: warning }
  annotations:
    summary: "Another client keeps changing {{ "{{ $value }}" }} objects that canarydeployments have set."
    description: "The condition Contested of the canarydeployments names the objects and the other field manager. Stop one of the two writers."
- alert: CanaryDeploymentLooping
  expr: sum by (phase) (increase(autopilot_phase_loops_total{ {{- $series -}} }[10m])) > 0
  labels: { severity: warning }
  annotations:
    summary: "canarydeployments change phases too fast, last from {{ "{{ $labels.phase }}" }}. The operator delays further changes."
    description: "Two or more phases send a resource back and forth. Its condition Looping is True."
- alert: CanaryDeploymentNoLeader
  expr: (sum(leader_election_master_status{ {{- $pods -}} }) or vector(0)) < 1
  for: 5m
  labels: { severity: critical }
  annotations:
    summary: "{{ include "canary-operator.fullname" . }} has no leader. No CanaryDeployment is reconciled."
    description: "Check that the Pods run and can write the Lease {{ include "canary-operator.leaseName" . }} in namespace {{ include "canary-operator.leaseNamespace" . }}."
- alert: CanaryDeploymentWatchStale
  expr: max by (kind) (autopilot_watch_last_event_age_seconds{ {{- $series -}} }) > 300
  for: 5m
  labels: { severity: warning }
  annotations:
    summary: "The watch of {{ "{{ $labels.kind }}" }} has received no event for {{ "{{ $value | humanizeDuration }}" }}. The cache may be stale."
    description: "The API server sends a bookmark every minute. /readyz?verbose of the operator shows the cause."
- alert: CanaryDeploymentKindUnavailable
  expr: max by (kind) (autopilot_kind_unavailable{ {{- $series -}} }) > 0
  for: 5m
  labels: { severity: warning }
  annotations:
    summary: "The operator cannot read {{ "{{ $labels.kind }}" }}: an RBAC rule or the kind is missing."
    description: "Phases that read this kind do not run. helm test of this release lists missing permissions."
- alert: CanaryDeploymentChangesMissed
  expr: sum by (kind) (increase(autopilot_relist_missed_total{ {{- $series -}} }[1h])) > 0
  labels: { severity: info }
  annotations:
    summary: "A watch of {{ "{{ $labels.kind }}" }} missed a change that a later list contained."
    description: "The change was processed late. If the alert repeats, check proxies and load balancers between operator and API server."
{{- end }}
