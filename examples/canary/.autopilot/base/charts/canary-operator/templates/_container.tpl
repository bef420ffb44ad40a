{{- /* Image reference. global.imageRegistry overrides image.registry; a digest overrides the tag. */ -}}
{{- define "canary-operator.image" -}}
{{- with .Values.global.imageRegistry | default .Values.image.registry }}{{ . | trimSuffix "/" }}/{{ end }}
{{- .Values.image.repository -}}
{{- if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end -}}
{{- end }}

{{- /* The operator's container, with the value `container` merged into it. The environment is merged in "canary-operator.env". */ -}}
{{- define "canary-operator.container" -}}
{{- include "canary-operator.merged" (dict "own" (fromYaml (include "canary-operator.ownContainer" .)) "more" (omit .Values.container "env")) -}}
{{- end }}

{{- /* A mapping with another one merged into it. A list is appended to the list of the same name. Arguments: own; more. */ -}}
{{- define "canary-operator.merged" -}}
{{- $more := deepCopy .more -}}
{{- range $key, $own := .own -}}
{{- if and (kindIs "slice" $own) (kindIs "slice" (get $more $key)) -}}
{{- $_ := set $more $key (concat $own (get $more $key)) -}}
{{- end -}}
{{- end -}}
{{- toYaml (mergeOverwrite .own $more) -}}
{{- end }}

{{- /* Pull secrets as mappings. A parent chart may give names only. */ -}}
{{- define "canary-operator.pullSecrets" -}}
{{- $secrets := list -}}
{{- range concat (.Values.global.imagePullSecrets | default list) .Values.imagePullSecrets -}}
{{- $secrets = append $secrets (kindIs "string" . | ternary (dict "name" .) .) -}}
{{- end -}}
{{- with $secrets | uniq -}}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end -}}
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
{{- $probe := get $.Values.probes $name | default dict }}
{{- if and $probe (ne (toString $probe.enabled) "false") }}
{{- $fields := omit $probe "enabled" }}
{{ $name }}Probe:
  {{- hasKey $fields "exec" | or (hasKey $fields "httpGet") | ternary $fields (merge (dict "httpGet" (dict "path" $path "port" "metrics")) $fields) | toYaml | nindent 2 }}
{{- end }}
{{- end }}
resources: {{- toYaml .Values.resources | nindent 2 }}
volumeMounts:
  - name: configuration
    mountPath: /config
    readOnly: true
  - name: state
    mountPath: /state
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
