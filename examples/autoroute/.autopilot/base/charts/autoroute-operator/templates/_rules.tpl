{{- /* PolicyRules that the phases of autopilot.yaml need. */ -}}
{{- define "autoroute-operator.rules" -}}
# AutoRoute itself
- apiGroups: ["examples.io"]
  resources: ["autoroutes"]
  verbs: ["get", "list", "watch"]
# its status
- apiGroups: ["examples.io"]
  resources: ["autoroutes/status"]
  verbs: ["patch"]
# output of Routing; pruned by Routing
- apiGroups: [""]
  resources: ["services"]
  verbs: ["get", "list", "watch", "create", "patch", "delete"]
# input of Routing
- apiGroups: ["apps"]
  resources: ["deployments"]
  verbs: ["list", "watch"]
# output of Routing
- apiGroups: ["networking.istio.io"]
  resources: ["gateways"]
  verbs: ["get", "list", "watch", "create", "patch"]
# output of Routing; pruned by Routing
- apiGroups: ["networking.istio.io"]
  resources: ["virtualservices"]
  verbs: ["get", "list", "watch", "create", "patch", "delete"]
# Events about what happened
- apiGroups: ["events.k8s.io"]
  resources: ["events"]
  verbs: ["create", "patch"]
{{- if .Values.rbac.formerFinalizer }}
# values: rbac.formerFinalizer
- apiGroups: [examples.io]
  resources: [autoroutes]
  verbs: [patch]
{{- end }}
{{- if .Values.metrics.secure }}
# values: metrics.secure
- apiGroups: [authentication.k8s.io]
  resources: [tokenreviews]
  verbs: [create]
- apiGroups: [authorization.k8s.io]
  resources: [subjectaccessreviews]
  verbs: [create]
{{- end }}
{{- with .Values.rbac.extraRules }}
# values: rbac.extraRules
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* PolicyRules for the Lease. RBAC cannot limit create to a resource name. */ -}}
{{- define "autoroute-operator.leaseRules" -}}
{{- if ne (toString .Values.config.enableLeaderElection) "false" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ include "autoroute-operator.leaseName" . }}]
  # Standbys watch the Lease, so that a standby acquires it as soon as the leader releases it.
  verbs: [get, update, watch]
{{- end }}
{{- end }}
