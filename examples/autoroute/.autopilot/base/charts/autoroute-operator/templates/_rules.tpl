{{- /* What the phases of autopilot.yaml declare, and nothing else: inputs are read, outputs are applied. */ -}}
{{- define "operator.rules" -}}
- apiGroups:
    - examples.io
  resources:
    - autoroutes
  verbs:
    - get
    - list
    - watch
- apiGroups:
    - examples.io
  resources:
    - autoroutes/status
  verbs:
    - patch
- apiGroups:
    - ""
  resources:
    - services
  verbs:
    - get
    - list
    - watch
    - create
    - patch
    - delete
- apiGroups:
    - apps
  resources:
    - deployments
  verbs:
    - get
    - list
    - watch
- apiGroups:
    - networking.istio.io
  resources:
    - gateways
  verbs:
    - get
    - list
    - watch
    - create
    - patch
    - delete
- apiGroups:
    - networking.istio.io
  resources:
    - virtualservices
  verbs:
    - get
    - list
    - watch
    - create
    - patch
    - delete
- apiGroups:
    - events.k8s.io
  resources:
    - events
  verbs:
    - create
{{- end -}}
