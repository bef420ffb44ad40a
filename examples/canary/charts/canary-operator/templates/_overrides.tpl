{{- /* Yours: written once, never touched again. */ -}}

{{- /* Labels of every object, as a YAML mapping; values win over them. */ -}}
{{- define "canary-operator.userLabels" -}}
{{- end }}

{{- /* Variables of the operator's container, as a YAML list, before those of extraEnv. */ -}}
{{- define "canary-operator.userEnv" -}}
{{- end }}
