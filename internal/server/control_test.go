package server

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/jobs"
)

type graves map[uint64]jobs.Dead

func (g graves) Given(context.Context) ([]jobs.Dead, error) {
	var out []jobs.Dead
	for _, d := range g {
		out = append(out, d)
	}
	return out, nil
}

func (g graves) Retry(ctx context.Context, id uint64) (jobs.Job, error) {
	j := g[id].Job
	return j, g.Drop(ctx, id)
}

func (g graves) Drop(_ context.Context, id uint64) error {
	if _, ok := g[id]; !ok {
		return jobs.ErrNoJob
	}
	delete(g, id)
	return nil
}

func TestControlReachesTheRunningServer(t *testing.T) {
	dir, err := os.MkdirTemp("", "c") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if _, err := NewControl(t.Context(), dir); !errors.Is(err, ErrNoControl) {
		t.Errorf("without a server: %v", err)
	}
	at := time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)
	g := graves{3: {ID: 3, At: at, Cause: "why", Job: jobs.Job{Number: 7}}, 4: {ID: 4}}
	stop := serveControl(t.Context(), dir, g, slog.New(slog.DiscardHandler))
	info, err := os.Stat(filepath.Join(dir, controlSocket))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("socket %v, %v", info, err)
	}
	c, err := NewControl(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if list, err := c.Given(t.Context()); err != nil || len(list) != 2 {
		t.Errorf("list %+v, %v", list, err)
	}
	if j, err := c.Retry(t.Context(), 3); err != nil || j.Number != 7 {
		t.Errorf("retry %+v, %v", j, err)
	}
	if err := c.Drop(t.Context(), 4); err != nil {
		t.Error(err)
	}
	if err := c.Drop(t.Context(), 4); !errors.Is(err, jobs.ErrNoJob) {
		t.Errorf("dropped twice: %v", err)
	}
	stop()
	if _, err := NewControl(t.Context(), dir); !errors.Is(err, ErrNoControl) {
		t.Errorf("after the server: %v", err)
	}
}
