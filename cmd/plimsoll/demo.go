package main

import (
	"context"
	"crypto/rand"
	_ "embed"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime"
	"sync/atomic"

	"github.com/spf13/cobra"

	"github.com/plimsoll-iac/plimsoll/internal/config"
	"github.com/plimsoll-iac/plimsoll/internal/githubsim"
	"github.com/plimsoll-iac/plimsoll/internal/githubsim/pages"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/sandbox"
	"github.com/plimsoll-iac/plimsoll/internal/server"
)

//go:embed sample/pull-request.txtar
var samplePull []byte

func newDemoCommand() *cobra.Command {
	var listen, level string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run the whole App against a simulated GitHub, with a sample pull request",
		Long: `Runs the whole App against a simulated GitHub in the same process: webhooks, the durable queue,
the API and git are real, GitHub is not. A local page shows the sample pull request with its review;
what you do there goes the way that it goes on GitHub. Nothing leaves this machine.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var l slog.Level
			if err := l.UnmarshalText([]byte(level)); err != nil {
				return fmt.Errorf("--log-level: %w", err)
			}
			log := newLogger(cmd.ErrOrStderr(), config.Log{Level: l, Format: "text"})
			return runDemo(cmd.Context(), listen, log, func(url string) {
				fmt.Fprintf(cmd.OutOrStdout(), "The pull request: %s\nStop with Ctrl-C.\n", url)
			})
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8090", "loopback address of the page")
	cmd.Flags().StringVar(&level, "log-level", "warn", "debug, info, warn or error")
	return cmd
}

// runDemo runs the App against a simulated GitHub until ctx ends. ready is told
// where the pull request can be seen, once its review is under way.
func runDemo(ctx context.Context, listen string, log *slog.Logger, ready func(url string)) error {
	if err := loopback(listen); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d, err := startDemo(ctx, listen, log)
	if err != nil {
		return err
	}
	defer d.close()
	if err := d.open(); err != nil {
		return err
	}
	ready(d.url())
	return <-d.ended
}

// demo is the App beside the simulated GitHub that it serves.
type demo struct {
	sim    *githubsim.Server
	app    *githubsim.App
	dir    string
	sample atomic.Pointer[githubsim.Sample] // set by open
	pool   *sandbox.Pool                    // nil before it is started
	ended  chan error                       // gets the server's error once it has stopped
}

// close stops the simulated GitHub; the App ends with its context.
func (d *demo) close() {
	_ = d.sim.Close()
	if d.pool != nil {
		d.pool.Close()
	}
	_ = os.RemoveAll(d.dir)
}

// url is where the sample pull request is seen.
func (d *demo) url() string {
	s := d.sample.Load()
	return fmt.Sprintf("%s/%s/pull/%d", d.sim.URL(), s.FullName, s.Number)
}

// startDemo starts both and installs the App. The App ends with ctx.
func startDemo(ctx context.Context, listen string, log *slog.Logger) (*demo, error) {
	d := &demo{ended: make(chan error, 1)}
	var err error
	d.sim, err = githubsim.New(githubsim.Options{
		Logger: log,
		SamplePush: func(githubsim.PullRequest) (githubsim.Push, bool) {
			if s := d.sample.Load(); s != nil {
				return s.FixPush()
			}
			return githubsim.Push{}, false
		},
	})
	if err != nil {
		return nil, err
	}
	if err := d.start(ctx, listen, log); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

func (d *demo) start(ctx context.Context, listen string, log *slog.Logger) error {
	var err error
	d.sim.SetPages(pages.New(d.sim))
	if err := d.sim.Start(listen); err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	permissions := githubsim.DefaultPermissions()
	permissions["contents"] = "write" // so that mended threads are resolved
	if d.app, err = d.sim.AddApp(githubsim.AppOptions{Permissions: permissions}); err != nil {
		return err
	}
	if d.dir, err = os.MkdirTemp("", "plimsoll-demo-"); err != nil {
		return err
	}
	cfg, err := demoSettings(ctx, d.sim, d.app, d.dir)
	if err != nil {
		return err
	}
	d.pool = sandbox.New(sandbox.Options{Warm: 1})
	opt, err := newOptions(rule.Load, nil, d.pool)
	if err != nil {
		return err
	}
	listening := make(chan struct{})
	go func() {
		d.ended <- server.Run(ctx, cfg, server.Parts{
			Version: version, Review: opt, Open: newOpenTrees(cfg.GitHub), Log: log, NoSweep: true,
			Listening: func(net.Addr) { close(listening) },
		})
	}()
	select {
	case err := <-d.ended:
		return err
	case <-listening:
	}
	if err := d.sim.SetWebhook(d.app.ID, "http://"+cfg.Listen+"/webhook", cfg.GitHub.WebhookSecret.Reveal()); err != nil {
		return err
	}
	d.sim.AddOrganization("harbour")
	d.sim.AddUser("mira")
	_, err = d.sim.Install(d.app.ID, "harbour", githubsim.InstallOptions{})
	return err
}

// open opens the sample pull request, which brings its review about.
func (d *demo) open() error {
	sample, err := d.sim.LoadTxtar(samplePull, githubsim.SampleOptions{
		Owner: "harbour", Name: "shop", Public: true, Branch: "profile-api", Author: "mira",
	})
	d.sample.Store(&sample)
	return err
}

// demoSettings are the server's settings against the simulated GitHub.
func demoSettings(ctx context.Context, sim *githubsim.Server, app *githubsim.App, dir string) (config.Server, error) {
	// The address must be known before the server starts, since its pages are
	// linked from the review.
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return config.Server{}, err
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		return config.Server{}, err
	}
	return config.Server{
		GitHub: config.GitHub{
			AppID: app.ID, PrivateKey: config.NewSecret(string(app.KeyPEM())), WebhookSecret: config.NewSecret(rand.Text()),
			URL: sim.URL(), APIURL: sim.APIURL(), GraphQLURL: sim.GraphQLURL(),
		},
		Listen: addr, PublicURL: "http://" + addr, DataDir: dir, Workers: runtime.NumCPU(),
	}, nil
}

// loopback refuses to show the demonstration to the network: its page lets
// everybody push.
func loopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("--listen: %s is not a loopback address; the demonstration is for this machine alone", addr)
}
