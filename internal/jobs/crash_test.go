package jobs

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// childDir, set in the environment, makes the test binary a process that is
// going to be killed.
const childDir = "PLIMSOLL_TEST_QUEUE_DIR"

func TestMain(m *testing.M) {
	if spec := os.Getenv(childServer); spec != "" {
		childRan(serveNATS(spec))
		return
	}
	if spec := os.Getenv(childReplica); spec != "" {
		childRan(replica(spec))
		return
	}
	if dir := os.Getenv(childDir); dir != "" {
		childRan(child(dir))
		return
	}
	os.Exit(m.Run())
}

func childRan(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// child enqueues without end and says of each job when it is stored. Jobs whose
// number is divisible by three are handled, and named; the others are taken, one
// at a time, and never finished.
func child(dir string) error {
	ctx := context.Background()
	q, err := Open(ctx, Options{Dir: dir})
	if err != nil {
		return err
	}
	var mu sync.Mutex
	say := func(what, delivery string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Println(what, delivery)
	}
	go func() {
		_ = q.Run(ctx, 4, handlerFunc(func(ctx context.Context, j Job) error {
			if j.Number%3 == 0 {
				say("handled", j.Delivery)
				return nil
			}
			say("started", j.Delivery)
			<-ctx.Done()
			return ctx.Err()
		}))
	}()
	for i := 1; ; i++ {
		j := job(fmt.Sprintf("d-%d", i), i)
		if _, err := q.Enqueue(ctx, j); err != nil {
			return err
		}
		say("stored", j.Delivery)
	}
}

// runAndKill runs the child on dir until it has stored enough and started
// something, kills it as kill -9 does, and gives what it said.
func runAndKill(t *testing.T, dir string) map[string]map[string]bool {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := map[string]map[string]bool{"stored": {}, "started": {}, "handled": {}}
	read := func(line string) {
		if what, delivery, ok := strings.Cut(line, " "); ok && said[what] != nil {
			said[what][delivery] = true
		}
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		read(lines.Text())
		if len(said["stored"]) >= 300 && len(said["started"]) > 0 {
			break
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	// What it had said before it died counts too; a last line cut in two does not.
	rest, _ := io.ReadAll(out)
	if i := strings.LastIndexByte(string(rest), '\n'); i >= 0 {
		for line := range strings.SplitSeq(string(rest[:i]), "\n") {
			read(line)
		}
	}
	_ = cmd.Wait()
	if len(said["stored"]) < 300 || len(said["started"]) == 0 {
		t.Fatalf("the child stored %d and started %d before it ended", len(said["stored"]), len(said["started"]))
	}
	return said
}

func TestNothingStoredIsLostWhenTheProcessIsKilled(t *testing.T) {
	dir := t.TempDir()
	said := runAndKill(t, dir)
	q := open(t, Options{Dir: dir})
	var mu sync.Mutex
	attempts := make(map[string]int)
	work(t, q, 4, handlerFunc(func(_ context.Context, j Job) error {
		mu.Lock()
		defer mu.Unlock()
		attempts[j.Delivery] = j.Attempt
		return nil
	}))
	eventually(t, "the queue is empty", empty(t, q))
	mu.Lock()
	defer mu.Unlock()
	for d := range said["stored"] {
		if !said["handled"][d] && attempts[d] == 0 {
			t.Errorf("%s was stored and is lost", d)
		}
	}
	for d := range said["started"] {
		if attempts[d] != 2 {
			t.Errorf("%s was started before; its try is counted as number %d", d, attempts[d])
		}
	}
}
