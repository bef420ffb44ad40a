{{- define "canary-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "canary-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "canary-operator.standardLabels" -}}
{{ include "canary-operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* at: the top; labels: of this object; identity: labels in place of the selector's. The chart's own win, so that nothing loses its selector. */ -}}
{{- define "canary-operator.labels" -}}
{{- $standard := fromYaml (include "canary-operator.standardLabels" .at) -}}
{{- $yours := fromYaml (include "canary-operator.userLabels" .at) -}}
{{- toYaml (merge (.identity | default dict) $standard (.labels | default dict) .at.Values.commonLabels $yours) -}}
{{- end }}

{{- /* at: the top; name; namespace: default the release's, "" for none; labels, annotations: of this object. */ -}}
{{- define "canary-operator.metadata" -}}
name: {{ .name }}
{{- with hasKey . "namespace" | ternary .namespace .at.Release.Namespace }}
namespace: {{ . }}
{{- end }}
labels:
  {{- include "canary-operator.labels" . | nindent 2 }}
{{- with merge (dict) (.annotations | default dict) .at.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* Of the Pods of helm test, which the Deployment must not take for its own. */ -}}
{{- define "canary-operator.testLabels" -}}
app.kubernetes.io/name: {{ printf "%s-test" (include "canary-operator.name" .) | include "canary-operator.short" }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
