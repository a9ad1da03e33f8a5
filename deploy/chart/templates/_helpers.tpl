{{- define "labels" -}}
app: {{ .Release.Name }}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{/* What is read and written in each namespace. */}}
{{- define "rules" -}}
- apiGroups: [""]
  resources: [services, secrets]
  verbs: [get, list, watch]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [get, list, watch]
- apiGroups: [traefik.io, traefik.containo.us]
  resources:
    - ingressroutes
    - ingressroutetcps
    - ingressrouteudps
    - middlewares
    - middlewaretcps
    - traefikservices
    - tlsoptions
    - tlsstores
    - serverstransports
  verbs: [get, list, watch]
- apiGroups: [networking.k8s.io]
  resources: [{{ .ingresses }}]
  verbs: [get, list, watch]
- apiGroups: [networking.k8s.io]
  resources: [ingresses/status]
  verbs: [update]
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch]
{{- end }}

{{/* The entry point `traefik`, which answers the probes. */}}
{{- define "probed" -}}
{{- dig "traefik" "port" 8080 .Values.entryPoints }}
{{- end }}

{{/* Options below `name` as flags, however deep; lists with commas. */}}
{{- define "flags" }}
{{- range $option, $value := .options }}
{{- $name := printf "%s.%s" $.name $option }}
{{- if kindIs "map" $value }}
{{- include "flags" (dict "name" $name "options" $value) }}
{{- else if kindIs "slice" $value }}
- {{ printf "--%s=%s" $name (join "," $value) | quote }}
{{- else }}
- {{ printf "--%s=%v" $name $value | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* Flags of a provider: its switch, and its options. */}}
{{- define "provider" }}
- --providers.{{ .name }}
{{- with .values.namespaces }}
- --providers.{{ $.name }}.namespaces={{ join "," . }}
{{- end }}
{{- with .values.ingressClass }}
- --providers.{{ $.name }}.ingressClass={{ . }}
{{- end }}
{{- include "flags" (dict "name" (printf "providers.%s" .name) "options" .options) }}
{{- end }}

{{- define "subject" -}}
- kind: ServiceAccount
  name: {{ .Release.Name }}
  namespace: {{ .Release.Namespace }}
{{- end }}
