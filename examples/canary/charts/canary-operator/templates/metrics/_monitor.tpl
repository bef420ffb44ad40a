{{- /* Whether to render a kind of monitoring.coreos.com/v1: "yes" or nothing. Arguments: at: root context; settings: mapping
with enabled and renderMode; kind. */ -}}
{{- define "canary-operator.monitoring" -}}
{{- if .settings.enabled -}}
{{- if or (eq .settings.renderMode "alwaysRender") (.at.Capabilities.APIVersions.Has (printf "monitoring.coreos.com/v1/%s" .kind)) -}}
yes
{{- else if eq .settings.renderMode "failIfMissing" -}}
{{- fail (printf "%s is enabled, but the cluster does not have the kind %s: install the Prometheus operator, or set renderMode to skipIfMissing" .kind .kind) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- /* Endpoint of a ServiceMonitor or PodMonitor, with its value `endpoint` merged into it. */ -}}
{{- define "canary-operator.endpoint" -}}
{{- include "canary-operator.merged" (dict "own" (fromYaml (include "canary-operator.ownEndpoint" .)) "more" .endpoint) -}}
{{- end }}

{{- define "canary-operator.ownEndpoint" -}}
port: metrics
path: /metrics
interval: {{ .interval }}
scrapeTimeout: {{ .scrapeTimeout }}
{{- if .usesOwnToken }}
# The token of Prometheus' own ServiceAccount.
bearerTokenFile: /var/run/secrets/kubernetes.io/serviceaccount/token
{{- end }}
{{- with .relabelings }}
relabelings: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .metricRelabelings }}
metricRelabelings: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* Label matchers for the series of this release. */ -}}
{{- define "canary-operator.pods" -}}
namespace="{{ .Release.Namespace }}",pod=~"{{ include "canary-operator.fullname" . | trunc 47 }}.*"
{{- end }}

{{- define "canary-operator.series" -}}
{{ include "canary-operator.pods" . }},controller="canarydeployment"
{{- end }}
