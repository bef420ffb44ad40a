{{- /* Name of at most 63 characters. A longer name is cut, and a hash keeps it unique. */ -}}
{{- define "canary-operator.short" -}}
{{- if gt (len .) 63 -}}{{- printf "%s-%s" (. | trunc 54 | trimSuffix "-") (. | sha256sum | trunc 8) -}}{{- else -}}{{- . -}}{{- end -}}
{{- end }}

{{- define "canary-operator.name" -}}
{{- .Values.nameOverride | default .Chart.Name | include "canary-operator.short" -}}
{{- end }}

{{- /* Full resource name: <release>-<chart>. Only <release> when the release name contains the chart name, except in an
umbrella chart. */ -}}
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

{{- /* Name of RBAC objects outside the release's namespace. A colon cannot be in a namespace or a release name, so two
releases never share a name. */ -}}
{{- define "canary-operator.clusterName" -}}
{{- printf "%s:%s" .Release.Namespace (include "canary-operator.fullname" .) -}}
{{- end }}

{{- /* Name of an object in a namespace that may not be the release's. A hash tells releases of other namespaces apart.
Arguments: at: root context; namespace; suffix: default none. */ -}}
{{- define "canary-operator.nameIn" -}}
{{- $name := printf "%s%s" (include "canary-operator.fullname" .at) (.suffix | default "") -}}
{{- if and .namespace (ne .namespace .at.Release.Namespace) -}}
{{- printf "%s-%s" $name (printf "%s/%s" .at.Release.Namespace $name | sha256sum | trunc 8) -}}
{{- else -}}
{{- $name -}}
{{- end -}}
{{- end }}

{{- define "canary-operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "canary-operator.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | required "serviceAccount.name must be set when serviceAccount.create is false: the permissions would be granted to the default ServiceAccount, which other Pods use" -}}
{{- end -}}
{{- end }}

{{- define "canary-operator.pauseName" -}}
{{- printf "%s-pause" (include "canary-operator.fullname" .) | include "canary-operator.short" -}}
{{- end }}

{{- define "canary-operator.metricsServiceName" -}}
{{- printf "%s-metrics" (include "canary-operator.fullname" .) | include "canary-operator.short" -}}
{{- end }}

{{- define "canary-operator.watchNamespace" -}}
{{- join "," (.Values.watchNamespaces | uniq | sortAlpha) -}}
{{- end }}

{{- /* Name of the Lease. Must match leaseName in autopilot-runtime. */ -}}
{{- define "canary-operator.leaseName" -}}
{{- printf "canary-operator-%s" (include "canary-operator.watchNamespace" . | sha256sum | trunc 10) -}}
{{- end }}

{{- define "canary-operator.leaseNamespace" -}}
{{- .Values.config.leaderElectionNamespace | default .Release.Namespace -}}
{{- end }}

{{- define "canary-operator.metricsPort" -}}
{{- .Values.config.metricsAddr | default ":9091" | splitList ":" | last -}}
{{- end }}

{{- /* Host and port of Prometheus. The runtime derives the same address. */ -}}
{{- define "canary-operator.prometheusHost" -}}
{{- $given := dig "metrics" "address" "" .Values.config -}}
{{- $default := printf "http://prometheus.%s:9090" (.Values.config.controlPlaneNs | default "istio-system") -}}
{{- if or $given (ne (toString .Values.config.meshProvider) "Custom") -}}
{{- $url := urlParse ($given | default $default) -}}
{{- if contains ":" $url.host -}}{{- $url.host -}}{{- else -}}{{- printf "%s:%s" $url.host (eq $url.scheme "https" | ternary "443" "80") -}}{{- end -}}
{{- end -}}
{{- end }}
