{{- /* PolicyRules that the phases of autopilot.yaml need. */ -}}
{{- define "canary-operator.rules" -}}
# CanaryDeployment itself
- apiGroups: ["autopilot.examples.io"]
  resources: ["canarydeployments"]
  verbs: ["get", "list", "watch", "patch"]
# its status
- apiGroups: ["autopilot.examples.io"]
  resources: ["canarydeployments/status"]
  verbs: ["patch"]
# input of Initializing; output of Initializing
- apiGroups: [""]
  resources: ["services"]
  verbs: ["get", "list", "watch", "create", "patch"]
# input of Initializing, Waiting, Evaluating, Promoting, RollBack, the finalizer; output of Initializing, Waiting, Evaluating, Promoting
- apiGroups: ["apps"]
  resources: ["deployments"]
  verbs: ["get", "list", "watch", "create", "patch"]
# input of Initializing, Waiting, Evaluating, Promoting, RollBack; output of Initializing, Waiting, Evaluating, Promoting, RollBack, the finalizer; pruned by Initializing, Waiting, Evaluating, Promoting, RollBack, the finalizer
- apiGroups: ["networking.istio.io"]
  resources: ["virtualservices"]
  verbs: ["get", "list", "watch", "create", "patch", "delete"]
# Events about what happened
- apiGroups: ["events.k8s.io"]
  resources: ["events"]
  verbs: ["create", "patch"]
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
{{- define "canary-operator.leaseRules" -}}
{{- if ne (toString .Values.config.enableLeaderElection) "false" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ include "canary-operator.leaseName" . }}]
  # Standbys watch the Lease, so that a standby acquires it as soon as the leader releases it.
  verbs: [get, update, watch]
{{- end }}
{{- end }}
