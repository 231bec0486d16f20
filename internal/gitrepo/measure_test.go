package gitrepo_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/gitrepo"
	"github.com/plimsoll-iac/plimsoll/internal/project"
)

// monorepo is a generated repository with a pull request of 9 files.
type monorepo struct {
	dir        string // bare
	base, head string // base is main's newest commit
}

// layout says how large it is.
type layout struct {
	files, commits int
	size           int // bytes of a file that the pull request does not touch, about
	// beside makes manifests of the files that it does not touch, which a review
	// reads where they lie beside changed ones.
	beside bool
}

// fileName spreads files over teams, services and folders: 50 files a folder,
// 20 folders a team.
func fileName(i int) string {
	kind := [...]string{"k8s", "infra", "src", "docs"}[i/50%4]
	return fmt.Sprintf("teams/team-%03d/service-%02d/%s/file-%05d.yaml", i/1000, i/200%5, kind, i)
}

// fileContent gives a manifest of about so many bytes that hardly compresses.
func fileContent(rnd *rand.Rand, i, size int) string {
	b := fmt.Appendf(make([]byte, 0, size+200), "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c-%d\ndata:\n", i)
	for j := 0; len(b) < size; j++ {
		b = fmt.Appendf(b, "  key-%d: ", j)
		for range 8 {
			b = hex.AppendEncode(b, binary.LittleEndian.AppendUint64(nil, rnd.Uint64()))
		}
		b = append(b, '\n')
	}
	return string(b)
}

