package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/githubsim"
	"github.com/plimsoll-iac/plimsoll/internal/review"
)

// mainMode, set in the environment, makes the test binary the program itself.
const mainMode = "PLIMSOLL_TEST_MAIN"

// TestLoad opens pull requests of many installations at an App that runs as a
// process of its own, while one call to GitHub in twenty goes wrong, and accounts
// for every one of them. PLIMSOLL_LOAD says how many; docs/performance.md has
// the figures of 1,000.
func TestLoad(t *testing.T) {
	total := 40
	if v := os.Getenv("PLIMSOLL_LOAD"); v != "" {
		var err error
		if total, err = strconv.Atoi(v); err != nil {
			t.Fatal(err)
		}
	}
	installations := min(20, max(2, total/10))
	l := newLoad(t, installations)
	l.start(t)
	// Half at once, which says what it can do; half at three fifths of that,
	// which says how long people wait.
	began := time.Now()
	for n := range total / 2 {
		l.open(t, n)
	}
	l.wait(t)
	rate := float64(total/2) / time.Since(began).Seconds()
	burst := l.took()
	pace := time.NewTicker(time.Duration(float64(time.Second) / (rate * 0.6)))
	defer pace.Stop()
	for n := total / 2; n < total; n++ {
		<-pace.C
		l.open(t, n)
	}
	l.wait(t)
	paced := l.took()[len(burst):]
	l.account(t)
	peak := l.memory(t)
	quantile := func(all []time.Duration, q float64) time.Duration {
		sorted := slices.Sorted(slices.Values(all))
		return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))].Round(time.Millisecond)
	}
	t.Logf("%d pull requests, %d installations, %d calls of which %d went wrong", total, installations, l.calls, l.faults)
	t.Logf("at once: %.1f reviews a second; p50 %s, p95 %s, p99 %s", rate, quantile(burst, .5), quantile(burst, .95), quantile(burst, .99))
	t.Logf("at %.1f a second: p50 %s, p95 %s, p99 %s", rate*0.6, quantile(paced, .5), quantile(paced, .95), quantile(paced, .99))
	t.Logf("the App's memory: %d MB at most", peak>>20)
}

type load struct {
	sim           *githubsim.Server
	app           *githubsim.App
	installations int
	cmd           *exec.Cmd

	mu            sync.Mutex
	chance        *rand.Rand // the same in every run
	calls, faults int
	completed     map[int64]time.Time // check run → when it was last completed
	pulls         []loaded
}

// loaded is one pull request of the run.
type loaded struct {
	repo, head string
	number     int
	opened     time.Time
	bad        bool
}

const (
	loadGood = `apiVersion: v1
kind: Pod
metadata: {name: api, namespace: shop}
spec:
  automountServiceAccountToken: false
  containers:
    - name: app
      image: registry.example.com/api:1.0.0
      securityContext:
        allowPrivilegeEscalation: false
        runAsNonRoot: true
        privileged: false # kept
`
	repositories = 5 // an installation
)

var completes = regexp.MustCompile(`/check-runs/(\d+)$`)

func newLoad(t *testing.T, installations int) *load {
	t.Helper()
	l := &load{installations: installations, chance: rand.New(rand.NewPCG(1, 2)), completed: map[int64]time.Time{}}
	var err error
	l.sim, err = githubsim.New(githubsim.Options{Faults: l.fault})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.sim.Start(""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.sim.Close() })
	if l.app, err = l.sim.AddApp(githubsim.AppOptions{}); err != nil {
		t.Fatal(err)
	}
	for i := range installations {
		org := fmt.Sprintf("org-%d", i)
		l.sim.AddOrganization(org)
		for r := range repositories {
			if _, err := l.sim.CreateRepository(githubsim.RepositoryOptions{Owner: org, Name: fmt.Sprintf("repo-%d", r), Files: map[string]string{"k8s/pod.yaml": loadGood}}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := l.sim.Install(l.app.ID, org, githubsim.InstallOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// fault makes one call in twenty go wrong: a third is refused, a
// third gets no answer, of a third the answer is lost.
func (l *load) fault(e githubsim.Exchange) *githubsim.Fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls++
	if m := completes.FindStringSubmatch(e.Path); m != nil && e.Method == http.MethodPatch && strings.Contains(string(e.Body), `"completed"`) {
		id, _ := strconv.ParseInt(m[1], 10, 64)
		l.completed[id] = time.Now()
	}
	draw := l.chance.IntN(60)
	if draw >= 3 {
		return nil
	}
	l.faults++
	switch draw {
	case 0:
		return &githubsim.Fault{Status: http.StatusBadGateway}
	case 1:
		return &githubsim.Fault{Drop: true}
	}
	return &githubsim.Fault{DropAfter: true}
}

// start runs the App.
func (l *load) start(t *testing.T) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	ln.Close()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	l.cmd = exec.CommandContext(t.Context(), exe, "serve")
	l.cmd.Env = append(os.Environ(), mainMode+"=1", "PLIMSOLL_GITHUB_APP_ID="+itoa(l.app.ID), "PLIMSOLL_GITHUB_PRIVATE_KEY="+string(l.app.KeyPEM()),
		"PLIMSOLL_GITHUB_WEBHOOK_SECRET=load", "PLIMSOLL_GITHUB_URL="+l.sim.URL(), "PLIMSOLL_GITHUB_API_URL="+l.sim.APIURL(),
		"PLIMSOLL_GITHUB_GRAPHQL_URL="+l.sim.GraphQLURL(), "PLIMSOLL_DATA_DIR="+filepath.Join(dir, "data"), "PLIMSOLL_LISTEN="+addr, "PLIMSOLL_WORKERS=8")
	l.cmd.Stderr = log
	if err := l.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = l.cmd.Process.Kill()
		_ = l.cmd.Wait()
		if text, err := os.ReadFile(log.Name()); t.Failed() && err == nil {
			t.Logf("the App's log ends:\n%s", text[max(0, len(text)-4000):])
		}
	})
	ready := time.Now().Add(time.Minute)
	for {
		resp, err := http.Get("http://" + addr + "/readyz")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				break
			}
		}
		if time.Now().After(ready) {
			t.Fatal("the App is not ready")
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err := l.sim.SetWebhook(l.app.ID, "http://"+addr+"/webhook", "load"); err != nil {
		t.Fatal(err)
	}
}

