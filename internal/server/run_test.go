package server

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/config"
	"github.com/plimsoll-iac/plimsoll/internal/github"
	"github.com/plimsoll-iac/plimsoll/internal/reviewer"
)

// childMode, set in the environment, makes the test binary the App, with its
// settings from the environment.
const childMode = "PLIMSOLL_TEST_SERVE"

func TestMain(m *testing.M) {
	if os.Getenv(childMode) != "" {
		if err := childServe(); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(2)
		}
		return
	}
	os.Exit(m.Run())
}

func childServe() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	cfg, err := config.Load(os.LookupEnv, "")
	if err != nil {
		return err
	}
	return Run(ctx, cfg, Parts{
		Version: "test", Review: reviewer.Options{Now: time.Now},
		Open: func(*github.Client, string, *slog.Logger) (OpenTrees, error) {
			return func(context.Context, github.PullRequest, string) (reviewer.Trees, func(), error) {
				return nil, nil, errors.New("no trees here")
			}, nil
		},
		Log:       slog.New(slog.NewTextHandler(os.Stderr, nil)),
		Listening: func(addr net.Addr) { _, _ = os.Stdout.WriteString(addr.String() + "\n") },
	})
}

// silentGitHub knows the App and never answers anything else. It tells of the
// requests that are about reviews.
type silentGitHub struct {
	*httptest.Server
	asked chan string
	free  chan struct{}
}

func newSilentGitHub(t *testing.T) *silentGitHub {
	t.Helper()
	g := &silentGitHub{asked: make(chan string, 100), free: make(chan struct{})}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/app") {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"id":77,"slug":"plimsoll"}`)
			return
		}
		if strings.Contains(r.URL.Path, "/app/hook/") || strings.HasSuffix(r.URL.Path, "/app/installations") {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `[]`) // nothing was missed
			return
		}
		g.asked <- r.Method + " " + r.URL.Path
		select {
		case <-r.Context().Done():
		case <-g.free:
		}
	}))
	t.Cleanup(func() {
		close(g.free)
		g.Close()
	})
	return g
}

// app is the App as a process of its own.
type app struct {
	cmd    *exec.Cmd
	url    string
	exited chan error
	log    *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func startApp(t *testing.T, github, dir, key string) *app {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	a := &app{cmd: exec.CommandContext(t.Context(), exe), exited: make(chan error, 1), log: &lockedBuffer{}}
	a.cmd.Env = append(os.Environ(), childMode+"=1", "PLIMSOLL_GITHUB_APP_ID=77", "PLIMSOLL_GITHUB_PRIVATE_KEY="+key,
		"PLIMSOLL_GITHUB_WEBHOOK_SECRET="+testSecret, "PLIMSOLL_GITHUB_URL="+github, "PLIMSOLL_DATA_DIR="+dir, "PLIMSOLL_LISTEN=127.0.0.1:0")
	a.cmd.Stderr = a.log
	out, err := a.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatalf("the App did not start: %s", a.log)
	}
	a.url = "http://" + lines.Text()
	go func() { a.exited <- a.cmd.Wait() }()
	t.Cleanup(func() {
		_ = a.cmd.Process.Kill()
		if t.Failed() {
			t.Logf("the App's log:\n%s", a.log)
		}
	})
	return a
}

func (a *app) post(t *testing.T, body, delivery string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.url+"/webhook", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-GitHub-Event", "pull_request")
	r.Header.Set("X-GitHub-Delivery", delivery)
	r.Header.Set("X-Hub-Signature-256", sign([]byte(body)))
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

func (a *app) status(t *testing.T, path string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

func soon[T any](t *testing.T, what string, within time.Duration, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(within):
		t.Fatalf("never: %s", what)
		panic("unreachable")
	}
}

func testKey(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

const openedEvent = `{"action":"opened","number":7,"installation":{"id":5},
 "repository":{"id":9,"name":"shop","owner":{"login":"acme"}},"sender":{"login":"ann","type":"User"},
 "pull_request":{"number":7,"draft":false,"state":"open",
  "head":{"sha":"1111111111111111111111111111111111111111","ref":"x","repo":{"id":9}},
  "base":{"sha":"2222222222222222222222222222222222222222","ref":"main","repo":{"id":9}}}}`

func TestWhatWasAcceptedSurvivesKillAndTerm(t *testing.T) {
	gh, dir, key := newSilentGitHub(t), t.TempDir(), testKey(t)
	a := startApp(t, gh.URL, dir, key)
	if code := a.post(t, openedEvent, "d-1"); code != 202 {
		t.Fatalf("status %d", code)
	}
	first := soon(t, "the review begins", 20*time.Second, gh.asked)
	if a.status(t, "/readyz") != 200 || a.status(t, "/rules") != 200 || a.status(t, "/metrics") != 200 {
		t.Error("a page of the running App does not answer")
	}
	if err := a.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = soon(t, "the killed process ends", 10*time.Second, a.exited)

	a = startApp(t, gh.URL, dir, key)
	if again := soon(t, "the review begins again after kill -9", 20*time.Second, gh.asked); again != first {
		t.Errorf("then asked %s, first %s", again, first)
	}
	// It hangs in a request that never ends: the worst moment to be asked to go.
	if err := a.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := soon(t, "the process exits within 30 s of SIGTERM", 30*time.Second, a.exited); err != nil {
		t.Errorf("exit: %v", err)
	}

	a = startApp(t, gh.URL, dir, key)
	if again := soon(t, "the review that was handed back begins again", 20*time.Second, gh.asked); again != first {
		t.Errorf("then asked %s, first %s", again, first)
	}
	if err := a.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = soon(t, "the killed process ends", 10*time.Second, a.exited)
}

func TestIdleAppExitsAtOnceOnTerm(t *testing.T) {
	gh := newSilentGitHub(t)
	a := startApp(t, gh.URL, t.TempDir(), testKey(t))
	if err := a.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := soon(t, "the process exits", 10*time.Second, a.exited); err != nil {
		t.Errorf("exit: %v", err)
	}
}

func TestRunSaysWhichSettingIsWrong(t *testing.T) {
	occupied, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer occupied.Close()
	notAFolder := t.TempDir() + "/file"
	if err := os.WriteFile(notAFolder, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	key := testKey(t)
	for variable, value := range map[string]string{"PLIMSOLL_LISTEN": occupied.Addr().String(), "PLIMSOLL_DATA_DIR": notAFolder} {
		env := map[string]string{
			"PLIMSOLL_GITHUB_APP_ID": "77", "PLIMSOLL_GITHUB_PRIVATE_KEY": key, "PLIMSOLL_GITHUB_WEBHOOK_SECRET": "x",
			"PLIMSOLL_DATA_DIR": t.TempDir(), "PLIMSOLL_LISTEN": "127.0.0.1:0", variable: value,
		}
		cfg, err := config.Load(func(k string) (string, bool) { v, ok := env[k]; return v, ok }, "")
		if err != nil {
			t.Fatal(err)
		}
		err = Run(t.Context(), cfg, Parts{
			Open: func(*github.Client, string, *slog.Logger) (OpenTrees, error) { return nil, nil },
			Log:  slog.New(slog.DiscardHandler),
		})
		if err == nil || !strings.HasPrefix(err.Error(), variable+": ") {
			t.Errorf("%s: %v", variable, err)
		}
	}
}
