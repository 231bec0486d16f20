package gitrepo_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/plimsoll-iac/plimsoll/internal/gitrepo"
)

func long(name string) string { return strings.Repeat("some line of "+name+"\n", 20) }

func TestCompareCommits(t *testing.T) {
	r := newRepo(t)
	r.commit("k8s/a.yaml", "a: 1\n", "k8s/b.yaml", "b\n", "same/deep/x.txt", "x\n", "move/me.yaml", long("m"), "edit/me.yaml", long("e"), "dir/f.txt", "f\n", "gone.txt", "", "odd \"ü\".yaml", "o\n", "tofile/x.txt", "x\n")
	r.git("checkout", "-q", "-b", "topic")
	r.remove("k8s/b.yaml")
	r.remove("move")
	r.remove("edit")
	r.remove("gone.txt")
	r.remove("tofile")
	if err := os.Symlink("a.yaml", filepath.Join(r.dir, "k8s/link.yaml")); err != nil {
		t.Fatal(err)
	}
	head := r.commit("k8s/a.yaml", "a: 2\n", "moved/me.yaml", long("m"), "edited/other.yaml", long("e")+"more\n", "odd \"ü\".yaml", "o2\n", "dir2/f.txt", "f\n", "tofile", "now a file\n", "empty.txt", "")
	r.git("checkout", "-q", "main")
	base := r.git("rev-parse", "main")
	r.commit("k8s/later.yaml", "on main only\n")

	trees := r.compare("main", "topic")
	check(t, "changes", changes(t, trees), `A dir2/f.txt
M edited/other.yaml < edit/me.yaml
A empty.txt
D gone.txt
M k8s/a.yaml
D k8s/b.yaml
A k8s/link.yaml
R moved/me.yaml < move/me.yaml
M odd "ü".yaml
A tofile
D tofile/x.txt
`)
	if trees.BaseSHA() != base || trees.HeadSHA() != head {
		t.Errorf("base %s, head %s; want %s, %s", trees.BaseSHA(), trees.HeadSHA(), base, head)
	}
	if got := trees.Root(); !strings.HasSuffix(got, "work tree") {
		t.Errorf("root %s", got)
	}
	if err := fstest.TestFS(trees.Base(), "k8s/a.yaml", "same/deep/x.txt", "odd \"ü\".yaml"); err != nil {
		t.Error(err)
	}
	if _, err := trees.Base().Open("k8s/later.yaml"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the base has what came after the merge base: %v", err)
	}
	// Symbolic links are seen, not followed.
	info, err := fs.Stat(trees.Head(), "k8s/link.yaml")
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("link: %v, %v", info, err)
	}
	if _, err := fs.ReadFile(trees.Head(), "k8s/link.yaml"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reading a link: %v", err)
	}
	if got := changes(t, r.compare("topic", "topic")); got != "" {
		t.Errorf("a commit differs from itself: %s", got)
	}
}

func TestRevisions(t *testing.T) {
	r := newRepo(t)
	first := r.commit("a", "1")
	second := r.commit("a", "2")
	r.git("tag", "light")
	r.git("tag", "-a", "-m", "x", "v1.0")
	r.git("tag", "-a", "-m", "x", "tagged-tag", "v1.0")
	r.git("branch", "cafe", first) // also the beginning of a SHA, maybe
	r.git("branch", "feature/x", first)
	r.git("update-ref", "refs/remotes/origin/main", first)
	r.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
	r.git("checkout", "-q", "-b", "side", first)
	side := r.commit("b", "1")
	r.git("checkout", "-q", "main")
	r.git("merge", "-q", "--no-ff", "-m", "m", "side")
	merge := r.git("rev-parse", "HEAD")
	third := r.commit("a", "3")
	r.git("pack-refs", "--all")
	r.git("update-ref", "refs/heads/loose", second)
	r.write(".git/FETCH_HEAD", second+"\t\tbranch 'main' of somewhere\n")
	for rev, want := range map[string]string{
		"HEAD": third, "@": third, "main": third, "HEAD~1": merge, "HEAD^": merge, "@^^2": side, "HEAD~1^2": side, "HEAD~2": second, "HEAD~": merge,
		"main^0": third, "light": second, "v1.0": second, "tagged-tag": second, "v1.0^{}": second, "v1.0^{commit}~1": first, "refs/tags/light": second, "heads/main": third,
		"origin/main": first, "origin": first, "feature/x": first, "cafe": first, "loose": second, "FETCH_HEAD": second,
		first: first, first[:7]: first, strings.ToUpper(second[:9]): second, "HEAD^^": second,
	} {
		trees, err := r.open().Compare(t.Context(), rev, third)
		if err != nil {
			t.Errorf("%s: %v", rev, err)
			continue
		}
		if trees.BaseSHA() != want {
			t.Errorf("%s is %s, want %s", rev, trees.BaseSHA(), want)
		}
	}
	blob := r.git("rev-parse", "HEAD:a")
	for rev, want := range map[string]string{
		"nope": `unknown revision "nope"; fetch it first`, "": "unknown revision", "origin/gone": "fetch it first", "../../etc/passwd": "unknown revision",
		strings.Repeat("0", 40): "fetch it first", "HEAD~99": "no such parent", "HEAD^7": "no such parent", "HEAD~x": "not understood", "HEAD^{tree}": "not understood",
		blob: "is a blob, not a commit", "main..side": "unknown revision", "HEAD@{1}": "unknown revision", "-x": "unknown revision", "HEAD~99999999999": "too far", "a\x00b": "unknown revision",
	} {
		if _, err := r.open().Compare(t.Context(), rev, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", rev, err, want)
		}
	}
}

