{{- /* At most 63 characters; what is cut off is told apart by its hash. */ -}}
{{- define "canary-operator.short" -}}
{{- if gt (len .) 63 -}}{{- printf "%s-%s" (. | trunc 54 | trimSuffix "-") (. | sha256sum | trunc 8) -}}{{- else -}}{{- . -}}{{- end -}}
{{- end }}

{{- define "canary-operator.name" -}}
{{- .Values.nameOverride | default .Chart.Name | include "canary-operator.short" -}}
{{- end }}

{{- /* Release and chart; the release alone where it says the chart's name already. In an umbrella chart always both. */ -}}
{{- define "canary-operator.fullname" -}}
{{- $name := include "canary-operator.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if and .Chart.IsRoot (contains $name .Release.Name) -}}
{{- .Release.Name -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | include "canary-operator.short" -}}
{{- end -}}
{{- end }}

{{- /* Cluster-wide, and in watched namespaces: releases of one name in two namespaces must not collide. */ -}}
{{- define "canary-operator.clusterName" -}}
{{- printf "%s-%s" .Release.Namespace (include "canary-operator.fullname" .) | include "canary-operator.short" -}}
{{- end }}

{{- define "canary-operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "canary-operator.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | required "serviceAccount.create is false and serviceAccount.name is empty: the rights would go to the namespace's default account, which other Pods use" -}}
{{- end -}}
{{- end }}

{{- define "canary-operator.metricsServiceName" -}}
{{- printf "%s-metrics" (include "canary-operator.fullname" .) | include "canary-operator.short" -}}
{{- end }}

{{- define "canary-operator.watchNamespace" -}}
{{- join "," (.Values.watchNamespaces | uniq | sortAlpha) -}}
{{- end }}

{{- /* As the runtime names it: leaseName in autopilot-runtime. */ -}}
{{- define "canary-operator.leaseName" -}}
{{- printf "canary-operator-%s" (include "canary-operator.watchNamespace" . | sha256sum | trunc 10) -}}
{{- end }}

{{- define "canary-operator.leaseNamespace" -}}
{{- .Values.config.leaderElectionNamespace | default .Release.Namespace -}}
{{- end }}

{{- define "canary-operator.metricsPort" -}}
{{- .Values.config.metricsAddr | default ":9091" | splitList ":" | last -}}
{{- end }}

{{- /* Host and port of Prometheus, as the runtime derives them. */ -}}
{{- define "canary-operator.prometheusHost" -}}
{{- $given := dig "metrics" "address" "" .Values.config -}}
{{- $default := printf "http://prometheus.%s:9090" (.Values.config.controlPlaneNs | default "istio-system") -}}
{{- if or $given (ne (toString .Values.config.meshProvider) "Custom") -}}
{{- $url := urlParse ($given | default $default) -}}
{{- if contains ":" $url.host -}}{{- $url.host -}}{{- else -}}{{- printf "%s:%s" $url.host (eq $url.scheme "https" | ternary "443" "80") -}}{{- end -}}
{{- end -}}
{{- end }}
