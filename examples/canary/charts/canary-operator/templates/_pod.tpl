{{- /* Spec of the Pod, with the value `pod` merged into it. */ -}}
{{- define "canary-operator.podSpec" -}}
{{- include "canary-operator.merged" (dict "own" (fromYaml (include "canary-operator.ownPodSpec" .)) "more" .Values.pod) -}}
{{- end }}

{{- define "canary-operator.ownPodSpec" -}}
serviceAccountName: {{ include "canary-operator.serviceAccountName" . }}
automountServiceAccountToken: true
terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
{{ include "canary-operator.pullSecrets" . }}
securityContext: {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.initContainers }}
initContainers: {{- toYaml . | nindent 2 }}
{{- end }}
containers:
  - {{- include "canary-operator.container" . | nindent 4 }}
  {{- with .Values.extraContainers }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
volumes:
  # The ConfigMap for a pause is not part of the release, so that a pause causes no conflict in an upgrade. The volume has
  # another name than the one of earlier charts, to whose fields the API server has added defaults.
  - name: configuration
    projected:
      sources:
        - configMap:
            name: {{ include "canary-operator.fullname" . }}
        - configMap:
            name: {{ include "canary-operator.pauseName" . }}
            optional: true
            items: [{ key: paused, path: paused }]
  # Survives a restart of the container: the watchdog writes the cause of a restart for the next process.
  - name: state
    emptyDir: { sizeLimit: 1Mi }
  {{- with .Values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- range . }}
  {{- $spread := dict "maxSkew" 1 "whenUnsatisfiable" "ScheduleAnyway" "labelSelector" (dict "matchLabels" (fromYaml (include "canary-operator.selectorLabels" $))) }}
  - {{- toYaml (hasKey . "labelSelector" | ternary . (mergeOverwrite $spread .)) | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}
