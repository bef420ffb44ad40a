{{- /* What the phases of autopilot.yaml declare, and nothing else: inputs are read, outputs are applied. */ -}}
{{- define "operator.rules" -}}
<%- rules %>
{{- end -}}
