package gitrepo_test

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

func TestWorkingTree(t *testing.T) {
	r := newRepo(t)
	base := r.commit(".gitignore", "*.log\n/out/\n", "a.yaml", "1\n", "b/c.yaml", "1\n", "b/d.yaml", "1\n", "gone/x.yaml", "x\n", "staged.yaml", "1\n", "mv/old.yaml", long("o"), "uncached.yaml", "u\n", "dir/now-file.txt", "x\n", "b/tracked.log", "")
	r.git("add", "-f", "b/tracked.log")
	r.commit()
	r.commit("committed.yaml", "1\n")
	r.write("b/c.yaml", "2\n")
	r.write("staged.yaml", "2\n")
	r.git("add", "staged.yaml")
	r.remove("gone")
	r.remove("mv")
	r.write("mv2/new.yaml", long("o"))
	r.write("untracked dir/ü.yaml", "n\n")
	r.write("b/x.log", "ignored\n")
	r.write("out/gen.yaml", "ignored\n")
	r.write("deep/.gitignore", "*.yaml\n!keep.yaml\n")
	r.write("deep/drop.yaml", "")
	r.write("deep/er/keep.yaml", "k\n")
	r.git("rm", "-q", "--cached", "uncached.yaml")
	r.remove("dir")
	r.write("dir", "file\n")
	r.write("nested/.git/HEAD", "ref: refs/heads/main\n")
	r.write("nested/f.yaml", "of another repository\n")
	if err := os.Symlink("/etc/passwd", filepath.Join(r.dir, "link.yaml")); err != nil {
		t.Fatal(err)
	}
	trees := r.compare(base, "")
	check(t, "changes", changes(t, trees), `M b/c.yaml
A b/tracked.log
A committed.yaml
A deep/.gitignore
A deep/er/keep.yaml
A dir
D dir/now-file.txt
D gone/x.yaml
A link.yaml
R mv2/new.yaml < mv/old.yaml
M staged.yaml
A untracked dir/ü.yaml
`)
	if trees.HeadSHA() != "" || trees.BaseSHA() != base || trees.Root() != r.dir {
		t.Errorf("head %q, base %q, root %q", trees.HeadSHA(), trees.BaseSHA(), trees.Root())
	}
	check(t, "head", listing(t, trees.Head()), `.gitignore "*.log\n/out/\n"
a.yaml "1\n"
b/c.yaml "2\n"
b/d.yaml "1\n"
b/tracked.log ""
committed.yaml "1\n"
deep/.gitignore "*.yaml\n!keep.yaml\n"
deep/er/keep.yaml "k\n"
dir "file\n"
link.yaml L---------
mv2/new.yaml "`+strings.ReplaceAll(long("o"), "\n", `\n`)+`"
staged.yaml "2\n"
uncached.yaml "u\n"
untracked dir/ü.yaml "n\n"`)
	if err := fstest.TestFS(trees.Head(), "b/c.yaml"); err != nil && !strings.Contains(err.Error(), "link.yaml") {
		t.Error(err)
	}
	for _, name := range []string{"out/gen.yaml", "nested/f.yaml", "link.yaml", ".git/config"} {
		if _, err := fs.ReadFile(trees.Head(), name); err == nil {
			t.Errorf("%s was read", name)
		}
	}
}

// TestRacy changes a file within the instant in which the index was written,
// to something of the same size.
func TestRacy(t *testing.T) {
	r := newRepo(t)
	r.commit("a.yaml", "1\n")
	stamp := time.Now().Add(-time.Hour)
	full := filepath.Join(r.dir, "a.yaml")
	set := func(name string) {
		if err := os.Chtimes(name, stamp, stamp); err != nil {
			t.Fatal(err)
		}
	}
	set(full)
	r.git("config", "core.trustctime", "false")
	r.git("update-index", "--refresh")
	r.write("a.yaml", "2\n")
	set(full)
	set(filepath.Join(r.dir, ".git/index"))
	check(t, "changes", changes(t, r.compare("HEAD", "")), "M a.yaml\n")
}

