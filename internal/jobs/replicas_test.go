package jobs

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// childServer and childReplica, set in the environment, make the test binary a
// server of NATS, or a process that works on the queue.
const (
	childServer  = "PLIMSOLL_TEST_NATS"
	childReplica = "PLIMSOLL_TEST_REPLICA"
)

type natsSpec struct {
	Name          string
	Port, Cluster int
	Routes        string
	Dir           string
}

// serveNATS is one server of three.
func serveNATS(text string) error {
	var spec natsSpec
	if err := json.Unmarshal([]byte(text), &spec); err != nil {
		return err
	}
	srv, err := server.NewServer(&server.Options{
		ServerName: spec.Name, Host: "127.0.0.1", Port: spec.Port, NoLog: true, NoSigs: true,
		JetStream: true, StoreDir: spec.Dir,
		Cluster: server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: spec.Cluster},
		Routes:  server.RoutesFromStr(spec.Routes),
	})
	if err != nil {
		return err
	}
	srv.Start()
	if !srv.ReadyForConnections(20 * time.Second) {
		return errors.New("the server does not start")
	}
	fmt.Println("up")
	srv.WaitForShutdown()
	return nil
}

type replicaSpec struct{ Name, URL, Ledger string }

// replica works on the queue until it is killed, and writes what it does into
// the ledger: one line a step, appended whole.
func replica(text string) error {
	var spec replicaSpec
	if err := json.Unmarshal([]byte(text), &spec); err != nil {
		return err
	}
	ledger, err := os.OpenFile(spec.Ledger, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer ledger.Close()
	note := func(what string, j Job) { fmt.Fprintf(ledger, "%s %s %d %s\n", what, spec.Name, j.Number, j.Delivery) }
	ctx := context.Background()
	q, err := Open(ctx, Options{Cluster: &Cluster{URL: spec.URL, Replicas: 3}, Lease: 3 * time.Second, AckWait: 4 * time.Second})
	if err != nil {
		return err
	}
	fmt.Println("up")
	return q.Run(ctx, replicaWorkers, handlerFunc(func(ctx context.Context, j Job) error {
		note("begin", j)
		wait(ctx, 4*time.Millisecond)
		// What follows is what would be written to GitHub.
		if err := Confirm(ctx); err != nil {
			note("refused", j)
			return err
		}
		note("end", j)
		return nil
	}))
}

// process is a child that is killed and started again.
type process struct {
	variable, spec string
	cmd            *exec.Cmd
}

func (p *process) start(t *testing.T) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd = exec.CommandContext(t.Context(), exe)
	p.cmd.Env = append(os.Environ(), p.variable+"="+p.spec)
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if p.variable == childServer { // replicas wait for the cluster
		if !bufio.NewScanner(out).Scan() {
			t.Fatalf("%s does not start", p.spec)
		}
	}
}

// kill is kill -9.
func (p *process) kill(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait()
}

// freePorts gives ports that nobody listens on.
func freePorts(t *testing.T, n int) []int {
	t.Helper()
	var out []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		out = append(out, l.Addr().(*net.TCPAddr).Port)
	}
	return out
}

