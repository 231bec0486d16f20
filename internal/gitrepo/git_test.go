package gitrepo_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/gitrepo"
	"github.com/plimsoll-iac/plimsoll/internal/project"
)

// repo is a repository that the git program works on.
type repo struct {
	t    testing.TB
	dir  string
	home string
}

func newRepo(t testing.TB) *repo {
	t.Helper()
	r := &repo{t: t, dir: filepath.Join(t.TempDir(), "work tree"), home: t.TempDir()}
	// The user's own settings must not bear on the tests.
	if tt, ok := t.(*testing.T); ok {
		tt.Setenv("HOME", r.home)
		tt.Setenv("XDG_CONFIG_HOME", filepath.Join(r.home, "xdg"))
	}
	if err := os.MkdirAll(r.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	r.git("init", "-q", "-b", "main")
	return r
}

// gitIn runs git in a folder, with nothing of the environment's settings, and
// gives what it prints without the blanks around it.
func gitIn(t testing.TB, dir, home string, args ...string) string {
	t.Helper()
	return strings.TrimSpace(gitOutput(t, dir, home, args...))
}

func gitOutput(t testing.TB, dir, home string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+home, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com",
		"GIT_AUTHOR_DATE=1700000000 +0000", "GIT_COMMITTER_DATE=1700000000 +0000", "GIT_ALLOW_PROTOCOL=file:http")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, errs.String())
	}
	return out.String()
}

func (r *repo) git(args ...string) string { return gitIn(r.t, r.dir, r.home, args...) }

func (r *repo) write(name, content string) {
	r.t.Helper()
	full := filepath.Join(r.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

func (r *repo) remove(name string) {
	r.t.Helper()
	if err := os.RemoveAll(filepath.Join(r.dir, filepath.FromSlash(name))); err != nil {
		r.t.Fatal(err)
	}
}

// commit records everything and gives the SHA.
func (r *repo) commit(files ...string) string {
	r.t.Helper()
	for i := 0; i < len(files); i += 2 {
		r.write(files[i], files[i+1])
	}
	r.git("add", "-A")
	r.git("commit", "-q", "--allow-empty", "-m", "change")
	return r.git("rev-parse", "HEAD")
}

func (r *repo) open() *gitrepo.Local {
	r.t.Helper()
	l, err := gitrepo.OpenLocal(r.dir)
	if err != nil {
		r.t.Fatal(err)
	}
	return l
}

func (r *repo) compare(base, head string) *gitrepo.Trees {
	r.t.Helper()
	trees, err := r.open().Compare(r.t.Context(), base, head)
	if err != nil {
		r.t.Fatal(err)
	}
	return trees
}

// changes gives the changes as lines.
func changes(t testing.TB, trees *gitrepo.Trees) string {
	t.Helper()
	cs, err := trees.Changes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, c := range cs {
		kind := map[project.ChangeKind]string{project.Added: "A", project.Modified: "M", project.Removed: "D", project.Moved: "R"}[c.Kind]
		fmt.Fprintf(&b, "%s %s", kind, c.Path)
		if c.OldPath != "" {
			fmt.Fprintf(&b, " < %s", c.OldPath)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// listing gives every file of a tree with its content.
func listing(t testing.TB, fsys fs.FS) string {
	t.Helper()
	var lines []string
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if !d.Type().IsRegular() {
			lines = append(lines, fmt.Sprintf("%s %v", name, d.Type()))
			return nil
		}
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Size() != int64(len(data)) {
			return fmt.Errorf("%s: Size is %d, there are %d bytes", name, info.Size(), len(data))
		}
		lines = append(lines, fmt.Sprintf("%s %q", name, data))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func check(t testing.TB, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got\n%s\nwant\n%s", what, got, want)
	}
}
