{{- define "registry-exporter.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "registry-exporter.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (ternary (include "registry-exporter.fullname" .) "default" .Values.serviceAccount.create) -}}
{{- end -}}

{{/* The name is fixed: it becomes the job, which the alerts look for. */}}
{{- define "registry-exporter.selectorLabels" -}}
app.kubernetes.io/name: registry_exporter
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "registry-exporter.labels" -}}
{{ include "registry-exporter.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "registry-exporter.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "registry-exporter.config" -}}
{{- $config := dict "registries" .Values.registries -}}
{{- if .Values.collection }}{{ $_ := set $config "collection" .Values.collection }}{{ end -}}
{{- if .Values.metrics }}{{ $_ := set $config "metrics" .Values.metrics }}{{ end -}}
{{ toYaml $config }}
{{- end -}}
