{{- /* Labels of the selector of the Deployment. They must not change between versions. */ -}}
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

{{- /* Labels of an object. Arguments: at: root context; labels: labels of the object; identity: labels that replace the
selector labels. The chart's own labels take precedence, so that selectors keep matching. */ -}}
{{- define "canary-operator.labels" -}}
{{- $standard := fromYaml (include "canary-operator.standardLabels" .at) -}}
{{- $user := fromYaml (include "canary-operator.userLabels" .at) -}}
{{- toYaml (merge (.identity | default dict) $standard (.labels | default dict) .at.Values.commonLabels $user) -}}
{{- end }}

{{- /* Metadata of an object. Arguments: at: root context; name; namespace: default the release's, "" for none; labels,
annotations: those of the object. */ -}}
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

{{- /* Selector labels of the Pod of helm test. They differ from those of the Deployment, which must not adopt the Pod. */ -}}
{{- define "canary-operator.testLabels" -}}
app.kubernetes.io/name: {{ printf "%s-test" (include "canary-operator.name" .) | include "canary-operator.short" }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
