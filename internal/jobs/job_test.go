package jobs

import (
	"strings"
	"testing"
)

func TestSubjects(t *testing.T) {
	pull := Job{RepositoryID: 4, Number: 7}
	seen := map[string]string{}
	for name, c := range map[string]struct {
		j   Job
		key string
	}{
		"pull request": {pull, "r4.p7"},
		"comment":      {Job{RepositoryID: 4, Number: 7, CommentID: 9, Command: "fix"}, "r4.p7"},
		"button":       {Job{RepositoryID: 4, Number: 7, Command: "fix"}, "r4.p7"},
		"group":        {Job{RepositoryID: 4, Ref: "group/a"}, ""},
		"other group":  {Job{RepositoryID: 4, Ref: "group/b"}, ""},
		"installation": {Job{InstallationID: 4, Ref: "installation"}, ""},
		"by name":      {Job{Owner: "a", Repo: "b", Ref: "group/a"}, ""},
	} {
		key, err := c.j.Key()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		subject, err := c.j.subject()
		if err != nil || !strings.HasPrefix(subject, key) {
			t.Errorf("%s: subject %q of key %q: %v", name, subject, key, err)
		}
		if c.key != "" && key != c.key {
			t.Errorf("%s: key %q, want %q", name, key, c.key)
		}
		if other, taken := seen[subject]; taken {
			t.Errorf("%s and %s share the subject %q", name, other, subject)
		}
		seen[subject] = name
	}
	for _, j := range []Job{{}, {RepositoryID: 4}, {InstallationID: 4}, {InstallationID: 4, Number: 7}, {Ref: "x"}} {
		if key, err := j.Key(); err == nil {
			t.Errorf("%+v has the key %q", j, key)
		}
	}
}
