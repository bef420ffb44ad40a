{{- /* Common fields of the Pods of helm test and of the clean-up Job. Both run a script of files/ in the operator's image. */ -}}
{{- define "autoroute-operator.scriptPod" -}}
{{- include "autoroute-operator.merged" (dict "own" (fromYaml (include "autoroute-operator.ownScriptPod" .)) "more" .Values.pod) -}}
{{- end }}

{{- define "autoroute-operator.ownScriptPod" -}}
restartPolicy: Never
automountServiceAccountToken: true
{{ include "autoroute-operator.pullSecrets" . }}
securityContext: {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* Labels of these Pods: those of the operator's Pod, and none of a sidecar, which would never end. */ -}}
{{- define "autoroute-operator.scriptLabels" -}}
{{- toYaml (merge (dict) .Values.podLabels (dict "sidecar.istio.io/inject" "false")) -}}
{{- end }}

{{- /* Container that runs a script. Arguments: at: root context; script: path of the script. */ -}}
{{- define "autoroute-operator.scriptContainer" -}}
image: {{ include "autoroute-operator.image" .at }}
imagePullPolicy: {{ .at.Values.image.pullPolicy }}
securityContext: {{- toYaml .at.Values.securityContext | nindent 2 }}
command: {{- toYaml .at.Values.tests.command | nindent 2 }}
args:
  - --input-type=module
  - --eval
  - |
    {{- .at.Files.Get .script | nindent 4 }}
resources: {{- toYaml .at.Values.resources | nindent 2 }}
env:
  - name: NODE_EXTRA_CA_CERTS
    value: /var/run/secrets/kubernetes.io/serviceaccount/ca.crt
  - name: NAMESPACES
    value: {{ .at.Values.watchNamespaces | uniq | toJson | quote }}
{{- end }}
