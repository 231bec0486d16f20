package gitrepo_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// monorepo is a generated repository with a pull request of 9 files.
type monorepo struct {
	dir        string // bare
	base, head string // base is main's newest commit
}

// layout says how large it is.
type layout struct {
	files, commits int
	size           int // bytes of an ordinary file, about
}

// fileName spreads files over teams, services and folders: 50 files a folder,
// 20 folders a team.
func fileName(i int) string {
	kind := [...]string{"k8s", "infra", "src", "docs"}[i/50%4]
	return fmt.Sprintf("teams/team-%03d/service-%02d/%s/file-%05d.yaml", i/1000, i/200%5, kind, i)
}

func fileContent(rnd *rand.Rand, i, size int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c-%d\ndata:\n", i)
	for j := 0; b.Len() < size; j++ {
		fmt.Fprintf(&b, "  key-%d: %x%x\n", j, rnd.Uint64(), rnd.Uint64())
	}
	return b.String()
}

// generate makes the repository by git fast-import, which takes seconds where
// single commits would take minutes.
func generate(t testing.TB, l layout) *monorepo {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "mono.git")
	gitIn(t, ".", "/nonexistent", "init", "-q", "--bare", "-b", "main", dir)
	gitIn(t, dir, "/nonexistent", "config", "uploadpack.allowFilter", "true")
	gitIn(t, dir, "/nonexistent", "config", "uploadpack.allowAnySHA1InWant", "true")
	cmd := exec.Command("git", "fast-import", "--quiet", "--depth=10")
	cmd.Dir = dir
	var errs bytes.Buffer
	cmd.Stderr = &errs
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriterSize(in, 1<<20)
	stream(w, l)
	if err := w.Flush(); err != nil {
		t.Fatal(err, errs.String())
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err, errs.String())
	}
	return &monorepo{dir: dir, base: gitIn(t, dir, "/nonexistent", "rev-parse", "main"), head: gitIn(t, dir, "/nonexistent", "rev-parse", "topic")}
}

func stream(w io.Writer, l layout) {
	rnd := rand.New(rand.NewPCG(11, 12))
	when := 1700000000
	commit := func(branch, message, parent string) {
		when += 60
		fmt.Fprintf(w, "commit refs/heads/%s\ncommitter a <a@example.com> %d +0000\ndata %d\n%s\n%s", branch, when, len(message), message, parent)
	}
	file := func(name, content string) {
		fmt.Fprintf(w, "M 100644 inline %s\ndata %d\n%s\n", name, len(content), content)
	}
	commit("main", "first", "")
	for i := range l.files {
		file(fileName(i), fileContent(rnd, i, l.size))
	}
	for c := range l.commits - 1 {
		commit("main", fmt.Sprintf("change %d", c), "")
		for range 3 {
			i := rnd.IntN(l.files)
			file(fileName(i), fileContent(rnd, i, l.size))
		}
	}
	// The pull request: 9 files in 5 folders of 3 teams.
	commit("topic", "the pull request", "from refs/heads/main\n")
	for n := range 9 {
		i := l.files / 3 * (n % 3)
		i += n/3*200 + n // other services of the team
		file(fileName(i), fileContent(rnd, i, l.size)+"  changed: yes\n")
	}
}

// BenchmarkWorkingTree50k compares a working tree of 50,000 files of which 9
// were changed, and, for comparison, runs git status.
func BenchmarkWorkingTree50k(b *testing.B) {
	m := generate(b, layout{files: 50_000, commits: 20, size: 300})
	r := &repo{t: b, dir: filepath.Join(b.TempDir(), "work"), home: b.TempDir()}
	gitIn(b, ".", r.home, "clone", "-q", m.dir, r.dir)
	for n := range 9 {
		name := fileName(n * 5001)
		data, err := os.ReadFile(filepath.Join(r.dir, name))
		if err != nil {
			b.Fatal(err)
		}
		r.write(name, string(data)+"  changed: yes\n")
	}
	r.git("status", "--short") // settles the index
	b.Run("plimsoll", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			trees, err := r.open().Compare(b.Context(), "origin/main", "")
			if err != nil {
				b.Fatal(err)
			}
			cs, err := trees.Changes(b.Context())
			if err != nil || len(cs) != 9 {
				b.Fatalf("%d changes, %v", len(cs), err)
			}
		}
	})
	b.Run("git-status", func(b *testing.B) {
		for b.Loop() {
			if n := strings.Count(r.git("status", "--short"), "\n"); n != 8 {
				b.Fatalf("%d lines", n+1)
			}
		}
	})
}
