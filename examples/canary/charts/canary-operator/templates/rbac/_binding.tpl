{{- /* A role and its binding. Arguments: at: root context; kind: Role or ClusterRole; name; namespace: "" for a ClusterRole;
rules: YAML. */ -}}
{{- define "canary-operator.roleAndBinding" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .kind }}
metadata:
  {{- include "canary-operator.metadata" . | nindent 2 }}
rules:
  {{- .rules | trim | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .kind }}Binding
metadata:
  {{- include "canary-operator.metadata" . | nindent 2 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ .kind }}
  name: {{ .name }}
subjects:
  - kind: ServiceAccount
    name: {{ .account | default (include "canary-operator.serviceAccountName" .at) }}
    namespace: {{ .at.Release.Namespace }}
{{- end }}
