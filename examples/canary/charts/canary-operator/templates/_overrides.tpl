{{- /* User-owned: `autopilot generate` writes this file once and never changes it. */ -}}

{{- /* Labels of every object, as a YAML mapping. Labels in values take precedence. */ -}}
{{- define "canary-operator.userLabels" -}}
{{- end }}

{{- /* Environment variables of the operator's container, as a YAML list. They come before extraEnv. */ -}}
{{- define "canary-operator.userEnv" -}}
{{- end }}
