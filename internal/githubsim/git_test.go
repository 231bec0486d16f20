package githubsim_test

import (
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/githubsim"
)

// gitClient runs the real git, away from the settings of whoever tests.
type gitClient struct {
	t    *testing.T
	dir  string
	auth string
}

func newGitClient(w *world) *gitClient {
	w.t.Helper()
	token, err := w.IssueToken(w.inst)
	if err != nil {
		w.t.Fatal(err)
	}
	return &gitClient{t: w.t, dir: w.t.TempDir(), auth: base64.StdEncoding.EncodeToString([]byte("x-access-token:" + token))}
}

func (g *gitClient) try(args ...string) (string, error) {
	cmd := exec.CommandContext(g.t.Context(), "git", append([]string{
		"-c", "http.extraHeader=Authorization: Basic " + g.auth, "-c", "protocol.version=2",
	}, args...)...)
	cmd.Dir = g.dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+filepath.Join(g.dir, "none"),
		"GIT_TERMINAL_PROMPT=0", "GIT_NO_LAZY_FETCH=1", "HOME="+g.dir, "no_proxy=127.0.0.1")
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func (g *gitClient) git(args ...string) string {
	g.t.Helper()
	out, err := g.try(args...)
	if err != nil {
		g.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (g *gitClient) objects() map[string]int {
	g.t.Helper()
	out := map[string]int{}
	for line := range strings.Lines(g.git("cat-file", "--batch-all-objects", "--batch-check=%(objecttype)")) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "warning:") {
			out[line]++
		}
	}
	return out
}

func TestRealGitClones(t *testing.T) {
	w := newWorld(t, githubsim.Options{}, nil, nil)
	g := newGitClient(w)
	url := w.URL() + "/acme/shop.git"
	g.git("clone", "-q", url, ".")
	if got := g.git("rev-parse", "HEAD"); got != mustBranch(w, "main") {
		t.Errorf("HEAD %s", got)
	}
	g.git("fetch", "-q", "origin", "refs/pull/1/head")
	if got := g.git("rev-parse", "FETCH_HEAD"); got != w.head() {
		t.Errorf("pull head %s, want %s", got, w.head())
	}
	// More commits, fetched with haves.
	sha := w.push(map[int]string{10: "again\n"})
	g.git("fetch", "-q", "origin", "change")
	if got := g.git("rev-parse", "FETCH_HEAD"); got != sha {
		t.Errorf("branch %s, want %s", got, sha)
	}
	g.git("fsck", "--full", "--strict")
}

func TestRealGitFilters(t *testing.T) {
	w := newWorld(t, githubsim.Options{}, nil, nil)
	url := w.URL() + "/acme/shop.git"
	for _, tt := range []struct {
		args []string
		want map[string]int
	}{
		{[]string{"--filter=tree:0", "--depth=1"}, map[string]int{"commit": 1}},
		{[]string{"--filter=tree:1", "--depth=1"}, map[string]int{"commit": 1, "tree": 1}},
		{[]string{"--filter=blob:none", "--depth=1"}, map[string]int{"commit": 1, "tree": 2}},
		{[]string{"--filter=blob:limit=20", "--depth=1"}, map[string]int{"commit": 1, "tree": 2, "blob": 2}},
		{[]string{"--depth=1"}, map[string]int{"commit": 1, "tree": 2, "blob": 3}},
		{[]string{"--filter=blob:none"}, map[string]int{"commit": 2, "tree": 4}},
	} {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			g := newGitClient(w)
			g.t = t
			g.git("init", "-q")
			g.git("remote", "add", "origin", url)
			g.git(append(append([]string{"fetch", "-q"}, tt.args...), "origin", w.head())...)
			got := g.objects()
			if len(got) != len(tt.want) {
				t.Fatalf("objects %v, want %v", got, tt.want)
			}
			for kind, n := range tt.want {
				if got[kind] != n {
					t.Errorf("objects %v, want %v", got, tt.want)
				}
			}
		})
	}
}

// A wanted tree comes alone under tree:0, and a wanted blob in spite of any
// filter: the walk level by level rests on both.
func TestRealGitWantsTreesAndBlobs(t *testing.T) {
	w := newWorld(t, githubsim.Options{}, nil, nil)
	g := newGitClient(w)
	g.git("init", "-q")
	g.git("remote", "add", "origin", w.URL()+"/acme/shop.git")
	g.git("fetch", "-q", "--depth=1", "--filter=tree:0", "origin", w.head())
	tree := g.treeOf(w, w.head())
	g.git("fetch", "-q", "--filter=tree:0", "origin", tree)
	if got := g.objects(); got["tree"] != 1 || got["blob"] != 0 {
		t.Fatalf("objects %v", got)
	}
	blob := g.git("rev-parse", tree+":README.md")
	g.git("fetch", "-q", "--filter=tree:0", "origin", blob)
	if got := g.git("cat-file", "-p", blob); got != "shop" {
		t.Errorf("blob %q", got)
	}
}

func TestGitRefuses(t *testing.T) {
	w := newWorld(t, githubsim.Options{Git: githubsim.GitOptions{NoFilter: true, NoSHAInWant: true}}, nil, nil)
	url := w.URL() + "/acme/shop.git"
	g := newGitClient(w)
	g.git("init", "-q")
	main := mustBranch(w, "main")
	w.push(map[int]string{10: "newer\n"})
	old, err := w.Branch(shop, "main")
	if err != nil || old != main {
		t.Fatal(old, err)
	}
	for name, args := range map[string][]string{
		"unknown object": {"fetch", url, strings.Repeat("1", 40)},
		"not a tip":      {"fetch", url, g.treeOf(w, main)},
	} {
		if out, err := g.try(args...); err == nil || !strings.Contains(out, "not our ref") {
			t.Errorf("%s: %v, %s", name, err, out)
		}
	}
	g.auth = base64.StdEncoding.EncodeToString([]byte("x-access-token:wrong"))
	if out, err := g.try("ls-remote", url); err == nil {
		t.Errorf("a wrong token lists refs: %s", out)
	}
	other := newGitClient(w)
	if out, err := other.try("ls-remote", w.URL()+"/acme/none.git"); err == nil || !strings.Contains(out, "not found") {
		t.Errorf("missing repository: %v, %s", err, out)
	}
}

func (g *gitClient) treeOf(w *world, commit string) string {
	g.t.Helper()
	_, body := w.call("GET", "/repos/acme/shop/git/commits/"+commit, nil)
	return body["tree"].(map[string]any)["sha"].(string)
}

func mustBranch(w *world, name string) string {
	w.t.Helper()
	sha, err := w.Branch(shop, name)
	if err != nil {
		w.t.Fatal(err)
	}
	return sha
}
