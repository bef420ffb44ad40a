{{- /* at: the top; settings: enabled and renderMode; kind: of monitoring.coreos.com/v1. Says "yes" when it is to be rendered. */ -}}
{{- define "canary-operator.monitoring" -}}
{{- if .settings.enabled -}}
{{- if or (eq .settings.renderMode "alwaysRender") (.at.Capabilities.APIVersions.Has (printf "monitoring.coreos.com/v1/%s" .kind)) -}}
yes
{{- else if eq .settings.renderMode "failIfMissing" -}}
{{- fail (printf "%s is enabled and this cluster has no kind %s: install the Prometheus operator first, or set renderMode" .kind .kind) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- /* What both monitors say about the endpoint. */ -}}
{{- define "canary-operator.endpoint" -}}
port: metrics
path: /metrics
interval: {{ .interval }}
scrapeTimeout: {{ .scrapeTimeout }}
{{- with .relabelings }}
relabelings: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .metricRelabelings }}
metricRelabelings: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* Labels by which the series of this release are found. */ -}}
{{- define "canary-operator.pods" -}}
namespace="{{ .Release.Namespace }}",pod=~"{{ include "canary-operator.fullname" . | trunc 47 }}.*"
{{- end }}

{{- define "canary-operator.series" -}}
{{ include "canary-operator.pods" . }},controller="canarydeployment"
{{- end }}
