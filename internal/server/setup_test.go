package server

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/plimsoll-iac/plimsoll/internal/config"
	"github.com/plimsoll-iac/plimsoll/internal/githubsim"
)

// setting is a set-up against a simulated GitHub.
type setting struct {
	t     *testing.T
	sim   *githubsim.Server
	cfg   config.Server
	begin string // the address in the log
	ended chan bool
	stop  context.CancelFunc
}

func newSetting(t *testing.T) *setting {
	t.Helper()
	sim, err := githubsim.New(githubsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := sim.Start(""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	x := &setting{t: t, sim: sim, ended: make(chan bool, 1)}
	env := map[string]string{
		"PLIMSOLL_PUBLIC_URL": "http://" + addr, "PLIMSOLL_LISTEN": addr, "PLIMSOLL_DATA_DIR": t.TempDir(),
		"PLIMSOLL_GITHUB_URL": sim.URL(), "PLIMSOLL_GITHUB_API_URL": sim.APIURL(), "PLIMSOLL_GITHUB_GRAPHQL_URL": sim.GraphQLURL(),
	}
	x.cfg, err = config.Load(func(k string) (string, bool) { v, ok := env[k]; return v, ok }, "")
	if err != nil || !x.cfg.Setup {
		t.Fatalf("%v: %+v", err, x.cfg)
	}
	log := &lockedBuffer{}
	var ctx context.Context
	ctx, x.stop = context.WithCancel(t.Context())
	listening := make(chan struct{})
	go func() {
		ready, err := Setup(ctx, x.cfg, Parts{Log: slog.New(slog.NewTextHandler(log, nil)), Listening: func(net.Addr) { close(listening) }})
		if err != nil {
			t.Errorf("the set-up ended with %v", err)
		}
		x.ended <- ready
	}()
	_ = soon(t, "the set-up listens", 10*time.Second, listening)
	x.begin = regexp.MustCompile(`http://[^ "]+/setup\?token=[A-Z0-9]+`).FindString(log.String())
	if x.begin == "" {
		t.Fatalf("no address in the log: %s", log)
	}
	return x
}

var (
	formAction   = regexp.MustCompile(`<form[^>]* action="([^"]+)"`)
	hiddenInputs = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)
)

// post sends the form of a page with the fields filled in, as a browser does.
func (x *setting) post(at, page string, fields url.Values) (*http.Response, string) {
	x.t.Helper()
	action := formAction.FindStringSubmatch(page)
	if action == nil {
		x.t.Fatalf("no form in\n%s", page)
	}
	for _, in := range hiddenInputs.FindAllStringSubmatch(page, -1) {
		fields.Set(in[1], unescape(in[2]))
	}
	base, _ := url.Parse(at)
	to, err := base.Parse(unescape(action[1]))
	if err != nil {
		x.t.Fatal(err)
	}
	resp, err := http.PostForm(to.String(), fields)
	return x.read(resp, err)
}

func unescape(s string) string {
	return strings.NewReplacer("&#34;", `"`, "&#39;", "'", "&#43;", "+", "&amp;", "&", "&lt;", "<", "&gt;", ">").Replace(s)
}

func (x *setting) get(at string) (*http.Response, string) {
	x.t.Helper()
	resp, err := http.Get(at)
	return x.read(resp, err)
}

func (x *setting) read(resp *http.Response, err error) (*http.Response, string) {
	x.t.Helper()
	if err != nil {
		x.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		x.t.Fatal(err)
	}
	return resp, string(body)
}

func TestSetUpMakesTheAppAndKeepsItsCredentials(t *testing.T) {
	x := newSetting(t)
	if resp, _ := x.get(x.cfg.PublicURL + "/readyz"); resp.StatusCode != 503 {
		t.Errorf("ready without credentials: %d", resp.StatusCode)
	}
	if resp, _ := x.get(x.cfg.PublicURL + "/healthz"); resp.StatusCode != 200 {
		t.Errorf("not alive: %d", resp.StatusCode)
	}
	for _, wrong := range []string{x.cfg.PublicURL + "/setup", x.cfg.PublicURL + "/setup?token=x", x.cfg.PublicURL + "/setup/done?state=x&code=y"} {
		if resp, body := x.get(wrong); resp.StatusCode != 403 || strings.Contains(body, "<form") {
			t.Errorf("%s: %d", wrong, resp.StatusCode)
		}
	}
	resp, page := x.get(x.begin)
	if resp.StatusCode != 200 || resp.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("form: %d %v\n%s", resp.StatusCode, resp.Header, page)
	}
	resp, page = x.post(x.begin, page, url.Values{"organisation": {"acme"}, "name": {"Plimsoll of acme"}, "profile": {"full"}, "keep": {"keep"}})
	if policy := resp.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self' "+x.sim.URL()) {
		t.Errorf("policy %s", policy)
	}
	if !strings.Contains(page, x.sim.URL()+"/organizations/acme/settings/apps/new?state=") {
		t.Fatalf("the form goes elsewhere:\n%s", page)
	}
	_, page = x.post(x.begin, page, url.Values{})
	if !strings.Contains(page, "The App is made") || strings.Contains(page, "PRIVATE KEY") || !strings.Contains(page, "/installations/new") {
		t.Fatalf("page\n%s", page)
	}
	if !soon(t, "the set-up ends", 20*time.Second, x.ended) {
		t.Error("the credentials are not said to be there")
	}
	kept, err := os.ReadFile(filepath.Join(x.cfg.DataDir, "github", "private-key.pem"))
	if err != nil || !strings.Contains(string(kept), "PRIVATE KEY") {
		t.Errorf("key: %v", err)
	}
}