// open opens the n-th pull request. Every second one has a finding.
func (l *load) open(t *testing.T, n int) {
	t.Helper()
	p := loaded{repo: fmt.Sprintf("org-%d/repo-%d", n%l.installations, n/l.installations%repositories), bad: n%2 == 0}
	branch := fmt.Sprintf("change-%d", n)
	files := map[string]string{"README.md": branch}
	if p.bad {
		files = map[string]string{"k8s/pod.yaml": strings.Replace(loadGood, "privileged: false", "privileged: true", 1), "README.md": branch}
	}
	var err error
	if p.head, err = l.sim.Push(p.repo, githubsim.Push{Branch: branch, Files: files}); err != nil {
		t.Fatal(err)
	}
	p.opened = time.Now()
	if p.number, err = l.sim.OpenPull(p.repo, githubsim.NewPull{Title: branch, Head: branch}); err != nil {
		t.Fatal(err)
	}
	l.pulls = append(l.pulls, p)
}

func (l *load) done(p loaded) bool {
	return slices.ContainsFunc(l.sim.CheckRuns(p.repo, p.head), func(r githubsim.CheckRun) bool { return r.Status == "completed" })
}

// wait waits until every pull request has its completed check run.
func (l *load) wait(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	left := slices.Clone(l.pulls)
	err := l.sim.Wait(ctx, func() bool {
		for len(left) > 0 && l.done(left[0]) {
			left = left[1:]
		}
		return len(left) == 0
	})
	if err != nil {
		t.Fatalf("%d of %d pull requests have no completed check run: %v", len(left), len(l.pulls), err)
	}
}

// took gives the time from opening to the completed check run of each.
func (l *load) took() []time.Duration {
	var out []time.Duration
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.pulls {
		var last time.Time
		for _, r := range l.sim.CheckRuns(p.repo, p.head) {
			if at := l.completed[r.ID]; at.After(last) {
				last = at
			}
		}
		out = append(out, last.Sub(p.opened))
	}
	return out
}

// account holds what stands on the simulated GitHub against what should: one
// check run with the right conclusion, and every finding said once.
func (l *load) account(t *testing.T) {
	t.Helper()
	runs, comments, doubled := 0, 0, 0
	for _, p := range l.pulls {
		var own []githubsim.CheckRun
		for _, r := range l.sim.CheckRuns(p.repo, p.head) {
			if r.Name == "plimsoll" {
				own = append(own, r)
			}
		}
		runs += len(own)
		want := "neutral"
		if p.bad {
			want = "failure"
		}
		if len(own) != 1 || own[0].Conclusion != want {
			t.Errorf("%s#%d: %d check runs, the first %+v, want one of %s", p.repo, p.number, len(own), own[0].Conclusion, want)
		}
		said := map[string]int{}
		for _, thread := range l.sim.Threads(p.repo, p.number) {
			for _, fp := range review.ParseMarkers(thread.Comments[0].Body) {
				said[fp]++
				comments++
			}
		}
		for _, n := range said {
			if n > 1 {
				doubled++
			}
		}
		if p.bad && len(said) == 0 && len(own[0].Annotations) == 0 {
			t.Errorf("%s#%d: its finding is said nowhere", p.repo, p.number)
		}
	}
	if doubled > 0 {
		t.Errorf("%d findings are said twice", doubled)
	}
	t.Logf("accounted for: %d pull requests, %d check runs, %d findings in comments, %d said twice", len(l.pulls), runs, comments, doubled)
}

// memory gives the most that the App had resident, 0 where the system does not
// say.
func (l *load) memory(t *testing.T) int64 {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", l.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindStringSubmatch(string(data))
	if m == nil {
		return 0
	}
	kb, _ := strconv.ParseInt(m[1], 10, 64)
	return kb << 10
}
