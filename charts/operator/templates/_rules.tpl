{{- /* What the phases of autopilot.yaml need, verb by verb, and nothing else. */ -}}
{{- define "operator.rules" -}}
<%_ for (const rule of rules) { _%>
# <%= rule.why %>
- apiGroups: <%- flow(rule.apiGroups) %>
  resources: <%- flow(rule.resources) %>
  verbs: <%- flow(rule.verbs) %>
<%_ } _%>
<%_ if (extraRules.length > 0) { _%>
# rbac.extraRules of autopilot.yaml
<%- yaml(extraRules) %>
<%_ } _%>
<%_ if (!finalizer) { _%>
{{- if .Values.rbac.formerFinalizer }}
# rbac.formerFinalizer of the values
- apiGroups: [<%= group %>]
  resources: [<%= plural %>]
  verbs: [patch]
{{- end }}
<%_ } _%>
{{- with .Values.rbac.extraRules }}
# rbac.extraRules of the values
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* The same for the lease. The API server does not know a name before creation, so create cannot be narrowed to one. */ -}}
{{- define "operator.leaseRules" -}}
{{- if ne (toString .Values.config.enableLeaderElection) "false" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ include "operator.leaseName" . }}]
  # A standby watches it: a leader that ends is followed at once.
  verbs: [get, update, watch]
{{- end }}
{{- end }}