func specOf(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestThreeServersAndThreeReplicasAreKilledByTurns publishes deliveries of many
// pull requests while each of three servers of NATS and each of three replicas
// is killed and started again, and accounts for every delivery that was
// acknowledged. PLIMSOLL_TEST_DELIVERIES makes the run longer than the 1,000 of a
// test run; docs/performance.md has its figures.
func TestThreeServersAndThreeReplicasAreKilledByTurns(t *testing.T) {
	deliveries := 1000
	if v := os.Getenv("PLIMSOLL_TEST_DELIVERIES"); v != "" {
		var err error
		if deliveries, err = strconv.Atoi(v); err != nil {
			t.Fatal(err)
		}
	}
	const pulls = 448
	dir := t.TempDir()
	ports := freePorts(t, 6)
	var routes, urls []string
	for i := range 3 {
		routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%d", ports[3+i]))
		urls = append(urls, fmt.Sprintf("nats://127.0.0.1:%d", ports[i]))
	}
	url := strings.Join(urls, ",")
	ledger := filepath.Join(dir, "ledger")
	if err := os.WriteFile(ledger, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var servers, replicas []*process
	for i := range 3 {
		s := &process{variable: childServer, spec: specOf(t, natsSpec{
			Name: fmt.Sprintf("n%d", i), Port: ports[i], Cluster: ports[3+i], Routes: strings.Join(routes, ","), Dir: filepath.Join(dir, fmt.Sprintf("n%d", i)),
		})}
		s.start(t)
		servers = append(servers, s)
	}
	opening, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	q, err := Open(opening, Options{Cluster: &Cluster{URL: url, Replicas: 3}, Lease: 3 * time.Second, AckWait: 4 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(q.Close)
	lives := 0
	live := func(i int) *process {
		lives++
		p := &process{variable: childReplica, spec: specOf(t, replicaSpec{Name: fmt.Sprintf("r%d.%d", i, lives), URL: url, Ledger: ledger})}
		p.start(t)
		return p
	}
	for i := range 3 {
		replicas = append(replicas, live(i))
	}

	// The receiver: what is not acknowledged is sent again, as GitHub's
	// redelivery would be. It goes on until everything was killed once.
	var published sync.WaitGroup
	killed := make(chan struct{})
	want := map[int]int{} // pull request → its newest delivery
	total, failed, stalls := 0, 0, time.Duration(0)
	published.Go(func() {
		for n := 1; ; n++ {
			select {
			case <-killed:
				if n > deliveries {
					return
				}
			case <-time.After(5 * time.Millisecond): // the pace of the load
			}
			j := job(fmt.Sprintf("d-%d", n), 1+n%pulls)
			for {
				began := time.Now()
				_, err := q.Enqueue(t.Context(), j)
				stalls = max(stalls, time.Since(began))
				if err == nil {
					break
				}
				if t.Context().Err() != nil {
					return
				}
				failed++
			}
			total, want[j.Number] = n, n
		}
	})
	note := func(line string) {
		f, err := os.OpenFile(ledger, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		fmt.Fprintln(f, line)
	}
	began := func() int { return strings.Count(readLedger(t, ledger), "begin ") }
	for i := range 3 {
		// Each is killed while work is being done.
		mark := began()
		patiently(t, "work goes on", func() bool { return began() > mark+20 })
		var spec replicaSpec
		_ = json.Unmarshal([]byte(replicas[i].spec), &spec)
		replicas[i].kill(t)
		note("killed " + spec.Name + " 0 -")
		servers[i].kill(t)
		servers[i].start(t)
		replicas[i] = live(i)
	}
	mark := began()
	patiently(t, "work goes on", func() bool { return began() > mark+20 })
	close(killed)
	published.Wait()
	patiently(t, "the queue is empty", func() bool {
		s, err := q.Stats(t.Context())
		return err == nil && s.Queued == 0
	})
	for _, p := range append(servers, replicas...) {
		defer p.kill(t)
	}
	account(t, readLedger(t, ledger), total, want)
	t.Logf("%d deliveries on %d pull requests; %d publishes sent again, the longest took %s", total, pulls, failed, stalls.Round(100*time.Millisecond))
}

// patiently is eventually for elections on a busy machine.
func patiently(t *testing.T, what string, ok func() bool) {
	t.Helper()
	end := time.Now().Add(3 * time.Minute)
	for !ok() {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
		wait(t.Context(), 20*time.Millisecond)
	}
}

func readLedger(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// replicaWorkers is how many jobs a replica works at.
const replicaWorkers = 4

// account holds the ledger against what was acknowledged: of every pull request
// the newest delivery came to its end, none was written to while another replica
// had it, and none came to its end twice but what the three that were killed had
// ended and not yet noted.
func account(t *testing.T, ledger string, total int, want map[int]int) {
	t.Helper()
	newest := map[int]int{} // pull request → its highest delivery that ended
	ended := map[string]int{}
	at := map[int]string{} // pull request → the replica that is at it
	lost, overlaps, twice, beside := 0, 0, 0, 0
	for line := range strings.Lines(ledger) {
		w := strings.Fields(line)
		if len(w) != 4 {
			continue // cut off by a kill
		}
		number, _ := strconv.Atoi(w[2])
		n, _ := strconv.Atoi(strings.TrimPrefix(w[3], "d-"))
		switch w[0] {
		case "begin":
			// A replica that a busy machine held up for longer than its lease
			// loses the pull request to another, and learns it when it asks
			// before it writes.
			if holder := at[number]; holder != "" && holder != w[1] {
				beside++
			}
			at[number] = w[1]
		case "end", "refused":
			if holder := at[number]; w[0] == "end" && holder != "" && holder != w[1] {
				overlaps++ // it wrote although another had it
			}
			if at[number] == w[1] {
				delete(at, number)
			}
			if w[0] == "end" {
				if ended[w[3]]++; ended[w[3]] > 1 {
					twice++
				}
				newest[number] = max(newest[number], n)
			}
		case "killed":
			for p, who := range at {
				if who == w[1] {
					delete(at, p)
				}
			}
		}
	}
	for p, n := range want {
		if newest[p] != n {
			lost++
			t.Errorf("pull request %d: the newest delivery that ended is %d, want %d", p, newest[p], n)
		}
	}
	if overlaps > 0 || twice > 3*replicaWorkers {
		t.Errorf("%d overlaps, %d deliveries ended twice", overlaps, twice)
	}
	t.Logf("%d ended, %d superseded by a newer one, %d lost, %d written over another's hold, %d begun beside one that was held up, %d ended twice (killed between the end and its note)",
		len(ended), total-len(ended), lost, overlaps, beside, twice)
}
