package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// TestCutOff: in a child the library that builds kustomizations fetches nothing
// and finds no git, whatever a kustomization names and whatever holds the process
// beside.
func TestCutOff(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer server.Close()
	for _, pair := range os.Environ() { // to have it back afterwards
		if name, value, ok := strings.Cut(pair, "="); ok && name != "" {
			t.Setenv(name, value)
		}
	}
	transport := http.DefaultTransport
	defer func() { http.DefaultTransport = transport }()
	if err := cutOff(); err != nil {
		t.Fatal(err)
	}
	if path, err := exec.LookPath("git"); err == nil {
		t.Errorf("there is %s", path)
	}
	if len(os.Environ()) != 1 {
		t.Errorf("the environment holds %d variables", len(os.Environ()))
	}
	for _, field := range [...]string{
		"resources: [" + server.URL + "/all.yaml]", "patches: [{path: " + server.URL + "/patch.yaml}]", "openapi: {path: " + server.URL + "/api.json}",
		"configMapGenerator: [{name: a, files: [" + server.URL + "/a.txt]}]", "resources: [git::" + server.URL + "/a.git]",
	} {
		fsys := filesys.MakeFsInMemory()
		if err := fsys.WriteFile("/a/kustomization.yaml", []byte(field+"\n")); err != nil {
			t.Fatal(err)
		}
		if _, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(fsys, "/a"); err == nil {
			t.Errorf("%s was built", field)
		}
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("%d requests came", n)
	}
}
