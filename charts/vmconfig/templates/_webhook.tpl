{{/* What both webhook configurations say alike. */}}

{{/* How the API server reaches a webhook; give a dict with `root` and `path`. */}}
{{- define "vmconfig.clientConfig" -}}
{{- $values := .root.Values.webhook -}}
{{- if $values.url }}
url: {{ printf "%s/%s" ($values.url | trimSuffix "/") .path }}
{{- else }}
service:
  name: {{ include "vmconfig.name" .root }}
  namespace: {{ .root.Release.Namespace }}
  path: /{{ .path }}
  port: 443
{{- end }}
{{- /* Said only where it is the admin's. What the service or cert-manager writes there stays, because neither this
manifest nor the one before names the field (Helm 3 merges three ways, Helm 4 applies by field owner). */}}
{{- with $values.caBundle }}
caBundle: {{ . }}
{{- end }}
{{- end -}}

{{/* One webhook of either kind; give a dict with `root` and `path`. */}}
{{- define "vmconfig.webhook" -}}
name: {{ .path }}.vmconfig.kubevirt.io
admissionReviewVersions: [v1]
sideEffects: None
failurePolicy: Fail
matchPolicy: Equivalent
timeoutSeconds: {{ .root.Values.webhook.timeoutSeconds }}
clientConfig:
  {{- include "vmconfig.clientConfig" . | nindent 2 }}
rules:
  - apiGroups: [kubevirt.io]
    apiVersions: [v1alpha1]
    operations: [CREATE, UPDATE]
    resources: [vms, virtualmachineconfigs]
    scope: Namespaced
# No objectSelector: a label that a tenant can write must not exempt his object.
namespaceSelector:
  matchExpressions:
    - key: kubernetes.io/metadata.name
      operator: NotIn
      values:
        - kube-system
        - {{ .root.Release.Namespace }}
{{- end -}}

{{- define "vmconfig.injectCa" -}}
{{- if and (eq .Values.certificates.mode "certManager") (not .Values.webhook.url) }}
annotations:
  cert-manager.io/inject-ca-from: {{ .Release.Namespace }}/{{ include "vmconfig.name" . }}
{{- end }}
{{- end -}}
