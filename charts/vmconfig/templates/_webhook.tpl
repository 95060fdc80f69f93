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
    # Whoever acts on a status trusts it like a spec; only the agent of a node writes one, and it is complete.
    resources: [vmdefinitions, virtualmachineconfigs, vmdefinitionsnapshots{{ if eq .path "validate" }}, vmdefinitions/status{{ end }}]
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

{{/* CEL: whether an object says what it is restored from; give a dict with `object` and the `spec` of a VM in it. */}}
{{- define "vmconfig.hasRestore" -}}
{{- $at := .object -}}
{{- range $index, $key := append (splitList "." .spec) "restoreFrom" -}}
{{- if $index }} && {{ end }}has({{ $at }}.{{ $key }}){{ $at = printf "%s.%s" $at $key }}
{{- end -}}
{{- end -}}

{{/* What asks the API server about rights: for snapshots and restores alone, so that nothing else waits for it. */}}
{{- define "vmconfig.rightsWebhook" -}}
name: rights.vmconfig.kubevirt.io
admissionReviewVersions: [v1]
sideEffects: None
failurePolicy: Fail
matchPolicy: Equivalent
# Longer than other reviews may take: the service asks once for each object that is referred to.
timeoutSeconds: 10
clientConfig:
  {{- include "vmconfig.clientConfig" (dict "root" . "path" "rights") | nindent 2 }}
rules:
  - apiGroups: [kubevirt.io]
    apiVersions: [v1alpha1]
    operations: [CREATE]
    resources: [vmdefinitionsnapshots]
    scope: Namespaced
  - apiGroups: [kubevirt.io]
    apiVersions: [v1alpha1]
    operations: [CREATE, UPDATE]
    resources: [vmdefinitions, virtualmachineconfigs]
    scope: Namespaced
namespaceSelector:
  matchExpressions:
    - key: kubernetes.io/metadata.name
      operator: NotIn
      values:
        - kube-system
        - {{ .Release.Namespace }}
matchConditions:
  - name: a-snapshot-or-a-restore
    expression: >-
      request.kind.kind == "VMSnapshot" ||
      {{- range $kind, $spec := dict "VM" "spec" "VirtualMachineConfig" "spec.template.spec" }}
      (request.kind.kind == "{{ $kind }}" && {{ template "vmconfig.hasRestore" (dict "object" "object" "spec" $spec) }} &&
        (oldObject == null || !({{ template "vmconfig.hasRestore" (dict "object" "oldObject" "spec" $spec) }}) ||
        object.{{ $spec }}.restoreFrom != oldObject.{{ $spec }}.restoreFrom)) ||
      {{- end }}
      false
{{- end -}}

{{/* The policies' own webhook. In this namespace alone, which the other two leave out. */}}
{{- define "vmconfig.policiesWebhook" -}}
name: policies.vmconfig.kubevirt.io
admissionReviewVersions: [v1]
sideEffects: None
# Not Fail: with every pod gone for the sake of its policies, nobody could repair them. What passes meanwhile and is bad
# comes into force no more than before: the service goes on with the last good ones, and says so.
failurePolicy: Ignore
matchPolicy: Equivalent
# Longer than a VM may wait: the service starts a process for each check.
timeoutSeconds: 10
clientConfig:
  {{- include "vmconfig.clientConfig" (dict "root" . "path" "policies") | nindent 2 }}
rules:
  - apiGroups: [""]
    apiVersions: [v1]
    # Not DELETE: what is deleted is no longer mounted, and pods go on with what they have.
    operations: [CREATE, UPDATE]
    resources: [configmaps]
    scope: Namespaced
namespaceSelector:
  matchLabels: {kubernetes.io/metadata.name: {{ .Release.Namespace }}}
# By name, because that is what the pods mount: a label could be left out.
matchConditions:
  - name: the-policies
    expression: request.name == "{{ include "vmconfig.name" . }}-policies"
{{- end -}}

{{/* What both webhooks for KubeVirt's kinds say alike; give a dict with `root` and `name`. A validating webhook sees what
all mutating ones have made of an object, KubeVirt's and a MAC pool's too: their order does not matter here. */}}
{{- define "vmconfig.kubevirtHead" -}}
name: {{ .name }}.vmconfig.kubevirt.io
admissionReviewVersions: [v1]
sideEffects: None
# In mode audit nothing is refused, and nothing may be for want of an answer.
failurePolicy: {{ eq .root.Values.kubevirt.mode "enforce" | ternary "Fail" "Ignore" }}
# A version that KubeVirt also serves is converted to the one that is named here.
matchPolicy: Equivalent
timeoutSeconds: {{ .root.Values.webhook.timeoutSeconds }}
clientConfig:
  {{- include "vmconfig.clientConfig" (dict "root" .root "path" "kubevirt") | nindent 2 }}
{{- end -}}

