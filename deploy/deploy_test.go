// Package deploy_test holds the deployments against what reads them: the chart
// is rendered and every object decoded strictly, and the dashboard and alerts
// speak of metrics that there are.
package deploy_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

const chartDir = "helm/plimsoll"

// render gives the objects of the chart with values, by kind.
func render(t *testing.T, values map[string]any) (map[string]string, error) {
	t.Helper()
	chart, err := loader.Load(chartDir)
	if err != nil {
		t.Fatal(err)
	}
	if err := chart.Validate(); err != nil {
		t.Fatal(err)
	}
	all, err := chartutil.ToRenderValues(chart, values, chartutil.ReleaseOptions{Name: "plimsoll", Namespace: "plimsoll", IsInstall: true}, nil)
	if err != nil {
		return nil, err
	}
	files, err := engine.Engine{Strict: true}.Render(chart, all)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for name, text := range files {
		if filepath.Ext(name) != ".yaml" || strings.TrimSpace(text) == "" {
			continue
		}
		kind := decode(t, name, text)
		if out[kind] != "" {
			t.Errorf("two of %s", kind)
		}
		out[kind] = text
	}
	return out, nil
}

// decode holds an object against Kubernetes' own types: unknown fields and
// wrong types are errors.
func decode(t *testing.T, name, text string) (kind string) {
	t.Helper()
	var head struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
	}
	if err := yaml.Unmarshal([]byte(text), &head); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, text)
	}
	into, ok := map[string]any{
		"apps/v1 StatefulSet": &appsv1.StatefulSet{}, "apps/v1 Deployment": &appsv1.Deployment{}, "v1 Service": &corev1.Service{},
		"v1 ServiceAccount": &corev1.ServiceAccount{}, "v1 ConfigMap": &corev1.ConfigMap{}, "v1 Namespace": &corev1.Namespace{},
		"networking.k8s.io/v1 NetworkPolicy": &networkingv1.NetworkPolicy{}, "networking.k8s.io/v1 Ingress": &networkingv1.Ingress{},
		"policy/v1 PodDisruptionBudget":                 &policyv1.PodDisruptionBudget{},
		"monitoring.coreos.com/v1 ServiceMonitor":       &map[string]any{},
		"monitoring.coreos.com/v1 PrometheusRule":       &map[string]any{},
		"kustomize.config.k8s.io/v1beta1 Kustomization": &map[string]any{},
	}[head.APIVersion+" "+head.Kind]
	if !ok {
		t.Fatalf("%s: what is a %s %s?", name, head.APIVersion, head.Kind)
	}
	if err := yaml.UnmarshalStrict([]byte(text), into); err != nil {
		t.Errorf("%s: %v\n%s", name, err, text)
	}
	return head.Kind
}

func valuesOf(t *testing.T, file string) map[string]any {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(chartDir, file))
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := yaml.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestChartRenders(t *testing.T) {
	alone, err := render(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"StatefulSet", "Service", "ServiceAccount", "NetworkPolicy"} {
		if alone[kind] == "" {
			t.Errorf("by default there is no %s", kind)
		}
	}
	for _, kind := range []string{"Deployment", "PodDisruptionBudget", "ServiceMonitor", "Ingress", "ConfigMap", "PrometheusRule"} {
		if alone[kind] != "" {
			t.Errorf("by default there is a %s", kind)
		}
	}
	page, err := render(t, map[string]any{"publicUrl": "https://plimsoll.example.com", "github": map[string]any{"existingSecret": ""}})
	if err != nil || strings.Contains(page["StatefulSet"], "/secrets") || strings.Contains(page["StatefulSet"], "APP_ID") {
		t.Errorf("for the set-up page: %v\n%s", err, page["StatefulSet"])
	}
	many, err := render(t, valuesOf(t, "values-cluster.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"Deployment", "PodDisruptionBudget", "ServiceMonitor", "PrometheusRule", "Ingress", "ConfigMap", "Service", "ServiceAccount", "NetworkPolicy"} {
		if many[kind] == "" {
			t.Errorf("with a cluster there is no %s", kind)
		}
	}
	if many["StatefulSet"] != "" || !strings.Contains(many["Deployment"], "replicas: 3") || !strings.Contains(many["NetworkPolicy"], "port: 4222") {
		t.Errorf("with a cluster:\n%s\n%s", many["Deployment"], many["NetworkPolicy"])
	}
	if !strings.Contains(many["PrometheusRule"], "alert: PlimsollQueueDown") {
		t.Errorf("alerts:\n%s", many["PrometheusRule"])
	}
}

func TestChartRefusesWhatCannotWork(t *testing.T) {
	for want, values := range map[string]map[string]any{
		"several replicas share a queue": {"replicas": 2},
		"set publicUrl":                  {"github": map[string]any{"existingSecret": ""}},
		"several replicas need":          {"nats": map[string]any{"url": "nats://nats:4222"}, "github": map[string]any{"existingSecret": ""}},
		"ingress.tlsSecret is needed":    {"ingress": map[string]any{"enabled": true, "host": "plimsoll.example.com"}},
		"digest":                         {"image": map[string]any{"digest": "latest"}},
		"publicUrl":                      {"publicUrl": "http://plimsoll.example.com"},
	} {
		if _, err := render(t, values); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", values, err)
		}
	}
}

func TestPlainManifestsDecode(t *testing.T) {
	files, err := filepath.Glob("*/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, file := range files {
		if dir := filepath.Dir(file); dir != "base" && dir != "cluster" {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		decode(t, file, string(data))
		n++
	}
	if n < 9 {
		t.Errorf("%d manifests", n)
	}
}

var metricPattern = regexp.MustCompile(`\bplimsoll_[a-z_]+\b`)

func TestDashboardAndAlertsSpeakOfMetricsThatThereAre(t *testing.T) {
	source, err := os.ReadFile("../internal/server/metrics.go")
	if err != nil {
		t.Fatal(err)
	}
	known := metricPattern.FindAllString(string(source), -1)
	for _, file := range []string{"monitoring/dashboard.json", chartDir + "/alerts.yaml"} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, name := range metricPattern.FindAllString(string(data), -1) {
			found++
			plain := regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
			if !slices.Contains(known, name) && !slices.Contains(known, plain) {
				t.Errorf("%s: there is no metric %s", file, name)
			}
		}
		if found < 5 {
			t.Errorf("%s speaks of %d metrics", file, found)
		}
	}
	data, err := os.ReadFile("monitoring/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			ID      int
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(data, &board); err != nil || len(board.Panels) < 10 {
		t.Fatalf("%v: %d panels", err, len(board.Panels))
	}
	seen := map[int]bool{}
	for _, p := range board.Panels {
		if seen[p.ID] || p.Title == "" || len(p.Targets) == 0 {
			t.Errorf("panel %d %q", p.ID, p.Title)
		}
		seen[p.ID] = true
	}
}
