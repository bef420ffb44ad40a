{{- define "operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "operator.standardLabels" -}}
{{ include "operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* at: the top; labels: of this object; identity: labels in place of the selector's. The chart's own win, so that nothing loses its selector. */ -}}
{{- define "operator.labels" -}}
{{- $standard := fromYaml (include "operator.standardLabels" .at) -}}
{{- $yours := fromYaml (include "operator.userLabels" .at) -}}
{{- toYaml (merge (.identity | default dict) $standard (.labels | default dict) .at.Values.commonLabels $yours) -}}
{{- end }}

{{- /* at: the top; name; namespace: default the release's, "" for none; labels, annotations: of this object. */ -}}
{{- define "operator.metadata" -}}
name: {{ .name }}
{{- with hasKey . "namespace" | ternary .namespace .at.Release.Namespace }}
namespace: {{ . }}
{{- end }}
labels:
  {{- include "operator.labels" . | nindent 2 }}
{{- with merge (dict) (.annotations | default dict) .at.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* Of the Pods of helm test, which the Deployment must not take for its own. */ -}}
{{- define "operator.testLabels" -}}
app.kubernetes.io/name: {{ printf "%s-test" (include "operator.name" .) | include "operator.short" }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
