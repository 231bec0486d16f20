package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

type step struct {
	Name, Run, Shell, ID string
	Env                  map[string]string
}

// action reads the composite action.
func action(t *testing.T) (inputs map[string]any, steps []step) {
	t.Helper()
	data, err := os.ReadFile("../action.yml")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Inputs map[string]any
		Runs   struct {
			Using string
			Steps []step
		}
	}
	if err := yaml.Unmarshal(data, &doc); err != nil || doc.Runs.Using != "composite" {
		t.Fatalf("%v: %s", err, doc.Runs.Using)
	}
	return doc.Inputs, doc.Runs.Steps
}

// What comes from outside reaches the shell by variables alone, and each script
// is one that bash can read.
func TestActionsScripts(t *testing.T) {
	inputs, steps := action(t)
	used := ""
	for _, s := range steps {
		if strings.Contains(s.Run, "${{") {
			t.Errorf("%s: an expression stands in the script", s.Name)
		}
		for _, v := range s.Env {
			used += v
		}
		cmd := exec.CommandContext(t.Context(), "bash", "-n")
		cmd.Stdin = strings.NewReader(s.Run)
		if out, err := cmd.CombinedOutput(); err != nil || s.Shell != "bash" {
			t.Errorf("%s: %v %s", s.Name, err, out)
		}
	}
	for name := range inputs {
		if name != "upload-sarif" && !strings.Contains(used, "inputs."+name) {
			t.Errorf("the input %s is not used", name)
		}
	}
}

// The step that reviews is run as it is, with a stand-in for the program that
// notes its arguments.
func TestActionReviews(t *testing.T) {
	_, steps := action(t)
	for _, c := range []struct {
		base, failOn string
		status       string // of the program
		wantStatus   string // in the outputs; "" where the step fails
	}{
		{"abc", "", "0", "0"}, {"abc", "low", "1", "1"}, {"abc", "", "2", ""}, {"", "", "0", ""},
	} {
		temp := t.TempDir()
		if err := os.MkdirAll(filepath.Join(temp, "plimsoll"), 0o755); err != nil {
			t.Fatal(err)
		}
		notes, output := filepath.Join(temp, "notes"), filepath.Join(temp, "output")
		program := "#!/bin/sh\necho \"$@\" >> " + notes + "\nexit " + c.status + "\n"
		if err := os.WriteFile(filepath.Join(temp, "plimsoll", "plimsoll"), []byte(program), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, s := range steps {
			if s.ID != "review" {
				continue
			}
			cmd := exec.CommandContext(t.Context(), "bash", "-c", s.Run)
			cmd.Env = append(os.Environ(), "RUNNER_TEMP="+temp, "GITHUB_OUTPUT="+output, "GITHUB_STEP_SUMMARY="+filepath.Join(temp, "summary"),
				"BASE="+c.base, "FAIL_ON="+c.failOn, "PROFILE=", "DIR=.")
			text, err := cmd.CombinedOutput()
			if (err == nil) != (c.wantStatus != "") {
				t.Errorf("%+v: %v %s", c, err, text)
			}
		}
		said, _ := os.ReadFile(output)
		if c.wantStatus != "" && !strings.Contains(string(said), "status="+c.wantStatus+"\n") {
			t.Errorf("%+v: outputs %s", c, said)
		}
		ran, _ := os.ReadFile(notes)
		if c.failOn != "" && !strings.Contains(string(ran), "review . --base abc --head HEAD --fail-on low --format sarif") {
			t.Errorf("%+v: ran %s", c, ran)
		}
	}
}