func TestTouchedButEqual(t *testing.T) {
	r := newRepo(t)
	r.commit("a.yaml", "1\n", "run.sh", "x\n")
	then := time.Now().Add(time.Hour)
	if err := os.Chtimes(filepath.Join(r.dir, "a.yaml"), then, then); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(r.dir, "run.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	check(t, "changes", changes(t, r.compare("HEAD", "")), "M run.sh\n")
	r.git("config", "core.fileMode", "false")
	check(t, "without modes", changes(t, r.compare("HEAD", "")), "")
}

func TestLineEndings(t *testing.T) {
	r := newRepo(t)
	r.commit("a.yaml", "a\nb\n", "b.yaml", "a\nb\n", "c.yaml", "a\r\nb\r\n")
	r.write("a.yaml", "a\r\nb\r\n")
	r.write("b.yaml", "a\r\nc\r\n")
	for _, setting := range []string{"false", "true", "input"} {
		r.git("config", "core.autocrlf", setting)
		check(t, "autocrlf "+setting, changes(t, r.compare("HEAD", "")), "M b.yaml\n")
	}
}

func TestIndexVersions(t *testing.T) {
	for _, version := range []string{"2", "3", "4", "skipHash", "split", "none", "broken"} {
		t.Run(version, func(t *testing.T) {
			r := newRepo(t)
			for i := range 30 {
				r.write(fmt.Sprintf("dir%d/%s/f.yaml", i%4, strings.Repeat("long-name", i%25)), fmt.Sprint(i))
			}
			r.commit("top.yaml", "1\n", strings.Repeat("d/", 40)+"f.yaml", "deep\n")
			index := filepath.Join(r.dir, ".git/index")
			switch version {
			case "3":
				r.write("intent.yaml", "i\n")
				r.git("add", "-N", "intent.yaml")
			case "skipHash":
				data, err := os.ReadFile(index)
				if err != nil {
					t.Fatal(err)
				}
				clear(data[len(data)-20:])
				if err := os.WriteFile(index, data, 0o644); err != nil {
					t.Fatal(err)
				}
			case "split":
				r.git("update-index", "--split-index")
			case "none":
				r.remove(".git/index")
			case "broken":
				if err := os.WriteFile(index, []byte("DIRC rubbish"), 0o644); err != nil {
					t.Fatal(err)
				}
			default:
				r.git("update-index", "--index-version", version)
			}
			r.write("top.yaml", "2\n")
			r.write("new.yaml", "n\n")
			r.remove("dir3")
			want := "M top.yaml\nA new.yaml\n"
			if version == "3" {
				want = "A intent.yaml\nA new.yaml\n"
			}
			got := changes(t, r.compare("HEAD", ""))
			var rest []string
			removed := 0
			for _, l := range strings.Split(strings.TrimSpace(got), "\n") {
				if strings.HasPrefix(l, "D dir3/") {
					removed++
				} else {
					rest = append(rest, l)
				}
			}
			if removed != 7 {
				t.Errorf("%d files removed, want 7:\n%s", removed, got)
			}
			for _, l := range strings.Split(strings.TrimSpace(want), "\n") {
				if !slices.Contains(rest, l) {
					t.Errorf("%q is missing in\n%s", l, got)
				}
			}
			if wantRest := 2 + strings.Count(version, "3"); len(rest) != wantRest {
				t.Errorf("got\n%s", got)
			}
		})
	}
}

func TestSparseCheckout(t *testing.T) {
	for _, sparse := range []string{"--no-sparse-index", "--sparse-index"} {
		r := newRepo(t)
		r.commit("in/a.yaml", "1\n", "out/b.yaml", "2\n", "out/deep/c.yaml", "3\n", "top.yaml", "4\n")
		r.git("sparse-checkout", "set", "--cone", sparse, "in")
		if _, err := os.Stat(filepath.Join(r.dir, "out")); err == nil {
			t.Fatal("the checkout is not sparse")
		}
		r.write("in/a.yaml", "changed\n")
		trees := r.compare("HEAD", "")
		check(t, sparse, changes(t, trees), "M in/a.yaml\n")
		check(t, sparse, listing(t, trees.Head()), "in/a.yaml \"changed\\n\"\nout/b.yaml \"2\\n\"\nout/deep/c.yaml \"3\\n\"\ntop.yaml \"4\\n\"")
	}
}

func TestSubmodule(t *testing.T) {
	inner := newRepo(t)
	inner.commit("f.yaml", "1\n")
	r := newRepo(t)
	r.commit("a.yaml", "1\n")
	r.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", inner.dir, "mod/sub")
	r.commit()
	r.write("mod/sub/new.yaml", "x\n")
	check(t, "with a submodule", changes(t, r.compare("HEAD~1", "")), "A .gitmodules\n")
	trees := r.compare("HEAD~1", "HEAD")
	check(t, "commits", changes(t, trees), "A .gitmodules\n")
	if _, err := fs.Stat(trees.Head(), "mod/sub"); err == nil {
		t.Error("the submodule is there")
	}
}

func TestUnmerged(t *testing.T) {
	r := newRepo(t)
	r.commit("a.yaml", "1\n")
	r.git("checkout", "-q", "-b", "x")
	r.commit("a.yaml", "x\n")
	r.git("checkout", "-q", "main")
	r.commit("a.yaml", "y\n")
	gitMayFail(r, "merge", "-q", "x")
	check(t, "changes", changes(t, r.compare("HEAD", "")), "M a.yaml\n")
}

// gitMayFail runs git for what it leaves behind.
func gitMayFail(r *repo, args ...string) {
	r.git(append([]string{"-c", "alias.try=!f() { git \"$@\" || true; }; f", "try"}, args...)...)
}

func TestLinkedFolder(t *testing.T) {
	r := newRepo(t)
	r.commit("a/x.yaml", "1\n", "b/x.yaml", "1\n")
	r.remove("a")
	if err := os.Symlink("b", filepath.Join(r.dir, "a")); err != nil {
		t.Fatal(err)
	}
	check(t, "changes", changes(t, r.compare("HEAD", "")), "A a\nD a/x.yaml\n")
}

func TestUserIgnores(t *testing.T) {
	r := newRepo(t)
	r.commit("a.yaml", "1\n")
	r.write("x.tmp", "")
	r.write("y.bak", "")
	r.write("z.own", "")
	if err := os.MkdirAll(filepath.Join(r.home, "xdg/git"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.home, "xdg/git/ignore"), []byte("*.tmp\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r.write(".git/info/exclude", "*.bak\n")
	check(t, "default place", changes(t, r.compare("HEAD", "")), "A z.own\n")
	if err := os.WriteFile(filepath.Join(r.home, "mine"), []byte("*.own\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.home, ".gitconfig"), []byte("[core]\n\texcludesFile = ~/mine\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	check(t, "named place", changes(t, r.compare("HEAD", "")), "A x.tmp\n")
}

// oracle gives what git itself says of the working tree against a commit,
// without looking for renames.
func oracle(r *repo, base string) string {
	var lines []string
	seen := map[string]bool{}
	add := func(kind, name string) {
		if !seen[name] {
			seen[name] = true
			lines = append(lines, kind+" "+name)
		}
	}
	untracked := map[string]bool{}
	for _, name := range strings.Split(r.git("ls-files", "-z", "-o", "--exclude-standard"), "\x00") {
		if name != "" {
			untracked[name] = true
		}
	}
	fields := strings.Split(r.git("diff", "--no-renames", "--name-status", "-z", base), "\x00")
	for i := 0; i+1 < len(fields); i += 2 {
		kind, name := fields[i], fields[i+1]
		if untracked[name] { // gone from the index, still there
			same := r.git("hash-object", "--", name) == r.git("rev-parse", base+":"+name)
			if same {
				seen[name] = true
				continue
			}
			kind = "M"
		}
		if kind == "T" {
			kind = "M"
		}
		add(kind, name)
	}
	for name := range untracked {
		add("A", name)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// plain undoes the renames of a list of changes and sorts it like the oracle.
func plain(s string) string {
	var lines []string
	for _, l := range strings.Split(strings.TrimSpace(s), "\n") {
		if l == "" {
			continue
		}
		if to, from, ok := strings.Cut(l, " < "); ok {
			lines = append(lines, "D "+from, "A"+to[1:])
			continue
		}
		lines = append(lines, l)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// TestAgainstGit makes random changes and compares with git's own answer.
func TestAgainstGit(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 8))
	names := []string{"a.yaml", "b.yaml", "x.log", "d/a.yaml", "d/x.log", "d/e/a.yaml", "d/e/f/b.txt", "d-e/a.yaml", "d.e/a.yaml", "out/a.yaml", "d/out/a.yaml", "z", "ü/ä.yaml", "deep/1/2/3/4.yaml", "deep/1/2/x/4.yaml"}
	rules := []string{"*.log\n", "out/\n", "/out\n!out/a.yaml\n", "d/**\n!d/a.yaml\n", "**/e/\n", "*\n!*/\n!*.yaml\n", "d/e\n", "[!a-y]\n", "deep/**/4.yaml\n", "#c\n\\#c\n !x\n"}
	for round := range 15 {
		r := newRepo(t)
		for range 8 {
			r.write(names[rnd.IntN(len(names))], fmt.Sprint(rnd.IntN(4), "\n"))
		}
		base := r.commit()
		for range 2 {
			r.write(names[rnd.IntN(len(names))], fmt.Sprint(rnd.IntN(4), "\n"))
			r.git("add", "-A")
			r.git("commit", "-q", "--allow-empty", "-m", "c")
		}
		for range 10 {
			name := names[rnd.IntN(len(names))]
			switch rnd.IntN(7) {
			case 0:
				r.remove(name)
			case 1:
				r.remove(strings.Split(name, "/")[0])
			case 2:
				r.write(".gitignore", rules[rnd.IntN(len(rules))])
			case 3:
				if i := strings.LastIndexByte(name, '/'); i > 0 {
					r.write(name[:i]+"/.gitignore", rules[rnd.IntN(len(rules))])
				}
			case 4:
				r.git("add", "-A")
			case 5:
				if tracked := strings.Fields(r.git("ls-files", "*.yaml")); len(tracked) > 0 {
					r.git("rm", "-q", "--cached", "-f", "--ignore-unmatch", tracked[rnd.IntN(len(tracked))])
				}
			default:
				r.write(name, fmt.Sprint(rnd.IntN(4), "\n"))
			}
		}
		want := oracle(r, base)
		if got := plain(changes(t, r.compare(base, ""))); got != want {
			t.Fatalf("round %d: got\n%s\nwant\n%s\nstatus\n%s", round, got, want, r.git("status", "--short", "--ignored"))
		}
	}
}