func TestSetUpShowsTheCredentialsOnce(t *testing.T) {
	x := newSetting(t)
	_, page := x.get(x.begin)
	_, page = x.post(x.begin, page, url.Values{"name": {"Plimsoll"}, "profile": {"read"}, "keep": {"show"}})
	if !strings.Contains(page, x.sim.URL()+"/settings/apps/new?state=") {
		t.Fatalf("the form goes elsewhere:\n%s", page)
	}
	again := page
	_, page = x.post(x.begin, page, url.Values{})
	if !strings.Contains(page, "PRIVATE KEY") || !strings.Contains(page, "PLIMSOLL_GITHUB_APP_ID") {
		t.Fatalf("page\n%s", page)
	}
	for _, at := range []string{x.begin, x.cfg.PublicURL + "/setup/done?state=x&code=y"} {
		if resp, body := x.get(at); resp.StatusCode != 410 || strings.Contains(body, "PRIVATE KEY") {
			t.Errorf("%s is open still: %d", at, resp.StatusCode)
		}
	}
	// The same form once more makes no second exchange.
	if resp, body := x.post(x.begin, again, url.Values{}); resp.StatusCode != 410 || strings.Contains(body, "PRIVATE KEY") {
		t.Errorf("twice: %d", resp.StatusCode)
	}
	if _, err := os.Stat(filepath.Join(x.cfg.DataDir, "github", "private-key.pem")); err == nil {
		t.Error("the key was kept all the same")
	}
	x.stop()
	if soon(t, "the set-up ends", 20*time.Second, x.ended) {
		t.Error("credentials are said to be there")
	}
}

func TestManifestIsAppYML(t *testing.T) {
	data, err := os.ReadFile("../../app.yml")
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Description string
		Permissions map[string]string `yaml:"default_permissions"`
		Events      []string          `yaml:"default_events"`
	}
	if err := yaml.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	m := manifestOf("Plimsoll", "https://plimsoll.example.com", false, false)
	got, _ := json.Marshal(m.Permissions)
	expected, _ := json.Marshal(want.Permissions)
	if string(got) != string(expected) || !slices.Equal(slices.Sorted(slices.Values(m.Events)), slices.Sorted(slices.Values(want.Events))) || m.Description != want.Description {
		t.Errorf("manifest %+v\napp.yml %+v", m, want)
	}
	full := manifestOf("Plimsoll", "https://plimsoll.example.com", true, true)
	if full.Permissions["contents"] != "write" || full.Permissions["security_events"] != "write" || len(full.Permissions) != len(m.Permissions)+1 {
		t.Errorf("full %v", full.Permissions)
	}
}