{{- define "vmconfig.kubevirtWebhook" -}}
{{- include "vmconfig.kubevirtHead" (dict "root" . "name" "kubevirt") }}
rules:
  - apiGroups: [kubevirt.io]
    apiVersions: [v1]
    operations: [CREATE, UPDATE]
    resources: [virtualmachines, virtualmachineinstances, virtualmachineinstancereplicasets, virtualmachineinstancepresets]
    scope: Namespaced
  - apiGroups: [pool.kubevirt.io, instancetype.kubevirt.io, clone.kubevirt.io, snapshot.kubevirt.io]
    apiVersions: ["*"]
    operations: [CREATE, UPDATE]
    resources:
      - virtualmachinepools
      - virtualmachineinstancetypes
      - virtualmachinepreferences
      - virtualmachineclones
      - virtualmachinerestores
      - virtualmachinesnapshotcontents
    scope: Namespaced
{{- include "vmconfig.kubevirtNamespaces" . }}
{{- end -}}

{{/* What a status asks to be written into a machine, for whoever calls `virtctl addvolume`. KubeVirt's controllers write
statuses all the time: nobody waits for those. */}}
{{- define "vmconfig.kubevirtStatusWebhook" -}}
{{- include "vmconfig.kubevirtHead" (dict "root" . "name" "kubevirt-status") }}
rules:
  - apiGroups: [kubevirt.io]
    apiVersions: [v1]
    operations: [UPDATE]
    resources: [virtualmachines/status]
    scope: Namespaced
{{- include "vmconfig.kubevirtNamespaces" . }}
matchConditions:
  - name: not-by-kubevirts-controllers
    expression: >-
      !(request.userInfo.username in [
      {{- range $index, $name := list "controller" "handler" "operator" -}}
      {{ if $index }}, {{ end }}"system:serviceaccount:{{ $.Values.kubevirt.namespace }}:kubevirt-{{ $name }}"
      {{- end -}}
      ])
  - name: a-disk-or-a-dump-is-asked-for
    expression: has(object.status) && (has(object.status.volumeRequests) || has(object.status.memoryDumpRequest))
{{- end -}}

{{- define "vmconfig.kubevirtNamespaces" }}
namespaceSelector:
  matchExpressions:
    - key: kubernetes.io/metadata.name
      operator: NotIn
      values:
        - kube-system
        - {{ .Release.Namespace }}
        - {{ .Values.kubevirt.namespace }}
{{- end -}}

{{/* It comes after KubeVirt's own, which replaces the whole spec (configurations are called by name), and once more where a
later one changes the object. A VM without its places would move at its next boot, so nothing passes without an answer. */}}
{{- define "vmconfig.kubevirtMachineWebhook" -}}
name: kubevirt-machine.vmconfig.kubevirt.io
admissionReviewVersions: [v1]
sideEffects: None
failurePolicy: Fail
matchPolicy: Equivalent
reinvocationPolicy: IfNeeded
timeoutSeconds: {{ .Values.webhook.timeoutSeconds }}
clientConfig:
  {{- include "vmconfig.clientConfig" (dict "root" . "path" "kubevirt-machine") | nindent 2 }}
rules:
  - apiGroups: [kubevirt.io]
    apiVersions: [v1]
    operations: [CREATE, UPDATE]
    resources: [virtualmachines]
    scope: Namespaced
{{- include "vmconfig.kubevirtNamespaces" . }}
{{- end -}}

{{/* The pods of kept machines, as KubeVirt's controller makes them. Without the container such a machine does not start, and
no pod gets it later; so there is no pod without an answer, and the controller tries again. No other pod waits. */}}
{{- define "vmconfig.kubevirtPodWebhook" -}}
name: kubevirt-pod.vmconfig.kubevirt.io
admissionReviewVersions: [v1]
sideEffects: None
failurePolicy: Fail
matchPolicy: Equivalent
timeoutSeconds: {{ .Values.webhook.timeoutSeconds }}
clientConfig:
  {{- include "vmconfig.clientConfig" (dict "root" . "path" "kubevirt-pod") | nindent 2 }}
rules:
  - apiGroups: [""]
    apiVersions: [v1]
    operations: [CREATE]
    resources: [pods]
    scope: Namespaced
{{- include "vmconfig.kubevirtNamespaces" . }}
# The label is the controller's; whoever writes it on a pod of his own gains nothing.
objectSelector:
  matchLabels: {kubevirt.io: virt-launcher}
matchConditions:
  - name: made-by-kubevirt
    expression: request.userInfo.username == "system:serviceaccount:{{ .Values.kubevirt.namespace }}:kubevirt-controller"
  - name: of-a-machine-that-is-kept
    expression: has(object.metadata.annotations) && "vmconfig.kubevirt.io/machine" in object.metadata.annotations
{{- end -}}

{{- define "vmconfig.kubevirtClusterWebhook" -}}
{{- include "vmconfig.kubevirtHead" (dict "root" . "name" "kubevirt-cluster") }}
rules:
  - apiGroups: [instancetype.kubevirt.io]
    apiVersions: ["*"]
    operations: [CREATE, UPDATE]
    resources: [virtualmachineclusterinstancetypes, virtualmachineclusterpreferences]
    scope: Cluster
{{- end -}}

{{- define "vmconfig.injectCa" -}}
{{- if and (eq .Values.certificates.mode "certManager") (not .Values.webhook.url) }}
annotations:
  cert-manager.io/inject-ca-from: {{ .Release.Namespace }}/{{ include "vmconfig.name" . }}
{{- end }}
{{- end -}}