// generate makes the repository by git fast-import, which takes seconds where
// single commits would take minutes.
func generate(t testing.TB, l layout) *monorepo {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "mono.git")
	gitIn(t, ".", "/nonexistent", "init", "-q", "--bare", "-b", "main", dir)
	gitIn(t, dir, "/nonexistent", "config", "uploadpack.allowFilter", "true")
	gitIn(t, dir, "/nonexistent", "config", "uploadpack.allowAnySHA1InWant", "true")
	cmd := exec.Command("git", "-c", "core.compression=1", "fast-import", "--quiet", "--depth=10")
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
	const touchedSize = 10_000
	touched := make([]int, 9)
	for n := range touched {
		touched[n] = l.files/3*(n%3) + n/3*200 + n // other services of the team
	}
	fileName := func(i int) string {
		if name := fileName(i); l.beside || slices.Contains(touched, i) {
			return name
		} else {
			return strings.TrimSuffix(name, ".yaml") + ".txt"
		}
	}
	rnd := rand.New(rand.NewPCG(11, 12))
	when := 1700000000
	commit := func(branch, message, parent string) {
		when += 60
		fmt.Fprintf(w, "commit refs/heads/%s\ncommitter a <a@example.com> %d +0000\ndata %d\n%s\n%s", branch, when, len(message), message, parent)
	}
	file := func(name, content string) {
		fmt.Fprintf(w, "M 100644 inline %s\ndata %d\n%s\n", name, len(content), content)
	}
	// The pull request: 9 files in 9 folders of 3 teams, 10 kB each.
	commit("main", "first", "")
	for i := range l.files {
		size := l.size
		if slices.Contains(touched, i) {
			size = touchedSize
		}
		file(fileName(i), fileContent(rnd, i, size))
	}
	for c := range l.commits - 1 {
		commit("main", fmt.Sprintf("change %d", c), "")
		for range 3 {
			i := rnd.IntN(l.files)
			if slices.Contains(touched, i) {
				continue
			}
			file(fileName(i), fileContent(rnd, i, l.size))
		}
	}
	commit("topic", "the pull request", "from refs/heads/main\n")
	for _, i := range touched {
		file(fileName(i), fileContent(rnd, i, touchedSize)+"  changed: yes\n")
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

// childEnv tells the test binary to fetch one change and print what it took, in
// a process of its own, so that its peak of memory is that of the fetch.
const childEnv = "PLIMSOLL_MEASURE_CHANGE"

func TestMain(m *testing.M) {
	if spec := os.Getenv(childEnv); spec != "" {
		if err := measureChange(spec); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// measured is what a child prints.
type measured struct {
	Wall    time.Duration
	Stats   gitrepo.Stats
	Changes int
	Files   int   // read, on both sides
	RSS     int64 // bytes, the peak of the process
	IdleRSS int64 // bytes, the peak before it began
}

// changeSpec is what a child is told.
type changeSpec struct{ URL, Base, Head, CacheDir string }

func measureChange(spec string) error {
	var c changeSpec
	if err := json.Unmarshal([]byte(spec), &c); err != nil {
		return err
	}
	u, err := url.Parse(c.URL)
	if err != nil {
		return err
	}
	out := measured{IdleRSS: peakRSS()}
	start := time.Now()
	ctx := context.Background()
	remote := gitrepo.NewRemote(gitrepo.Options{AllowedHost: u.Host, CacheDir: c.CacheDir})
	trees, err := remote.Open(ctx, gitrepo.Request{URL: c.URL, Base: c.Base, Head: c.Head})
	if err != nil {
		return err
	}
	changes, err := trees.Changes(ctx)
	if err != nil {
		return err
	}
	base, head, _ := project.New(project.Options{}).Reached(ctx, trees.Base(), trees.Head(), changes, nil)
	for _, units := range [2][]string{unitFiles(base), unitFiles(head)} {
		out.Files += len(units)
	}
	if err := trees.Prefetch(ctx, unitFiles(base), unitFiles(head)); err != nil {
		return err
	}
	for _, u := range append(base, head...) {
		for _, f := range u.Files {
			if _, err := fs.ReadFile(u.FS, f); err != nil {
				return err
			}
		}
	}
	out.Wall, out.Stats, out.Changes, out.RSS = time.Since(start), trees.Stats(), len(changes), peakRSS()
	return json.NewEncoder(os.Stdout).Encode(out)
}

func unitFiles(us []format.Unit) []string {
	var out []string
	for _, u := range us {
		out = append(out, u.Files...)
	}
	return out
}

// peakRSS is the peak of resident memory of this process in bytes, 0 where the
// system does not tell.
func peakRSS() int64 {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for _, l := range strings.Split(string(data), "\n") {
		if f := strings.Fields(l); len(f) == 3 && f[0] == "VmHWM:" {
			n, _ := strconv.ParseInt(f[1], 10, 64)
			return n << 10
		}
	}
	return 0
}

func child(b *testing.B, c changeSpec, files int) measured {
	b.Helper()
	spec, err := json.Marshal(c)
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+string(spec))
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		b.Fatal(err, errs.String())
	}
	var m measured
	if err := json.Unmarshal(out.Bytes(), &m); err != nil {
		b.Fatal(err)
	}
	if m.Changes != 9 || m.Files != files {
		b.Fatalf("%d changes, %d files read", m.Changes, m.Files)
	}
	return m
}

// pullRequest measures what it takes to review the pull request of a generated
// repository: without a cache, with one, and by a full clone.
func pullRequest(b *testing.B, l layout, clone bool) {
	m := generate(b, l)
	server := serve(b, m.dir, nil)
	files := 2 * 9
	if l.beside {
		files *= 50
	}
	spec := changeSpec{URL: server.URL + "/mono.git", Base: m.base, Head: m.head}
	report := func(b *testing.B, m measured) {
		b.ReportMetric(float64(m.Stats.Received)/1000, "kB")
		b.ReportMetric(float64(m.Stats.Requests), "requests")
		b.ReportMetric(float64(m.Wall.Microseconds())/1000, "ms")
		b.ReportMetric(float64(m.RSS)/1e6, "MB-peak")
		b.ReportMetric(float64(m.IdleRSS)/1e6, "MB-idle")
	}
	b.Run("fetch", func(b *testing.B) {
		for b.Loop() {
			s := spec
			s.CacheDir = b.TempDir()
			report(b, child(b, s, files))
		}
	})
	b.Run("cached", func(b *testing.B) {
		spec.CacheDir = b.TempDir()
		child(b, spec, files)
		for b.Loop() {
			report(b, child(b, spec, files))
		}
	})
	if !clone {
		return
	}
	b.Run("full-clone", func(b *testing.B) {
		for b.Loop() {
			var n atomic.Int64
			counted := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				server.Config.Handler.ServeHTTP(&counter{w, &n}, r)
			}))
			start := time.Now()
			gitIn(b, b.TempDir(), "/nonexistent", "clone", "-q", "--bare", counted.URL+"/mono.git", "clone")
			b.ReportMetric(float64(time.Since(start).Microseconds())/1000, "ms")
			b.ReportMetric(float64(n.Load())/1000, "kB")
			counted.Close()
		}
	})
}

// counter counts the bytes of answers.
type counter struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (c *counter) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return c.ResponseWriter.Write(p)
}

func BenchmarkPullRequest50k(b *testing.B) {
	pullRequest(b, layout{files: 50_000, commits: 200, size: 10_000}, true)
}

// BenchmarkPullRequestBeside50k is the same where the folders of the changed
// files hold 49 other manifests each, of 2 kB that hardly compress.
func BenchmarkPullRequestBeside50k(b *testing.B) {
	pullRequest(b, layout{files: 50_000, commits: 200, size: 2_000, beside: true}, false)
}

func BenchmarkPullRequest500k(b *testing.B) {
	pullRequest(b, layout{files: 500_000, commits: 200, size: 300}, false)
}
