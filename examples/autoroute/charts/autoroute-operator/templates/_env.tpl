{{- /* Environment variables of the operator. Fails for a duplicate name, because server-side apply rejects duplicates. */ -}}
{{- define "autoroute-operator.env" -}}
{{- $own := fromYamlArray (include "autoroute-operator.ownEnv" .) -}}
{{- $names := list -}}
{{- range $own }}{{ $names = append $names .name }}{{ end -}}
{{- $extra := concat .Values.extraEnv (get .Values.container "env" | default list) -}}
{{- range $extra }}
{{- if has .name $names }}{{ fail (printf "extraEnv must not set %s: the chart sets this variable, or extraEnv and container.env contain it twice" .name) }}{{ end }}
{{- $names = append $names .name }}
{{- end -}}
{{- toYaml (concat $own $extra) -}}
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
