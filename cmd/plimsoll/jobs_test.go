package main

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/jobs"
)

type failing chan struct{}

func (f failing) Handle(context.Context, jobs.Job) error { return errors.New("no such luck") }
func (f failing) GiveUp(context.Context, jobs.Job, error) {
	close(f)
}

func TestJobsOfAFolder(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PLIMSOLL_DATA_DIR", dir)
	if code, _, stderr := plimsoll(t, "jobs", "list"); code != 2 || !strings.Contains(stderr, "PLIMSOLL_DATA_DIR: there is no queue") {
		t.Errorf("status %d: %s", code, stderr)
	}
	giveUpOne(t, dir)
	code, stdout, stderr := plimsoll(t, "jobs", "list")
	if code != 0 || !strings.Contains(stdout, "acme/shop#7") || !strings.Contains(stdout, "no such luck") {
		t.Fatalf("status %d: %s%s", code, stdout, stderr)
	}
	_, stdout, _ = plimsoll(t, "jobs", "list", "--format", "json")
	var rows []struct {
		ID       uint64
		Delivery string
	}
	if err := json.Unmarshal([]byte(stdout), &rows); err != nil || len(rows) != 1 || rows[0].Delivery != "d-1" {
		t.Fatalf("%v: %s", err, stdout)
	}
	if code, _, stderr := plimsoll(t, "jobs", "drop", "99"); code != 2 || !strings.Contains(stderr, "job 99: no such job") {
		t.Errorf("status %d: %s", code, stderr)
	}
	if code, stdout, stderr := plimsoll(t, "jobs", "retry", "--all"); code != 0 || !strings.Contains(stdout, "acme/shop#7 is enqueued again") {
		t.Errorf("status %d: %s%s", code, stdout, stderr)
	}
	if _, stdout, _ := plimsoll(t, "jobs", "list"); stdout != "No job was given up.\n" {
		t.Errorf("then %s", stdout)
	}
	q, err := jobs.Open(t.Context(), jobs.Options{Dir: filepath.Join(dir, "queue")})
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	if s, err := q.Stats(t.Context()); err != nil || s.Queued != 1 {
		t.Errorf("stats %+v, %v", s, err)
	}
}

// giveUpOne leaves one job that was given up in the folder's queue.
func giveUpOne(t *testing.T, dir string) {
	t.Helper()
	q, err := jobs.Open(t.Context(), jobs.Options{Dir: filepath.Join(dir, "queue"), MaxTries: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	if _, err := q.Enqueue(t.Context(), jobs.Job{Delivery: "d-1", Event: "pull_request", RepositoryID: 9, Owner: "acme", Repo: "shop", Number: 7}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	f := make(failing)
	go func() {
		<-f
		cancel()
	}()
	if err := q.Run(ctx, 1, f); err != nil {
		t.Fatal(err)
	}
}