func TestMergeBases(t *testing.T) {
	r := newRepo(t)
	r.commit("a", "1")
	r.git("branch", "one")
	r.commit("a", "2")
	r.git("checkout", "-q", "one")
	r.commit("b", "1")
	r.git("merge", "-q", "-m", "m", "main")
	r.commit("b", "2")
	r.git("checkout", "-q", "main")
	r.commit("a", "3")
	r.git("checkout", "-q", "-b", "two")
	r.git("merge", "-q", "-m", "m", "one~1")
	r.commit("c", "1")
	r.git("checkout", "-q", "--orphan", "island")
	r.commit("z", "1")
	for _, pair := range [][2]string{{"main", "one"}, {"main", "two"}, {"one", "two"}, {"two", "one~2"}, {"main~2", "two"}, {"one", "one"}} {
		want := r.git("merge-base", pair[0], pair[1])
		for _, p := range [][2]string{pair, {pair[1], pair[0]}} {
			if got := r.compare(p[0], p[1]).BaseSHA(); got != want {
				t.Errorf("merge base of %v is %s, want %s", p, got, want)
			}
		}
	}
	if _, err := r.open().Compare(t.Context(), "main", "island"); err == nil || !strings.Contains(err.Error(), "no common commit") {
		t.Errorf("unrelated histories: %v", err)
	}
}

