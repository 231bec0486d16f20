{{- define "plimsoll.name" -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end }}

{{- define "plimsoll.selector" -}}
app.kubernetes.io/name: plimsoll
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "plimsoll.labels" -}}
{{ include "plimsoll.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "plimsoll.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{- define "plimsoll.pod" -}}
metadata:
  labels:
    {{- include "plimsoll.selector" . | nindent 4 }}
  annotations:
    checksum/config: {{ toYaml .Values.defaults | sha256sum }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "plimsoll.name" . }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  # The server finishes or hands back what runs within 30 s.
  terminationGracePeriodSeconds: 40
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile:
      type: RuntimeDefault
  {{- if gt (int .Values.replicas) 1 }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "plimsoll.selector" . | nindent 10 }}
  {{- end }}
  containers:
    - name: plimsoll
      image: {{ include "plimsoll.image" . }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args: [serve]
      env:
        - name: PLIMSOLL_DATA_DIR
          value: /data
        {{- if .Values.github.existingSecret }}
        - name: PLIMSOLL_GITHUB_APP_ID
          value: {{ .Values.github.appId | toString | quote }}
        - name: PLIMSOLL_GITHUB_PRIVATE_KEY_FILE
          value: /secrets/private-key.pem
        - name: PLIMSOLL_GITHUB_WEBHOOK_SECRET_FILE
          value: /secrets/webhook-secret
        {{- end }}
        - name: PLIMSOLL_WORKERS
          value: {{ .Values.workers | toString | quote }}
        - name: PLIMSOLL_LOG_LEVEL
          value: {{ .Values.logLevel }}
        {{- with .Values.publicUrl }}
        - name: PLIMSOLL_PUBLIC_URL
          value: {{ . }}
        {{- end }}
        {{- with .Values.github.url }}
        - name: PLIMSOLL_GITHUB_URL
          value: {{ . }}
        {{- end }}
        {{- if .Values.github.caConfigMap }}
        - name: PLIMSOLL_GITHUB_CA_FILE
          value: /config/github-ca/ca.pem
        {{- end }}
        {{- if .Values.defaults }}
        - name: PLIMSOLL_DEFAULTS_FILE
          value: /config/defaults/plimsoll.yml
        {{- end }}
        {{- if .Values.nats.url }}
        - name: PLIMSOLL_NATS_URL
          value: {{ .Values.nats.url }}
        - name: PLIMSOLL_NATS_REPLICAS
          value: {{ .Values.nats.replicas | toString | quote }}
        {{- if .Values.nats.credsSecret }}
        - name: PLIMSOLL_NATS_CREDS_FILE
          value: /secrets-nats/user.creds
        {{- end }}
        {{- if .Values.nats.caSecret }}
        - name: PLIMSOLL_NATS_CA_FILE
          value: /secrets-nats-ca/ca.pem
        {{- end }}
        {{- end }}
        {{- with .Values.env }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      ports:
        - name: http
          containerPort: 8080
          protocol: TCP
      startupProbe:
        httpGet:
          path: /healthz
          port: http
        periodSeconds: 2
        failureThreshold: 60
      readinessProbe:
        httpGet:
          path: /readyz
          port: http
        periodSeconds: 10
      livenessProbe:
        httpGet:
          path: /healthz
          port: http
        periodSeconds: 20
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        privileged: false
        readOnlyRootFilesystem: true
        runAsNonRoot: true
        capabilities:
          drop: [ALL]
      volumeMounts:
        - name: data
          mountPath: /data
        {{- if .Values.github.existingSecret }}
        - name: secrets
          mountPath: /secrets
          readOnly: true
        {{- end }}
        - name: tmp
          mountPath: /tmp
        {{- if .Values.github.caConfigMap }}
        - name: github-ca
          mountPath: /config/github-ca
          readOnly: true
        {{- end }}
        {{- if .Values.defaults }}
        - name: defaults
          mountPath: /config/defaults
          readOnly: true
        {{- end }}
        {{- if and .Values.nats.url .Values.nats.credsSecret }}
        - name: nats-creds
          mountPath: /secrets-nats
          readOnly: true
        {{- end }}
        {{- if and .Values.nats.url .Values.nats.caSecret }}
        - name: nats-ca
          mountPath: /secrets-nats-ca
          readOnly: true
        {{- end }}
  volumes:
    {{- if .Values.github.existingSecret }}
    - name: secrets
      secret:
        secretName: {{ .Values.github.existingSecret }}
        defaultMode: 0400
    {{- end }}
    - name: tmp
      emptyDir:
        sizeLimit: 64Mi
    {{- if .Values.nats.url }}
    - name: data
      emptyDir:
        sizeLimit: 1Gi
    {{- end }}
    {{- if .Values.github.caConfigMap }}
    - name: github-ca
      configMap:
        name: {{ .Values.github.caConfigMap }}
    {{- end }}
    {{- if .Values.defaults }}
    - name: defaults
      configMap:
        name: {{ include "plimsoll.name" . }}
    {{- end }}
    {{- if and .Values.nats.url .Values.nats.credsSecret }}
    - name: nats-creds
      secret:
        secretName: {{ .Values.nats.credsSecret }}
        defaultMode: 0400
    {{- end }}
    {{- if and .Values.nats.url .Values.nats.caSecret }}
    - name: nats-ca
      secret:
        secretName: {{ .Values.nats.caSecret }}
        defaultMode: 0400
    {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
