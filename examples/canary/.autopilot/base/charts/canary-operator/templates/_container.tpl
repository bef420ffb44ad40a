{{- define "canary-operator.image" -}}
{{- with .Values.global.imageRegistry | default .Values.image.registry }}{{ . | trimSuffix "/" }}/{{ end }}
{{- .Values.image.repository -}}
{{- if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end -}}
{{- end }}

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

{{- /* A name that stands twice would be refused by server-side apply, and mean anything before that. */ -}}
{{- define "canary-operator.env" -}}
{{- $own := fromYamlArray (include "canary-operator.ownEnv" .) -}}
{{- $names := list -}}
{{- range $own }}{{ $names = append $names .name }}{{ end -}}
{{- range .Values.extraEnv }}
{{- if has .name $names }}{{ fail (printf "extraEnv must not set %s: the chart sets it, or it stands there twice" .name) }}{{ end }}
{{- $names = append $names .name }}
{{- end -}}
{{- toYaml (concat $own .Values.extraEnv) -}}
{{- end }}

{{- define "canary-operator.ownEnv" -}}
- name: AUTOPILOT_CONFIG
  value: /config/autopilot-operator.yaml
- name: AUTOPILOT_STATE
  value: /state
- name: WATCH_NAMESPACE
  value: {{ include "canary-operator.watchNamespace" . | quote }}
- name: POD_NAME
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
- name: POD_NAMESPACE
  valueFrom: { fieldRef: { fieldPath: metadata.namespace } }
{{- with include "canary-operator.userEnv" . | trim }}
{{ . }}
{{- end }}
{{- end }}
