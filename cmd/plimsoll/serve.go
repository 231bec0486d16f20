package main

import (
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plimsoll-iac/plimsoll/internal/config"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/sandbox"
	"github.com/plimsoll-iac/plimsoll/internal/server"
)

func newServeCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the GitHub App: webhook receiver, workers and web pages",
		Long: `Runs the GitHub App until it is asked to stop (SIGTERM). Settings are environment variables
(PLIMSOLL_GITHUB_APP_ID, …), each also a key of the file that --config names (github.app_id, …); a variable wins.
Secrets can be read from files: PLIMSOLL_GITHUB_PRIVATE_KEY_FILE, PLIMSOLL_GITHUB_WEBHOOK_SECRET_FILE.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(os.LookupEnv, file)
			if err != nil {
				return err
			}
			pool := sandbox.New(sandbox.Options{Children: cfg.Workers, Warm: min(cfg.Workers, 4)})
			defer pool.Close()
			opt, err := newOptions(rule.Load, nil, pool)
			if err != nil {
				return err
			}
			log := newLogger(cmd.ErrOrStderr(), cfg.Log)
			parts := server.Parts{Version: version, Review: opt, Log: log}
			if cfg.Setup {
				ready, err := server.Setup(cmd.Context(), cfg, parts)
				if err != nil || !ready {
					return err
				}
				if cfg, err = config.Load(os.LookupEnv, file); err != nil {
					return err
				}
			}
			tellConfinement(log, pool)
			parts.Open = newOpenTrees(cfg.GitHub)
			return server.Run(cmd.Context(), cfg, parts)
		},
	}
	cmd.Flags().StringVar(&file, "config", "", "YAML file with settings")
	return cmd
}

// tellConfinement says what holds the readers of hostile input on this system.
func tellConfinement(log *slog.Logger, pool *sandbox.Pool) {
	held, err := pool.Confinement()
	switch {
	case err != nil:
		log.Error("charts, overlays and Terraform will not be evaluated", "error", err)
	case !strings.Contains(held, "seccomp"):
		log.Warn("readers run in child processes without a system call filter, which this system does not have", "held_by", held)
	default:
		log.Debug("readers run in confined child processes", "held_by", held)
	}
}

// newLogger logs as the settings say.
func newLogger(w io.Writer, c config.Log) *slog.Logger {
	opts := &slog.HandlerOptions{Level: c.Level}
	if c.Format == "text" {
		return slog.New(slog.NewTextHandler(w, opts))
	}
	return slog.New(slog.NewJSONHandler(w, opts))
}