func TestShallowClone(t *testing.T) {
	r := newRepo(t)
	r.commit("a", "1")
	r.git("checkout", "-q", "-b", "topic")
	r.commit("b", "1")
	r.git("checkout", "-q", "main")
	r.commit("a", "2")
	dir := filepath.Join(t.TempDir(), "clone")
	gitIn(t, ".", r.home, "clone", "-q", "--depth", "1", "--no-single-branch", "file://"+r.dir, dir)
	l, err := gitrepo.OpenLocal(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Compare(t.Context(), "origin/main", "origin/topic"); err == nil || !strings.Contains(err.Error(), "shallow; fetch more history") {
		t.Errorf("got %v", err)
	}
	gitIn(t, dir, r.home, "fetch", "-q", "--unshallow")
	if l, err = gitrepo.OpenLocal(dir); err != nil {
		t.Fatal(err)
	}
	trees, err := l.Compare(t.Context(), "origin/main", "origin/topic")
	if err != nil {
		t.Fatal(err)
	}
	check(t, "changes", changes(t, trees), "A b\n")
}

// TestPlaces opens repositories in all the forms that git knows.
func TestPlaces(t *testing.T) {
	r := newRepo(t)
	base := r.commit("sub/a.yaml", long("a"))
	for i := range 5 { // something for deltas
		r.commit("sub/a.yaml", long("a")+strings.Repeat("x\n", i))
	}
	r.write("sub/b.yaml", "new\n")
	parent := t.TempDir()
	bare, linked, borrowed := filepath.Join(parent, "bare.git"), filepath.Join(parent, "linked"), filepath.Join(parent, "borrowed")
	gitIn(t, parent, r.home, "clone", "-q", "--bare", r.dir, bare)
	gitIn(t, bare, r.home, "gc", "-q", "--aggressive")
	r.git("worktree", "add", "-q", "--detach", linked)
	gitIn(t, parent, r.home, "clone", "-q", "--shared", bare, borrowed)
	r.git("config", "extensions.worktreeConfig", "true")
	r.git("config", "core.repositoryformatversion", "1")
	for _, tt := range []struct{ dir, head, want string }{
		{r.dir, "", "M sub/a.yaml\nA sub/b.yaml\n"},
		{filepath.Join(r.dir, "sub"), "HEAD", "M sub/a.yaml\n"},
		{filepath.Join(r.dir, ".git"), "HEAD", "M sub/a.yaml\n"},
		{bare, "main", "M sub/a.yaml\n"},
		{linked, "", "M sub/a.yaml\n"},
		{borrowed, "HEAD", "M sub/a.yaml\n"},
		{borrowed, "", "M sub/a.yaml\n"},
	} {
		l, err := gitrepo.OpenLocal(tt.dir)
		if err != nil {
			t.Errorf("%s: %v", tt.dir, err)
			continue
		}
		trees, err := l.Compare(t.Context(), base, tt.head)
		if err != nil {
			t.Errorf("%s: %v", tt.dir, err)
			continue
		}
		check(t, tt.dir, changes(t, trees), tt.want)
		check(t, tt.dir+" base", listing(t, trees.Base()), "sub/a.yaml \""+strings.ReplaceAll(long("a"), "\n", `\n`)+`"`)
	}
	l, err := gitrepo.OpenLocal(bare)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Compare(t.Context(), base, ""); err == nil || !strings.Contains(err.Error(), "bare repository") {
		t.Errorf("bare: %v", err)
	}
	for name, content := range map[string]string{"nonsense": "hello\n", "dangling": "gitdir: /nowhere\n"} {
		dir := filepath.Join(parent, name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, ".git"), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := gitrepo.OpenLocal(dir); err == nil || !strings.Contains(err.Error(), "not a git repository") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := gitrepo.OpenLocal(parent); err == nil || !strings.Contains(err.Error(), "not a git repository") {
		t.Errorf("no repository: %v", err)
	}
	if _, err := gitrepo.OpenLocal(filepath.Join(parent, "missing")); err == nil {
		t.Error("a missing folder has no error")
	}
	r.git("config", "extensions.objectFormat", "sha256")
	if _, err := gitrepo.OpenLocal(r.dir); err == nil || !strings.Contains(err.Error(), "objectformat") {
		t.Errorf("SHA-256: %v", err)
	}
}

func TestUnborn(t *testing.T) {
	r := newRepo(t)
	if _, err := r.open().Compare(t.Context(), "HEAD", ""); err == nil || !strings.Contains(err.Error(), "no commit yet") {
		t.Errorf("got %v", err)
	}
}

func TestDir(t *testing.T) {
	root, outside := t.TempDir(), t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.WriteFile(filepath.Join(outside, "secret.yaml"), []byte("s"), 0o644))
	must(os.MkdirAll(filepath.Join(root, "a/b"), 0o755))
	must(os.WriteFile(filepath.Join(root, "a/b/c.yaml"), []byte("c"), 0o644))
	fsys, err := gitrepo.Dir(root)
	must(err)
	must(fstest.TestFS(fsys, "a/b/c.yaml"))
	must(os.Symlink(filepath.Join(outside, "secret.yaml"), filepath.Join(root, "a/out.yaml")))
	must(os.Symlink("b/c.yaml", filepath.Join(root, "a/in.yaml")))
	must(os.Symlink(outside, filepath.Join(root, "outdir")))
	for _, name := range []string{"a/out.yaml", "a/in.yaml", "outdir/secret.yaml", "../x", "missing"} {
		if data, err := fs.ReadFile(fsys, name); err == nil {
			t.Errorf("%s was read: %q", name, data)
		}
	}
	if _, err := fs.ReadDir(fsys, "outdir"); err == nil {
		t.Error("a folder outside was listed")
	}
	info, err := fs.Stat(fsys, "a/in.yaml")
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("link: %v, %v", info, err)
	}
	if _, err := gitrepo.Dir(filepath.Join(root, "missing")); err == nil {
		t.Error("a missing folder has no error")
	}
}
