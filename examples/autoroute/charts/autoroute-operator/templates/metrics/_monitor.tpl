{{- /* Whether to render a kind of monitoring.coreos.com/v1: "yes" or nothing. Arguments: at: root context; settings: mapping
with enabled and renderMode; kind. */ -}}
{{- define "autoroute-operator.monitoring" -}}
{{- if .settings.enabled -}}
{{- if or (eq .settings.renderMode "alwaysRender") (.at.Capabilities.APIVersions.Has (printf "monitoring.coreos.com/v1/%s" .kind)) -}}
yes
{{- else if eq .settings.renderMode "failIfMissing" -}}
{{- fail (printf "%s is enabled, but the cluster does not have the kind %s: install the Prometheus operator, or set renderMode to skipIfMissing" .kind .kind) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- /* Endpoint of a ServiceMonitor or PodMonitor, with its value `endpoint` merged into it. */ -}}
{{- define "autoroute-operator.endpoint" -}}
{{- include "autoroute-operator.merged" (dict "own" (fromYaml (include "autoroute-operator.ownEndpoint" .)) "more" .endpoint) -}}
{{- end }}

{{- define "autoroute-operator.ownEndpoint" -}}
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
{{- define "autoroute-operator.pods" -}}
namespace="{{ .Release.Namespace }}",pod=~"{{ include "autoroute-operator.fullname" . | trunc 47 }}.*"
{{- end }}

{{- define "autoroute-operator.series" -}}
{{ include "autoroute-operator.pods" . }},controller="autoroute"
{{- end }}
