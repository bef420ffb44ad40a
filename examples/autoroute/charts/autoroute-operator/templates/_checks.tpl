{{- /* Fails with an error when values contradict each other. */ -}}
{{- define "autoroute-operator.checks" -}}
{{- if get .Values "priorityClassName" }}
{{- fail "priorityClassName has moved to pod.priorityClassName: rename the value (see UPGRADING.md)" }}
{{- end }}
{{- $election := ne (toString .Values.config.enableLeaderElection) "false" }}
{{- $isAutoscaled := or .Values.deployment.autoscaled (kindIs "invalid" .Values.replicas) }}
{{- if and (not $election) (or $isAutoscaled (gt (int .Values.replicas) 1)) }}
{{- fail "replicas must be 0 or 1, and deployment.autoscaled false, when config.enableLeaderElection is false: two operators would reconcile the same resources. Enable leader election or set replicas to 1" }}
{{- end }}
{{- if and (not $election) (eq (dig "type" "" .Values.deployment.strategy) "RollingUpdate") }}
{{- fail "deployment.strategy.type must be Recreate when config.enableLeaderElection is false: two operators would reconcile the same resources during an upgrade. Enable leader election or set Recreate" }}
{{- end }}
{{- if .Values.config.watchNamespace }}
{{- fail "config.watchNamespace cannot be set in the chart: set watchNamespaces, which also creates the RBAC rules" }}
{{- end }}
{{- if not (regexMatch "^(0[.]0[.]0[.]0|\\[::\\]|):[0-9]+$" (.Values.config.metricsAddr | default ":9091")) }}
{{- fail (printf "config.metricsAddr: %q is not reachable for the probes of the kubelet: use an address like :9091" .Values.config.metricsAddr) }}
{{- end }}
{{- if and (hasKey .Values.config "metricsAddr") (not .Values.config.metricsAddr) }}
{{- fail "config.metricsAddr must not be empty: the probes need the endpoint. Remove the value for the default :9091" }}
{{- end }}
{{- if and .Values.config.secureMetrics (not .Values.metrics.secure) }}
{{- fail "config.secureMetrics cannot be set in the chart: set metrics.secure, which also creates the RBAC rules" }}
{{- end }}
{{- if and .Values.metrics.secure .Values.watchNamespaces .Values.rbac.create }}
{{- fail "metrics.secure cannot be set with watchNamespaces: the operator must create TokenReviews and SubjectAccessReviews, which Roles in namespaces cannot grant. Set rbac.create: false and grant the rules of the chart and these two yourself, or use networkPolicy.metricsFrom" }}
{{- end }}
{{- $endpoint := .Values.metrics.podMonitor.endpoint }}
{{- if and .Values.metrics.secure .Values.metrics.podMonitor.enabled (not (or $endpoint.authorization $endpoint.bearerTokenSecret $endpoint.oauth2)) }}
{{- fail "metrics.secure needs metrics.podMonitor.endpoint.authorization with a Secret: a PodMonitor cannot use Prometheus' own token. Use metrics.serviceMonitor, or set the Secret" }}
{{- end }}
{{- if and .Values.metrics.serviceMonitor.enabled .Values.metrics.podMonitor.enabled }}
{{- fail "metrics.serviceMonitor and metrics.podMonitor are both enabled: Prometheus would scrape every Pod twice. Disable one of them" }}
{{- end }}
{{- if and .Values.metrics.serviceMonitor.enabled (not .Values.metrics.service.enabled) }}
{{- fail "metrics.serviceMonitor.enabled needs metrics.service.enabled: enable the Service, or use metrics.podMonitor" }}
{{- end }}
{{- range $key := list "containers" "initContainers" "volumes" }}
{{- if hasKey $.Values.pod $key }}
{{- fail (printf "pod.%s would replace the containers or volumes of the chart: use extraContainers, initContainers or extraVolumes" $key) }}
{{- end }}
{{- end }}
{{- include "autoroute-operator.checkBudget" . }}
{{- end }}

{{- /* Fails when the PodDisruptionBudget would block every node drain. */ -}}
{{- define "autoroute-operator.checkBudget" -}}
{{- with .Values.podDisruptionBudget }}
{{- if .enabled }}
{{- $least := toString .minAvailable | replace "<nil>" "" }}
{{- $most := toString .maxUnavailable | replace "<nil>" "" }}
{{- if and $least $most }}
{{- fail "podDisruptionBudget takes either maxUnavailable or minAvailable: leave the other one empty" }}
{{- end }}
{{- if has $most (list "0" "0%") }}
{{- fail "podDisruptionBudget.maxUnavailable: 0 would block every node drain: use 1 or more" }}
{{- end }}
{{- if $least }}
{{- $replicas := $.Values.replicas }}
{{- $isAutoscaled := or $.Values.deployment.autoscaled (kindIs "invalid" $replicas) }}
{{- $isPercentage := hasSuffix "%" $least }}
{{- $needsEveryPod := eq $least "100%" }}
{{- $countReachesReplicas := and (not $isPercentage) (not $isAutoscaled) (ge (int $least) (int $replicas)) }}
{{- $shareOfSinglePod := and $isPercentage (ne $least "0%") (not $isAutoscaled) (eq (int $replicas) 1) }}
{{- if or $needsEveryPod $countReachesReplicas $shareOfSinglePod }}
{{- fail (printf "podDisruptionBudget.minAvailable: %v with %v replicas would block every node drain: use a smaller number, or more replicas" $least $replicas) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
