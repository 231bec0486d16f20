package gitrepo_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/plimsoll-iac/plimsoll/internal/gitrepo"
	"github.com/plimsoll-iac/plimsoll/internal/project"
)

func TestRemote(t *testing.T) {
	s := newServed(t, true, nil)
	opt, req := s.options(t), s.request()
	req.Authorize = func(context.Context) (string, string, error) { return "x-access-token", "s3cr3t", nil }
	remote := gitrepo.NewRemote(opt)
	trees, err := remote.Open(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	check(t, "changes", changes(t, trees), wantChanges)
	// Capabilities, commits, five levels of folders at most.
	walked := s.server.count()
	if walked > 2+5 {
		t.Errorf("%d requests for the comparison: %v", walked, s.server.requests)
	}
	// The first read brings along what was announced.
	project.New(project.Options{}).Reached(t.Context(), trees.Base(), trees.Head(), []project.PathChange{{Path: "k8s/a.yaml", Kind: project.Modified}, {Path: "infra/deep/er/main.tf", Kind: project.Modified}}, nil)
	for name, want := range map[string]string{"k8s/a.yaml": "a: 2\n", "infra/deep/er/main.tf": "2\n", "infra/deep/er/vars.tf": "v\n", "new dir/ü.yaml": "n\n"} {
		if data, err := fs.ReadFile(trees.Head(), name); err != nil || string(data) != want {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
	if data, err := fs.ReadFile(trees.Base(), "k8s/a.yaml"); err != nil || string(data) != "a: 1\n" {
		t.Errorf("base: %q, %v", data, err)
	}
	// One for the files of both, and one for the folders that may call a changed module.
	if got := s.server.count() - walked; got > 3 {
		t.Errorf("%d requests for the files: %v", got, s.server.requests[walked:])
	}
	st := trees.Stats()
	if st.Requests != s.server.count() || st.Received <= 0 || st.Received > 20_000 || st.Fetched == 0 {
		t.Errorf("stats %+v, %d requests", st, s.server.count())
	}
	// A read of something else fetches it alone.
	before := s.server.count()
	if data, err := fs.ReadFile(trees.Head(), "other/dir3/f3.yaml"); err != nil || string(data) != "content 3\n" {
		t.Errorf("unchanged file: %q, %v", data, err)
	}
	if got := s.server.count() - before; got > 3 {
		t.Errorf("%d requests for one more file", got)
	}
	for i, a := range s.server.auth {
		if a == "" {
			t.Errorf("request %d carries no token", i)
		}
	}
	check(t, "whole head", listing(t, trees.Head()), strings.ReplaceAll(listing(t, s.compare("main", "topic").Head()), "\r", ""))
	if err := fstest.TestFS(trees.Base(), "k8s/b.yaml"); err != nil {
		t.Error(err)
	}

	// The same change again, in another process: nothing is asked for.
	before = s.server.count()
	again, err := gitrepo.NewRemote(opt).Open(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	check(t, "again", changes(t, again), wantChanges)
	check(t, "again", listing(t, again.Head()), listing(t, trees.Head()))
	if s.server.count() != before || again.Stats().Cached == 0 {
		t.Errorf("%d requests for what is in the cache", s.server.count()-before)
	}
	if err := remote.Forget(req.URL); err != nil {
		t.Fatal(err)
	}
	if _, err := remote.Open(t.Context(), req); err != nil || s.server.count() == before {
		t.Errorf("after Forget: %v, no request was made", err)
	}
}

func TestRemotePrefetch(t *testing.T) {
	s := newServed(t, true, nil)
	trees, err := gitrepo.NewRemote(s.options(t)).Open(t.Context(), s.request())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := trees.Changes(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := s.server.count()
	if err := trees.Prefetch(t.Context(), []string{"k8s/a.yaml", "missing", "k8s"}, []string{"k8s/a.yaml", "k8s/b.yaml", "infra/deep/er/vars.tf", "big.json"}); err != nil {
		t.Fatal(err)
	}
	if got := s.server.count() - before; got != 1 {
		t.Errorf("%d requests, want 1", got)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for _, name := range []string{"k8s/a.yaml", "k8s/b.yaml", "infra/deep/er/vars.tf", "big.json"} {
				if _, err := fs.ReadFile(trees.Head(), name); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := s.server.count() - before; got != 1 {
		t.Errorf("%d requests after reading, want 1", got)
	}
	info, err := fs.Stat(trees.Head(), "big.json")
	if err != nil || info.Size() != 100_000 {
		t.Errorf("%v, %v", info, err)
	}
}

// TestWithoutFilters has a server that sends no parts.
func TestWithoutFilters(t *testing.T) {
	s := newServed(t, false, nil)
	opt := s.options(t)
	trees, err := gitrepo.NewRemote(opt).Open(t.Context(), s.request())
	if err != nil {
		t.Fatal(err)
	}
	check(t, "changes", changes(t, trees), wantChanges)
	check(t, "head", listing(t, trees.Head()), listing(t, s.compare("main", "topic").Head()))
	if s.server.count() != 2 {
		t.Errorf("requests %v", s.server.requests)
	}
	if left, err := filepath.Glob(filepath.Join(opt.CacheDir, "pack-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	// Too large, and nothing to fall back on.
	opt = s.options(t)
	opt.MaxFullPackBytes = 1000
	if _, err := gitrepo.NewRemote(opt).Open(t.Context(), s.request()); !errors.Is(err, gitrepo.ErrTooLarge) {
		t.Errorf("got %v", err)
	}
	// The same, with something.
	req := s.request()
	req.Fallback = &rest{s: s}
	trees, err = gitrepo.NewRemote(opt).Open(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	check(t, "changes by the fallback", changes(t, trees), wantChanges)
	check(t, "head by the fallback", listing(t, trees.Head()), listing(t, s.compare("main", "topic").Head()))
}

// rest gives objects as a REST API would.
type rest struct {
	s   *served
	lie atomic.Bool
}

func (r *rest) Commit(_ context.Context, sha string) (string, error) {
	return r.s.git("rev-parse", sha+"^{tree}"), nil
}

func (r *rest) Tree(_ context.Context, sha string) ([]gitrepo.TreeEntry, error) {
	var out []gitrepo.TreeEntry
	for _, l := range strings.Split(r.s.git("ls-tree", "-z", sha), "\x00") {
		var e gitrepo.TreeEntry
		var kind string
		head, name, ok := strings.Cut(l, "\t")
		if !ok {
			continue
		}
		if _, err := fmt.Sscanf(head, "%o %s %s", &e.Mode, &kind, &e.SHA); err != nil {
			return nil, err
		}
		e.Name = name
		out = append([]gitrepo.TreeEntry{e}, out...) // in another order
	}
	return out, nil
}

func (r *rest) Blob(_ context.Context, sha string, _ int64) ([]byte, error) {
	if r.lie.Load() {
		return []byte("something else"), nil
	}
	return []byte(gitOutput(r.s.t, r.s.dir, r.s.home, "cat-file", "blob", sha)), nil
}

// TestFallbackIsChecked has a Fallback that gives other content than was asked
// for, behind a server that speaks an old protocol.
func TestFallbackIsChecked(t *testing.T) {
	s := newServed(t, true, func(_ http.ResponseWriter, r *http.Request) bool {
		r.Header.Del("Git-Protocol")
		return false
	})
	if _, err := gitrepo.NewRemote(s.options(t)).Open(t.Context(), s.request()); err == nil || !strings.Contains(err.Error(), "version 2") {
		t.Errorf("an old server without a fallback: %v", err)
	}
	req := s.request()
	r := &rest{s: s}
	r.lie.Store(true)
	req.Fallback = r
	trees, err := gitrepo.NewRemote(s.options(t)).Open(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	check(t, "changes", changes(t, trees), wantChanges)
	if _, err := fs.ReadFile(trees.Head(), "k8s/a.yaml"); err == nil || !strings.Contains(err.Error(), "another hash") {
		t.Errorf("got %v", err)
	}
}

// TestFiltersRefusedLate has a server that offers filters and then refuses.
func TestFiltersRefusedLate(t *testing.T) {
	s := newServed(t, true, nil)
	gitIn(t, s.bare, s.home, "config", "uploadpackfilter.allow", "false")
	trees, err := gitrepo.NewRemote(s.options(t)).Open(t.Context(), s.request())
	if err != nil {
		t.Fatal(err)
	}
	check(t, "changes", changes(t, trees), wantChanges)
}

func TestUnknownCommits(t *testing.T) {
	s := newServed(t, true, nil)
	gone := strings.Repeat("1", 40)
	req := s.request()
	req.Head = gone
	if _, err := gitrepo.NewRemote(s.options(t)).Open(t.Context(), req); err == nil || !strings.Contains(err.Error(), "head: the git server refused") {
		t.Errorf("unknown head: %v", err)
	}
	req.HeadRef = "refs/heads/topic"
	_, err := gitrepo.NewRemote(s.options(t)).Open(t.Context(), req)
	if !errors.Is(err, gitrepo.ErrMoved) || !strings.Contains(err.Error(), s.head[:10]) {
		t.Errorf("moved head: %v", err)
	}
	req.HeadRef = "refs/pull/7/head"
	if _, err := gitrepo.NewRemote(s.options(t)).Open(t.Context(), req); err == nil || errors.Is(err, gitrepo.ErrMoved) {
		t.Errorf("unknown reference: %v", err)
	}
	req = s.request()
	req.Base = gone
	if _, err := gitrepo.NewRemote(s.options(t)).Open(t.Context(), req); err == nil || !strings.Contains(err.Error(), "base: ") {
		t.Errorf("unknown base: %v", err)
	}
}

// TestHeadByReference has a server that takes no SHA by itself until its
// reference was asked for, as one that is behind may.
func TestHeadByReference(t *testing.T) {
	var listed atomic.Bool
	var s *served
	s = newServed(t, true, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost {
			return false
		}
		body := peek(t, r)
		if strings.Contains(body, "command=ls-refs") {
			listed.Store(true)
		}
		if strings.Contains(body, "want "+s.head) && !listed.Load() {
			w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
			fmt.Fprint(w, line("ERR upload-pack: not our ref "+s.head))
			return true
		}
		return false
	})
	req := s.request()
	req.HeadRef = "refs/heads/topic"
	trees, err := gitrepo.NewRemote(s.options(t)).Open(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	check(t, "changes", changes(t, trees), wantChanges)
}

func TestRemoteRefuses(t *testing.T) {
	s := newServed(t, true, nil)
	for what, change := range map[string]func(*gitrepo.Options, *gitrepo.Request){
		"another host": func(o *gitrepo.Options, _ *gitrepo.Request) { o.AllowedHost = "github.com" },
		"no host":      func(o *gitrepo.Options, _ *gitrepo.Request) { o.AllowedHost = "" },
		"plain http": func(o *gitrepo.Options, r *gitrepo.Request) {
			r.URL, o.AllowedHost = "http://git.example.com/x.git", "git.example.com"
		},
		"another scheme": func(o *gitrepo.Options, r *gitrepo.Request) {
			r.URL, o.AllowedHost = "file://localhost/etc", "localhost"
		},
		"a password": func(_ *gitrepo.Options, r *gitrepo.Request) {
			r.URL = strings.Replace(r.URL, "http://", "http://u:p@", 1)
		},
		"a query":             func(_ *gitrepo.Options, r *gitrepo.Request) { r.URL += "?x=y" },
		"no URL":              func(_ *gitrepo.Options, r *gitrepo.Request) { r.URL = "%" },
		"a shortened SHA":     func(_ *gitrepo.Options, r *gitrepo.Request) { r.Head = r.Head[:10] },
		"a branch":            func(_ *gitrepo.Options, r *gitrepo.Request) { r.Base = "main" },
		"an option as a base": func(_ *gitrepo.Options, r *gitrepo.Request) { r.Base = "--upload-pack=touch /tmp/x" },
	} {
		opt, req := s.options(t), s.request()
		change(&opt, &req)
		if _, err := gitrepo.NewRemote(opt).Open(t.Context(), req); err == nil {
			t.Errorf("%s was taken", what)
		}
	}
	if s.server.count() != 0 {
		t.Errorf("requests were made: %v", s.server.requests)
	}
}

func TestBounds(t *testing.T) {
	s := newServed(t, true, nil)
	opt := s.options(t)
	opt.MaxBlobBytes = 1000
	trees, err := gitrepo.NewRemote(opt).Open(t.Context(), s.request())
	if err != nil {
		t.Fatal(err)
	}
	if err := trees.Prefetch(t.Context(), nil, []string{"big.json", "k8s/a.yaml"}); err != nil {
		t.Fatal(err)
	}
	if _, err := fs.ReadFile(trees.Head(), "big.json"); !errors.Is(err, gitrepo.ErrTooLarge) {
		t.Errorf("a large file: %v", err)
	}
	if _, err := fs.ReadFile(trees.Head(), "k8s/a.yaml"); err != nil {
		t.Errorf("its neighbour: %v", err)
	}
	for what, change := range map[string]func(*gitrepo.Options){
		"objects":  func(o *gitrepo.Options) { o.MaxObjects = 1 },
		"trees":    func(o *gitrepo.Options) { o.MaxTreeBytes = 10 },
		"pack":     func(o *gitrepo.Options) { o.MaxPackBytes = 100 },
		"inflated": func(o *gitrepo.Options) { o.MaxInflated = 100 },
		"requests": func(o *gitrepo.Options) { o.MaxRequests = 3 },
		"changes":  func(o *gitrepo.Options) { o.MaxChanges = 2 },
	} {
		opt := s.options(t)
		change(&opt)
		trees, err := gitrepo.NewRemote(opt).Open(t.Context(), s.request())
		if err == nil {
			_, err = trees.Changes(t.Context())
		}
		if what == "objects" {
			// Requests are taken apart until they fit.
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
			continue
		}
		if !errors.Is(err, gitrepo.ErrTooLarge) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var s *served
	stop := make(chan struct{})
	s = newServed(t, true, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost {
			return false
		}
		cancel()
		<-stop
		return true
	})
	defer close(stop)
	if _, err := gitrepo.NewRemote(s.options(t)).Open(ctx, s.request()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestCacheEviction keeps the cache near its bound and what was read last.
func TestCacheEviction(t *testing.T) {
	s := newServed(t, true, nil)
	opt := s.options(t)
	opt.CacheBytes = 8 * 4096
	trees, err := gitrepo.NewRemote(opt).Open(t.Context(), s.request())
	if err != nil {
		t.Fatal(err)
	}
	check(t, "changes", changes(t, trees), wantChanges)
	listing(t, trees.Head())
	files := 0
	if err := filepath.WalkDir(opt.CacheDir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files++
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if files == 0 || files > 40 {
		t.Errorf("%d files are kept of some 90, in a cache for 8", files)
	}
}

// TestNoContentRestsInACacheOfTrees looks for what the files say.
func TestNoContentRestsInACacheOfTrees(t *testing.T) {
	s := newServed(t, true, nil)
	opt := s.options(t)
	opt.TreesAlone = true
	trees, err := gitrepo.NewRemote(opt).Open(t.Context(), s.request())
	if err != nil {
		t.Fatal(err)
	}
	check(t, "changes", changes(t, trees), wantChanges)
	listing(t, trees.Head())
	kinds := map[string]int{}
	if err := filepath.WalkDir(opt.CacheDir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		kind, _, _ := strings.Cut(string(data), "\n")
		kinds[kind]++
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if kinds["blob"] > 0 || kinds["tree"] == 0 {
		t.Errorf("kept: %v", kinds)
	}
}

// TestCacheIsChecked spoils the files of the cache: they are fetched again.
func TestCacheIsChecked(t *testing.T) {
	s := newServed(t, true, nil)
	opt := s.options(t)
	open := func() string {
		trees, err := gitrepo.NewRemote(opt).Open(t.Context(), s.request())
		if err != nil {
			t.Fatal(err)
		}
		return changes(t, trees) + listing(t, trees.Head())
	}
	want := open()
	i := 0
	if err := filepath.WalkDir(opt.CacheDir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		i++
		switch i % 4 {
		case 0:
			return os.Truncate(name, 5)
		case 1:
			return os.WriteFile(name, []byte("blob\nother"), 0o600)
		case 2:
			return os.Remove(name)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	check(t, "with a spoilt cache", open(), want)
	before := s.server.count()
	check(t, "mended", open(), want)
	if s.server.count() != before {
		t.Errorf("%d requests after mending", s.server.count()-before)
	}
	opt.CacheDir = filepath.Join(s.dir, "k8s/a.yaml") // cannot be written
	check(t, "without a cache", open(), want)
}

func TestTokenIsNotTold(t *testing.T) {
	s := newServed(t, true, func(w http.ResponseWriter, r *http.Request) bool {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, r.Header.Get("Authorization"))
		return true
	})
	req := s.request()
	req.Authorize = func(context.Context) (string, string, error) { return "x-access-token", "s3cr3t", nil }
	_, err := gitrepo.NewRemote(s.options(t)).Open(t.Context(), req)
	if !errors.Is(err, gitrepo.ErrNotFound) || strings.Contains(err.Error(), "s3cr3t") || strings.Contains(err.Error(), "Basic") {
		t.Errorf("got %v", err)
	}
	req.Authorize = func(context.Context) (string, string, error) { return "", "", errors.New("no installation") }
	if _, err := gitrepo.NewRemote(s.options(t)).Open(t.Context(), req); err == nil || !strings.Contains(err.Error(), "no installation") {
		t.Errorf("got %v", err)
	}
	if !slices.Contains(s.server.auth, "Basic eC1hY2Nlc3MtdG9rZW46czNjcjN0") {
		t.Errorf("no token was sent: %v", s.server.auth)
	}
}
