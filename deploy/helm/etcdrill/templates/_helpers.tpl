{{/* Names and labels. The rules need the job name etcdrill, so app.kubernetes.io/name is fixed, and
the release is the instance. */}}
{{- define "etcdrill.fullname" -}}
{{- if contains "etcdrill" .Release.Name }}{{ .Release.Name | trunc 52 }}{{ else }}{{ printf "%s-etcdrill" .Release.Name | trunc 52 }}{{ end }}
{{- end }}

{{- define "etcdrill.selectorLabels" -}}
app.kubernetes.io/name: etcdrill
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "etcdrill.labels" -}}
{{ include "etcdrill.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: etcdrill
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "etcdrill.serviceAccountName" -}}
{{ .Values.serviceAccount.name | default (ternary (include "etcdrill.fullname" .) "default" .Values.serviceAccount.create) }}
{{- end }}

{{/* etcdrill.image (dict "image" VALUES "tag" DEFAULT) */}}
{{- define "etcdrill.image" -}}
{{ .image.repository }}{{ with .image.digest }}@{{ . }}{{ else }}:{{ .image.tag | default .tag }}{{ end }}
{{- end }}
