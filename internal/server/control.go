package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/jobs"
)

// controlSocket is the socket in the data folder by which commands on the same
// machine reach the process that has the queue open. The folder's mode says who
// may.
const controlSocket = "control.sock"

// Dead are the jobs that were given up; *jobs.Queue, and Control from another
// process.
type Dead interface {
	Given(ctx context.Context) ([]jobs.Dead, error)
	Retry(ctx context.Context, id uint64) (jobs.Job, error)
	Drop(ctx context.Context, id uint64) error
}

// serveControl answers on the control socket until stop is called. A folder
// that takes no socket costs the commands, not the server.
func serveControl(ctx context.Context, dataDir string, dead Dead, log *slog.Logger) (stop func()) {
	path := filepath.Join(dataDir, controlSocket)
	// The queue's lock says that no other process serves this folder, so what is
	// there was left behind.
	_ = os.Remove(path)
	ln, err := (&net.ListenConfig{}).Listen(ctx, "unix", path)
	if err == nil {
		err = os.Chmod(path, 0o600)
	}
	if err != nil {
		log.WarnContext(ctx, "the jobs commands cannot reach this process", "error", err)
		if ln != nil {
			_ = ln.Close()
		}
		return func() {}
	}
	srv := httpServer(controlHandler(dead), log)
	go func() { _ = srv.Serve(ln) }()
	return func() {
		_ = srv.Close()
		_ = os.Remove(path)
	}
}

func controlHandler(dead Dead) http.Handler {
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, v any, err error) {
		switch {
		case errors.Is(err, jobs.ErrNoJob):
			http.Error(w, err.Error(), http.StatusNotFound)
		case err != nil:
			http.Error(w, err.Error(), http.StatusInternalServerError)
		default:
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(v)
		}
	}
	mux.HandleFunc("GET /jobs", func(w http.ResponseWriter, r *http.Request) {
		list, err := dead.Given(r.Context())
		answer(w, list, err)
	})
	numbered := func(do func(ctx context.Context, id uint64) (jobs.Job, error)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			id, err := strconv.ParseUint(r.PathValue("id"), 10, 64)
			if err != nil {
				answer(w, nil, jobs.ErrNoJob)
				return
			}
			j, err := do(r.Context(), id)
			answer(w, j, err)
		}
	}
	mux.HandleFunc("POST /jobs/{id}/retry", numbered(dead.Retry))
	mux.HandleFunc("DELETE /jobs/{id}", numbered(func(ctx context.Context, id uint64) (jobs.Job, error) {
		return jobs.Job{}, dead.Drop(ctx, id)
	}))
	return mux
}

// ErrNoControl says that no server runs on the data folder.
var ErrNoControl = errors.New("no plimsoll serve runs on this data folder")

// Control reaches the jobs of the process that serves a data folder.
type Control struct{ client *http.Client }

// NewControl gives a Control for the folder. ErrNoControl when nobody serves it.
func NewControl(ctx context.Context, dataDir string) (*Control, error) {
	path := filepath.Join(dataDir, controlSocket)
	dial := func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{Timeout: 2 * time.Second}).DialContext(ctx, "unix", path)
	}
	conn, err := dial(ctx)
	if errors.Is(err, os.ErrPermission) {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err != nil {
		return nil, ErrNoControl
	}
	_ = conn.Close()
	return &Control{client: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
	}}}, nil
}

// Given implements Dead.
func (c *Control) Given(ctx context.Context) (out []jobs.Dead, err error) {
	err = c.do(ctx, http.MethodGet, "/jobs", &out)
	return out, err
}

// Retry implements Dead.
func (c *Control) Retry(ctx context.Context, id uint64) (j jobs.Job, err error) {
	err = c.do(ctx, http.MethodPost, fmt.Sprintf("/jobs/%d/retry", id), &j)
	return j, err
}

// Drop implements Dead.
func (c *Control) Drop(ctx context.Context, id uint64) error {
	return c.do(ctx, http.MethodDelete, fmt.Sprintf("/jobs/%d", id), &jobs.Job{})
}

func (c *Control) do(ctx context.Context, method, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, "http://control"+path, nil)
	if err != nil {
		return err
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return fmt.Errorf("ask the running server: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	switch {
	case err != nil:
		return fmt.Errorf("ask the running server: %w", err)
	case resp.StatusCode == http.StatusNotFound:
		return jobs.ErrNoJob
	case resp.StatusCode != http.StatusOK:
		return errors.New(strings.TrimSpace(clip(string(body), 500)))
	}
	return json.Unmarshal(body, into)
}

// DeadJobs gives the jobs that were given up in a queue: of the process that
// serves the data folder, of the folder where none does, or of the cluster.
func DeadJobs(ctx context.Context, q QueueSettings, log *slog.Logger) (dead Dead, closeQueue func(), err error) {
	if !q.NATS.URL.IsSet() {
		c, err := NewControl(ctx, q.DataDir)
		if err == nil {
			return c, func() {}, nil
		}
		if !errors.Is(err, ErrNoControl) {
			return nil, nil, err
		}
		if _, err := os.Stat(filepath.Join(q.DataDir, "queue")); err != nil {
			return nil, nil, fmt.Errorf("PLIMSOLL_DATA_DIR: there is no queue in %s", q.DataDir)
		}
	}
	queue, err := openQueue(ctx, q, log)
	if err != nil {
		return nil, nil, err
	}
	return queue, queue.Close, nil
}
