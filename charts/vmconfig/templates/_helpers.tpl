{{/* Names, labels and parts that manifests share. */}}

{{/* As Helm's own starter does it: the release's name, with the chart's where it is not in there already. */}}
{{- define "vmconfig.name" -}}
{{- $name := .Release.Name -}}
{{- if not (contains .Chart.Name $name) -}}{{- $name = printf "%s-%s" $name .Chart.Name -}}{{- end -}}
{{- $name | trunc 48 | trimSuffix "-" -}}
{{- end -}}

{{- define "vmconfig.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "vmconfig.labels" -}}
{{ include "vmconfig.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "vmconfig.image" -}}
{{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) }}
{{- end -}}

{{- define "vmconfig.secret" -}}
{{- .Values.certificates.secretName | default (printf "%s-certificates" (include "vmconfig.name" .)) -}}
{{- end -}}

{{/* The name by which the API server calls, and which the certificate has to carry. */}}
{{- define "vmconfig.host" -}}
{{ include "vmconfig.name" . }}.{{ .Release.Namespace }}.svc
{{- end -}}

{{/* Words that are true where they are not empty. */}}
{{- define "vmconfig.selfManaged" -}}
{{- if eq .Values.certificates.mode "selfManaged" }}true{{ end -}}
{{- end -}}

{{/* With a URL the API server calls somebody else, whose CA is not ours to publish. */}}
{{- define "vmconfig.publishesCa" -}}
{{- if and (include "vmconfig.selfManaged" .) (not .Values.webhook.url) }}true{{ end -}}
{{- end -}}

{{- define "vmconfig.policies" -}}
{{- range $path, $_ := .Files.Glob "files/policies/*.yaml" }}
{{ base $path }}: |
  {{- $.Files.Get $path | trim | nindent 2 }}
{{- end }}
{{- if ne .Values.kubevirt.mode "off" }}
{{- range $path, $_ := .Files.Glob "files/kubevirt/*.yaml" }}
{{ base $path }}: |
  {{- $.Files.Get $path | trim | nindent 2 }}
{{- end }}
{{- end }}
{{- range $name, $text := .Values.policies.extra }}
{{ $name }}: |
  {{- $text | trim | nindent 2 }}
{{- end }}
{{- with .Values.policies.agents }}
agents.yaml: |
  # What runs on a node is the host's; these may say so, in the status of a VM.
  apiVersion: policy.vmconfig.kubevirt.io/v1
  kind: Policy
  metadata: {name: agents}
  match: {subjects: {serviceAccounts: {{ toJson . }}}}
  rules:
    - name: what-runs
      permit: {class: backend}
  ...
{{- end }}
{{- end -}}

{{- define "vmconfig.site" -}}
site.yaml: |
  machines: {{ .Values.site.machines | toJson }}
  nodeMachines: {{ .Values.site.nodeMachines | toJson }}
  graphics: {{ .Values.site.graphics | quote }}
  domainType: {{ .Values.site.domainType }}
  ruleSet: {{ .Values.site.ruleSet | quote }}
{{- if ne .Values.kubevirt.hook "off" }}
hook.yaml: |
  {{- include "vmconfig.hookContainer" . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Beside each machine of KubeVirt's that is kept, started before its launcher and ended after it. */}}
{{- define "vmconfig.hookContainer" -}}
name: vmconfig-hook
image: {{ .Values.kubevirt.hookImage | default (include "vmconfig.image" .) }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
args: [serve-hook, {{ include "vmconfig.hookSocket" . }}]
restartPolicy: Always
resources: {{- toYaml .Values.kubevirt.hookResources | nindent 2 }}
securityContext:
  runAsNonRoot: true
  seccompProfile: {type: RuntimeDefault}
  {{- include "vmconfig.containerSecurity" . | nindent 2 }}
volumeMounts:
  - {name: kubevirt-plugin-sockets, mountPath: {{ dir (include "vmconfig.hookSocket" .) }}, subPath: {{ include "vmconfig.name" . }}}
{{- end -}}

{{/* KubeVirt asks that it stands in a folder of the plugin's name. */}}
{{- define "vmconfig.hookSocket" -}}
/var/run/kubevirt-plugin/{{ include "vmconfig.name" . }}/hook.sock
{{- end -}}

{{/* The restricted level of Pod Security, and more: nothing may be written, not even by nobody. */}}
{{- define "vmconfig.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "vmconfig.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}
