package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDefaultsFile(t *testing.T) {
	dir := t.TempDir()
	file := func(text string) string {
		t.Helper()
		p := filepath.Join(dir, "defaults.yml")
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	for text, want := range map[string]string{
		"mode: advise\nlocked: [fail_on]\n": "",
		"mode: sideways\n":                  "PLIMSOLL_DEFAULTS_FILE: ",
		"extra_rules: [rules]\n":            "extra_rules are a repository's own",
		"suppress: [{rule: k8s/host-path}]": "has no reason",
	} {
		s := Server{}
		err := loadDefaults(values{varDefaults: value{text: file(text)}}, &s)
		if want == "" {
			if err != nil || s.Defaults.Mode != ModeAdvise || len(s.Defaults.Locked) != 1 {
				t.Errorf("%s: %v %+v", text, err, s.Defaults)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	if err := loadDefaults(values{varDefaults: value{text: dir + "/none"}}, &Server{}); err == nil {
		t.Error("a file that is not there is taken")
	}
}
