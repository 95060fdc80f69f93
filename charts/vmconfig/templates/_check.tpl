{{/* Values that are each right and together wrong: refused before anything is installed, all at once. */}}
{{- define "vmconfig.check" -}}
{{- $mode := .Values.certificates.mode -}}
{{- $found := list -}}
{{- if and .Values.webhook.url (not .Values.webhook.caBundle) -}}
{{- $found = append $found "webhook.caBundle: missing beside webhook.url; help: give the CA of that URL, PEM in base64" -}}
{{- end -}}
{{- if and .Values.webhook.caBundle (not .Values.webhook.url) (ne $mode "existingSecret") -}}
{{- $found = append $found (printf "webhook.caBundle: in mode %s somebody else keeps it up to date; help: leave it empty" $mode) -}}
{{- end -}}
{{- if eq $mode "existingSecret" -}}
{{- if not .Values.certificates.secretName -}}
{{- $found = append $found "certificates.secretName: missing in mode existingSecret; help: name your Secret with tls.crt, tls.key and ca.crt" -}}
{{- end -}}
{{- if not .Values.webhook.caBundle -}}
{{- $found = append $found "webhook.caBundle: missing in mode existingSecret; help: give the CA of your certificate, PEM in base64" -}}
{{- end -}}
{{- end -}}
{{- if and (eq $mode "certManager") (not .Values.certificates.issuerRef.name) -}}
{{- $found = append $found "certificates.issuerRef: missing in mode certManager; help: name an issuer, like {name: my-ca, kind: Issuer}" -}}
{{- end -}}
{{- if ge (float64 .Values.server.deadline) (float64 .Values.webhook.timeoutSeconds) -}}
{{- $found = append $found "server.deadline: not below webhook.timeoutSeconds; help: answer before the API server stops waiting" -}}
{{- end -}}
{{- range $name, $_ := .Values.policies.extra -}}
{{- if or (has $name (list "suite.yaml" "agents.yaml")) ($.Files.Get (printf "files/policies/%s" $name)) -}}
{{- $found = append $found (printf "policies.extra: `%s` is a name of the service's own; help: name the file otherwise" $name) -}}
{{- end -}}
{{- end -}}
{{- if $found -}}{{- fail (join "\n" $found) -}}{{- end -}}
{{- end -}}
