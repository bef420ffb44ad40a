{{- /* PolicyRules that the phases of autopilot.yaml need. */ -}}
{{- define "operator.rules" -}}
<%_ for (const rule of rules) { _%>
# <%= rule.why %>
- apiGroups: <%- flow(rule.apiGroups) %>
  resources: <%- flow(rule.resources) %>
  verbs: <%- flow(rule.verbs) %>
<%_ } _%>
<%_ if (extraRules.length > 0) { _%>
# autopilot.yaml: rbac.extraRules
<%- yaml(extraRules) %>
<%_ } _%>
<%_ if (!finalizer) { _%>
{{- if .Values.rbac.formerFinalizer }}
# values: rbac.formerFinalizer
- apiGroups: [<%- text(group) %>]
  resources: [<%- text(plural) %>]
  verbs: [patch]
{{- end }}
<%_ } _%>
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
{{- define "operator.leaseRules" -}}
{{- if ne (toString .Values.config.enableLeaderElection) "false" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ include "operator.leaseName" . }}]
  # Standbys watch the Lease, so that a standby acquires it as soon as the leader releases it.
  verbs: [get, update, watch]
{{- end }}
{{- end }}
