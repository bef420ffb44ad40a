{{- /* What the phases of autopilot.yaml need, verb by verb, and nothing else. */ -}}
{{- define "autoroute-operator.rules" -}}
# AutoRoute itself
- apiGroups: ["examples.io"]
  resources: ["autoroutes"]
  verbs: ["get", "list", "watch"]
# its status
- apiGroups: ["examples.io"]
  resources: ["autoroutes/status"]
  verbs: ["patch"]
# input of Ready; output of Syncing; pruned by Syncing
- apiGroups: [""]
  resources: ["services"]
  verbs: ["get", "list", "watch", "create", "patch", "delete"]
# input of Syncing, Ready
- apiGroups: ["apps"]
  resources: ["deployments"]
  verbs: ["list", "watch"]
# input of Ready; output of Syncing
- apiGroups: ["networking.istio.io"]
  resources: ["gateways"]
  verbs: ["get", "list", "watch", "create", "patch"]
# input of Ready; output of Syncing; pruned by Syncing
- apiGroups: ["networking.istio.io"]
  resources: ["virtualservices"]
  verbs: ["get", "list", "watch", "create", "patch", "delete"]
# Events about what happened
- apiGroups: ["events.k8s.io"]
  resources: ["events"]
  verbs: ["create", "patch"]
{{- if .Values.rbac.formerFinalizer }}
# rbac.formerFinalizer of the values
- apiGroups: [examples.io]
  resources: [autoroutes]
  verbs: [patch]
{{- end }}
{{- with .Values.rbac.extraRules }}
# rbac.extraRules of the values
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* The same for the lease. The API server does not know a name before creation, so create cannot be narrowed to one. */ -}}
{{- define "autoroute-operator.leaseRules" -}}
{{- if ne (toString .Values.config.enableLeaderElection) "false" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ include "autoroute-operator.leaseName" . }}]
  # A standby watches it: a leader that ends is followed at once.
  verbs: [get, update, watch]
{{- end }}
{{- end }}
