{{- /* Image reference. global.imageRegistry overrides image.registry; a digest overrides the tag. */ -}}
{{- define "canary-operator.image" -}}
{{- with .Values.global.imageRegistry | default .Values.image.registry }}{{ . | trimSuffix "/" }}/{{ end }}
{{- .Values.image.repository -}}
{{- if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end -}}
{{- end }}

{{- /* The operator's container, with the value `container` merged into it. */ -}}
{{- define "canary-operator.container" -}}
{{- toYaml (mergeOverwrite (fromYaml (include "canary-operator.ownContainer" .)) (deepCopy .Values.container)) -}}
{{- end }}

{{- define "canary-operator.ownContainer" -}}
name: operator
image: {{ include "canary-operator.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext: {{- toYaml .Values.securityContext | nindent 2 }}
{{- with .Values.extraArgs }}
args: {{- toYaml . | nindent 2 }}
{{- end }}
env: {{- include "canary-operator.env" . | nindent 2 }}
{{- with .Values.extraEnvFrom }}
envFrom: {{- toYaml . | nindent 2 }}
{{- end }}
ports:
  - name: metrics
    containerPort: {{ include "canary-operator.metricsPort" . }}
{{- range $name, $path := dict "startup" "/healthz" "liveness" "/healthz" "readiness" "/readyz" }}
{{- with get $.Values.probes $name }}
{{ $name }}Probe:
  {{- hasKey . "exec" | or (hasKey . "httpGet") | ternary . (merge (dict "httpGet" (dict "path" $path "port" "metrics")) .) | toYaml | nindent 2 }}
{{- end }}
{{- end }}
resources: {{- toYaml .Values.resources | nindent 2 }}
volumeMounts:
  - name: config
    mountPath: /config
    readOnly: true
  - name: state
    mountPath: /state
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
