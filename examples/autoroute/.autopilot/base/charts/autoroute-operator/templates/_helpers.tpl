{{- define "operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "operator.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "operator.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* Names of cluster-wide objects carry the namespace: releases of one name in two namespaces must not collide. */ -}}
{{- define "operator.clusterName" -}}
{{- $name := printf "%s-%s" .Release.Namespace (include "operator.fullname" .) -}}
{{- if gt (len $name) 63 -}}{{- printf "%s-%s" ($name | trunc 54 | trimSuffix "-") ($name | sha256sum | trunc 8) -}}{{- else -}}{{- $name -}}{{- end -}}
{{- end -}}

{{- define "operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{- define "operator.labels" -}}
{{ include "operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "operator.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "operator.watchNamespace" -}}
{{- join "," (.Values.watchNamespaces | uniq | sortAlpha) -}}
{{- end -}}

{{- /* As the runtime names it: leaseName in autopilot-runtime. */ -}}
{{- define "operator.leaseName" -}}
{{- printf "autoroute-operator-%s" (include "operator.watchNamespace" . | sha256sum | trunc 10) -}}
{{- end -}}

{{- define "operator.metricsPort" -}}
{{- .Values.config.metricsAddr | default ":9091" | splitList ":" | last -}}
{{- end -}}
