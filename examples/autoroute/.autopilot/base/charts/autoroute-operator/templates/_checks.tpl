{{- /* Combinations that cannot work are refused with a sentence. */ -}}
{{- define "autoroute-operator.checks" -}}
{{- if get .Values "priorityClassName" }}
{{- fail "priorityClassName has moved to pod.priorityClassName (UPGRADING.md)" }}
{{- end }}
{{- $election := ne (toString .Values.config.enableLeaderElection) "false" }}
{{- $replicas := .Values.replicas }}
{{- if and (not $election) (or (kindIs "invalid" $replicas) (gt (int $replicas) 1)) }}
{{- fail "replicas is not at most 1 and config.enableLeaderElection is false: two processes would run one state machine" }}
{{- end }}
{{- if and (not $election) (eq (dig "type" "" .Values.deployment.strategy) "RollingUpdate") }}
{{- fail "deployment.strategy.type is RollingUpdate and config.enableLeaderElection is false: two processes would run one state machine during an upgrade" }}
{{- end }}
{{- if .Values.config.watchNamespace }}
{{- fail "config.watchNamespace cannot be set in the chart: set watchNamespaces, from which the rights are made too" }}
{{- end }}
{{- if not (regexMatch "^(0[.]0[.]0[.]0|\\[::\\]|):[0-9]+$" (.Values.config.metricsAddr | default ":9091")) }}
{{- fail (printf "config.metricsAddr is %q: the kubelet must reach it for the probes, so it must be like :9091" .Values.config.metricsAddr) }}
{{- end }}
{{- if and (hasKey .Values.config "metricsAddr") (not .Values.config.metricsAddr) }}
{{- fail "config.metricsAddr is empty: the probes need it" }}
{{- end }}
{{- if and .Values.metrics.serviceMonitor.enabled .Values.metrics.podMonitor.enabled }}
{{- fail "metrics.serviceMonitor and metrics.podMonitor are both enabled: everything would be counted twice" }}
{{- end }}
{{- if and .Values.metrics.serviceMonitor.enabled (not .Values.metrics.service.enabled) }}
{{- fail "metrics.serviceMonitor.enabled needs metrics.service.enabled; metrics.podMonitor does without" }}
{{- end }}
{{- range $key := list "containers" "initContainers" "volumes" }}
{{- if hasKey $.Values.pod $key }}
{{- fail (printf "pod.%s would replace the chart's own: use extraContainers, initContainers or extraVolumes" $key) }}
{{- end }}
{{- end }}
{{- include "autoroute-operator.checkBudget" . }}
{{- end }}

{{- define "autoroute-operator.checkBudget" -}}
{{- with .Values.podDisruptionBudget }}
{{- if .enabled }}
{{- $least := .minAvailable }}
{{- $most := .maxUnavailable }}
{{- if eq (kindIs "invalid" $least) (kindIs "invalid" $most) }}
{{- fail "podDisruptionBudget needs either maxUnavailable or minAvailable; set the other one to null" }}
{{- end }}
{{- if has (toString $most) (list "0" "0%") }}
{{- fail "podDisruptionBudget.maxUnavailable is 0: no node could be drained" }}
{{- end }}
{{- if and (not (kindIs "invalid" $least)) (or (eq (toString $least) "100%") (and (not (hasSuffix "%" (toString $least))) (not (kindIs "invalid" $.Values.replicas)) (ge (int $least) (int $.Values.replicas))) (and (hasSuffix "%" (toString $least)) (eq (int $.Values.replicas) 1) (ne (toString $least) "0%"))) }}
{{- fail (printf "podDisruptionBudget.minAvailable is %v with %v replicas: no node could be drained" $least $.Values.replicas) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
