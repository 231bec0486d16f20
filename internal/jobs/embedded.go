package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// startTimeout bounds how long the server inside the process may take to read
// its store, and how long to wait for another process to leave it.
const startTimeout = 30 * time.Second

var errLocked = errors.New("locked by another process")

// embedded is a NATS server inside the process: no port, no signal handlers,
// every write synced to disk before it is acknowledged.
type embedded struct {
	srv  *server.Server
	lock *os.File
}

func startEmbedded(ctx context.Context, dir string, maxStore int64, log *slog.Logger) (_ *embedded, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the queue's folder: %w", err)
	}
	lock, err := lockFolder(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = lock.Close()
		}
	}()
	srv, err := server.NewServer(&server.Options{
		ServerName:         "plimsoll",
		DontListen:         true,
		NoSigs:             true,
		NoLog:              true,
		JetStream:          true,
		StoreDir:           dir,
		SyncAlways:         true,
		JetStreamMaxStore:  maxStore,
		JetStreamMaxMemory: maxLeaseBytes * 2,
	})
	if err != nil {
		return nil, fmt.Errorf("set up the queue's server: %w", err)
	}
	srv.SetLoggerV2(&serverLog{log: log}, false, false, false)
	srv.Start()
	if !srv.ReadyForConnections(startTimeout) || !srv.JetStreamEnabled() {
		srv.Shutdown()
		srv.WaitForShutdown()
		return nil, fmt.Errorf("start the queue's server: its store in %s cannot be used", dir)
	}
	return &embedded{srv: srv, lock: lock}, nil
}

// lockFolder makes sure that no other process has the store open: two servers
// on one store would destroy it. A process that is on its way out is waited for.
func lockFolder(ctx context.Context, dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the queue's lock: %w", err)
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	give := time.NewTimer(startTimeout)
	defer give.Stop()
	for {
		err := tryLock(f)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, errLocked) {
			_ = f.Close()
			return nil, fmt.Errorf("lock the queue's folder %s: %w", dir, err)
		}
		select {
		case <-tick.C:
			continue
		case <-ctx.Done():
		case <-give.C:
		}
		_ = f.Close()
		return nil, fmt.Errorf("the queue's folder %s is in use by another process; give each its own, or use a NATS cluster", dir)
	}
}

func (e *embedded) connect() (*nats.Conn, error) {
	nc, err := nats.Connect("", nats.InProcessServer(e.srv), nats.MaxReconnects(-1), nats.Name("plimsoll"))
	if err != nil {
		return nil, fmt.Errorf("connect to the queue's server: %w", err)
	}
	return nc, nil
}

func (e *embedded) stop() {
	e.srv.Shutdown()
	e.srv.WaitForShutdown()
	_ = e.lock.Close() // gives the lock back
}

// serverLog passes the server's messages on. What it calls notices is detail to
// us.
type serverLog struct{ log *slog.Logger }

func (l *serverLog) say(level slog.Level, format string, v []any) {
	if l.log.Enabled(context.Background(), level) {
		l.log.Log(context.Background(), level, "queue server: "+cut(fmt.Sprintf(format, v...)))
	}
}

func (l *serverLog) Noticef(format string, v ...any) { l.say(slog.LevelDebug, format, v) }
func (l *serverLog) Debugf(format string, v ...any)  { l.say(slog.LevelDebug, format, v) }
func (l *serverLog) Tracef(format string, v ...any)  { l.say(slog.LevelDebug, format, v) }
func (l *serverLog) Warnf(format string, v ...any)   { l.say(slog.LevelWarn, format, v) }
func (l *serverLog) Errorf(format string, v ...any)  { l.say(slog.LevelError, format, v) }
func (l *serverLog) Fatalf(format string, v ...any)  { l.say(slog.LevelError, format, v) }
