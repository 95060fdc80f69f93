{{/* Names and labels that all manifests share. */}}
{{- define "vmconfig.name" -}}
{{- .Release.Name | trunc 53 | trimSuffix "-" -}}
{{- end -}}

{{- define "vmconfig.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "vmconfig.labels" -}}
{{ include "vmconfig.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "vmconfig.secret" -}}
{{- .Values.certificates.secretName | default (printf "%s-certificates" (include "vmconfig.name" .)) -}}
{{- end -}}

{{- define "vmconfig.selfManaged" -}}
{{- if eq .Values.certificates.mode "selfManaged" }}true{{ end -}}
{{- end -}}

{{- define "vmconfig.policies" -}}
{{- range $path, $_ := .Files.Glob "files/policies/*.yaml" }}
{{ base $path }}: |
  {{- $.Files.Get $path | trim | nindent 2 }}
{{- end }}
{{- range $name, $text := .Values.policies.extra }}
{{ $name }}: |
  {{- $text | trim | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "vmconfig.site" -}}
site.yaml: |
  machines: {{ .Values.site.machines | toJson }}
  graphics: {{ .Values.site.graphics | quote }}
  domainType: {{ .Values.site.domainType }}
{{- end -}}

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
        {{- range .root.Values.webhook.excludedNamespaces }}
        - {{ . }}
        {{- end }}
{{- end -}}

{{- define "vmconfig.injectCa" -}}
{{- if eq .Values.certificates.mode "certManager" }}
annotations:
  cert-manager.io/inject-ca-from: {{ .Release.Namespace }}/{{ include "vmconfig.name" . }}
{{- end }}
{{- end -}}
