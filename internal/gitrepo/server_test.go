package gitrepo_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/gitrepo"
)

// gitServer serves a bare repository over HTTP with the git program.
type gitServer struct {
	*httptest.Server
	mu       sync.Mutex
	requests []string
	auth     []string
}

// serve serves the folder that holds the bare repository dir. before, if set,
// may answer a request in git's place.
func serve(t testing.TB, dir string, before func(http.ResponseWriter, *http.Request) bool) *gitServer {
	t.Helper()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	backend := &cgi.Handler{
		Path: git, Args: []string{"http-backend"},
		Env:        []string{"GIT_PROJECT_ROOT=" + filepath.Dir(dir), "GIT_HTTP_EXPORT_ALL=1", "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1"},
		InheritEnv: []string{"PATH"}, Stderr: io.Discard,
	}
	s := &gitServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.requests = append(s.requests, r.Method+" "+r.URL.Path)
		s.auth = append(s.auth, r.Header.Get("Authorization"))
		s.mu.Unlock()
		if before != nil && before(w, r) {
			return
		}
		h := *backend
		h.Env = append(h.Env[:len(h.Env):len(h.Env)], "GIT_PROTOCOL="+r.Header.Get("Git-Protocol"))
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *gitServer) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.requests)
}

func (s *gitServer) host() string {
	u, err := url.Parse(s.URL)
	if err != nil {
		return ""
	}
	return u.Host
}

// served is a repository with a change, on a server.
type served struct {
	*repo
	bare       string
	base, head string
	server     *gitServer
}

// newServed makes the repository and its server, with filters or without.
func newServed(t *testing.T, filters bool, before func(http.ResponseWriter, *http.Request) bool) *served {
	t.Helper()
	s := &served{repo: newRepo(t)}
	for i := range 40 {
		s.write(fmt.Sprintf("other/dir%d/f%d.yaml", i%7, i), fmt.Sprintf("content %d\n", i))
	}
	s.base = s.commit("k8s/a.yaml", "a: 1\n", "k8s/b.yaml", "b\n", "move/me.yaml", long("m"), "infra/deep/er/main.tf", "1\n", "infra/deep/er/vars.tf", "v\n", "gone.txt", "g\n", ".plimsoll.yml", "version: 1\n", "big.json", strings.Repeat("x", 100_000))
	s.git("checkout", "-q", "-b", "topic")
	s.remove("move")
	s.remove("gone.txt")
	s.head = s.commit("k8s/a.yaml", "a: 2\n", "moved/me.yaml", long("m"), "infra/deep/er/main.tf", "2\n", "new dir/ü.yaml", "n\n")
	s.bare = filepath.Join(t.TempDir(), "repo.git")
	gitIn(t, s.dir, s.home, "clone", "-q", "--bare", s.dir, s.bare)
	gitIn(t, s.bare, s.home, "repack", "-q", "-a", "-d", "--depth=20", "--window=20")
	gitIn(t, s.bare, s.home, "config", "uploadpack.allowFilter", fmt.Sprint(filters))
	gitIn(t, s.bare, s.home, "config", "uploadpack.allowAnySHA1InWant", "true")
	s.server = serve(t, s.bare, before)
	return s
}

// wantChanges is what the change of newServed consists of.
const wantChanges = `D gone.txt
M infra/deep/er/main.tf
M k8s/a.yaml
R moved/me.yaml < move/me.yaml
A new dir/ü.yaml
`

func (s *served) options(t testing.TB) gitrepo.Options {
	return gitrepo.Options{CacheDir: t.TempDir(), AllowedHost: s.server.host()}
}

func (s *served) request() gitrepo.Request {
	return gitrepo.Request{URL: s.server.URL + "/repo.git", Base: s.base, Head: s.head}
}
