{{- define "autoroute-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "autoroute-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "autoroute-operator.standardLabels" -}}
{{ include "autoroute-operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* at: the top; labels: of this object; identity: labels in place of the selector's. The chart's own win, so that nothing loses its selector. */ -}}
{{- define "autoroute-operator.labels" -}}
{{- $standard := fromYaml (include "autoroute-operator.standardLabels" .at) -}}
{{- $yours := fromYaml (include "autoroute-operator.userLabels" .at) -}}
{{- toYaml (merge (.identity | default dict) $standard (.labels | default dict) .at.Values.commonLabels $yours) -}}
{{- end }}

{{- /* at: the top; name; namespace: default the release's, "" for none; labels, annotations: of this object. */ -}}
{{- define "autoroute-operator.metadata" -}}
name: {{ .name }}
{{- with hasKey . "namespace" | ternary .namespace .at.Release.Namespace }}
namespace: {{ . }}
{{- end }}
labels:
  {{- include "autoroute-operator.labels" . | nindent 2 }}
{{- with merge (dict) (.annotations | default dict) .at.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* Of the Pods of helm test, which the Deployment must not take for its own. */ -}}
{{- define "autoroute-operator.testLabels" -}}
app.kubernetes.io/name: {{ printf "%s-test" (include "autoroute-operator.name" .) | include "autoroute-operator.short" }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
