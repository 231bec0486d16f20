package reviewer_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/plimsoll-iac/plimsoll/internal/reviewer"
)

func TestMend(t *testing.T) {
	const pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  namespace: shop\nspec:\n  containers:\n    - name: a\n      image: registry.example/a:latest\n      securityContext:\n        privileged: true\n"
	change := trees{base: fstest.MapFS{}, head: fstest.MapFS{"k8s/pod.yaml": {Data: []byte(pod)}}}
	m, err := reviewer.Mend(t.Context(), options(t), change)
	if err != nil {
		t.Fatal(err)
	}
	text := string(m.Files["k8s/pod.yaml"])
	if len(m.Files) != 1 || !strings.Contains(text, "privileged: false") || !strings.Contains(text, "image: registry.example/a:latest") {
		t.Errorf("files %q", m.Files)
	}
	cleared := false
	for _, f := range m.Cleared {
		cleared = cleared || f.Rule.ID == "k8s/privileged-container"
		if f.Fix == nil {
			t.Errorf("%s is cleared without a fix", f.Rule.ID)
		}
	}
	if !cleared || len(m.Cleared) >= len(m.Report.Findings) {
		t.Errorf("%d of %d findings are cleared", len(m.Cleared), len(m.Report.Findings))
	}
	if f := m.Report.Files["k8s/pod.yaml"]; f == nil || string(f.Data) != pod {
		t.Error("the report lacks the file as it was")
	}

	// The same on both sides: nothing is new, nothing is mended.
	m, err = reviewer.Mend(t.Context(), options(t), trees{base: change.head, head: change.head})
	if err != nil || len(m.Files) != 0 || len(m.Cleared) != 0 {
		t.Errorf("%q %v", m.Files, err)
	}
	broken := fstest.MapFS{".plimsoll.yml": {Data: []byte("version: 1\nmode: sideways\n")}}
	m, err = reviewer.Mend(t.Context(), options(t), trees{base: broken, head: change.head})
	if err != nil || len(m.Files) != 0 || m.Report.Policy.ConfigError == nil {
		t.Errorf("%q %v", m.Files, err)
	}
}
