{{- define "autoroute-operator.image" -}}
{{- with .Values.global.imageRegistry | default .Values.image.registry }}{{ . | trimSuffix "/" }}/{{ end }}
{{- .Values.image.repository -}}
{{- if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end -}}
{{- end }}

{{- define "autoroute-operator.container" -}}
{{- toYaml (mergeOverwrite (fromYaml (include "autoroute-operator.ownContainer" .)) (deepCopy .Values.container)) -}}
{{- end }}

{{- define "autoroute-operator.ownContainer" -}}
name: operator
image: {{ include "autoroute-operator.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext: {{- toYaml .Values.securityContext | nindent 2 }}
{{- with .Values.extraArgs }}
args: {{- toYaml . | nindent 2 }}
{{- end }}
env: {{- include "autoroute-operator.env" . | nindent 2 }}
{{- with .Values.extraEnvFrom }}
envFrom: {{- toYaml . | nindent 2 }}
{{- end }}
ports:
  - name: metrics
    containerPort: {{ include "autoroute-operator.metricsPort" . }}
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

{{- /* A name that stands twice would be refused by server-side apply, and mean anything before that. */ -}}
{{- define "autoroute-operator.env" -}}
{{- $own := fromYamlArray (include "autoroute-operator.ownEnv" .) -}}
{{- $names := list -}}
{{- range $own }}{{ $names = append $names .name }}{{ end -}}
{{- range .Values.extraEnv }}
{{- if has .name $names }}{{ fail (printf "extraEnv must not set %s: the chart sets it, or it stands there twice" .name) }}{{ end }}
{{- $names = append $names .name }}
{{- end -}}
{{- toYaml (concat $own .Values.extraEnv) -}}
{{- end }}

{{- define "autoroute-operator.ownEnv" -}}
- name: AUTOPILOT_CONFIG
  value: /config/autopilot-operator.yaml
- name: AUTOPILOT_STATE
  value: /state
- name: WATCH_NAMESPACE
  value: {{ include "autoroute-operator.watchNamespace" . | quote }}
- name: POD_NAME
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
- name: POD_NAMESPACE
  valueFrom: { fieldRef: { fieldPath: metadata.namespace } }
{{- with include "autoroute-operator.userEnv" . | trim }}
{{ . }}
{{- end }}
{{- end }}
