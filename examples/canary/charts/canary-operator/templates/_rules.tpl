{{- /* What the phases of autopilot.yaml need, verb by verb, and nothing else. */ -}}
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
{{- with .Values.rbac.extraRules }}
# rbac.extraRules of the values
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* The same for the lease. The API server does not know a name before creation, so create cannot be narrowed to one. */ -}}
{{- define "canary-operator.leaseRules" -}}
{{- if ne (toString .Values.config.enableLeaderElection) "false" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ include "canary-operator.leaseName" . }}]
  # A standby watches it: a leader that ends is followed at once.
  verbs: [get, update, watch]
{{- end }}
{{- end }}
