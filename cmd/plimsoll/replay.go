package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/plimsoll-iac/plimsoll/internal/config"
	"github.com/plimsoll-iac/plimsoll/internal/engine"
	"github.com/plimsoll-iac/plimsoll/internal/review"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/sandbox"
	"github.com/plimsoll-iac/plimsoll/internal/server"
)

func newReplayCommand() *cobra.Command {
	var since, format, file string
	var most int
	cmd := &cobra.Command{
		Use:   "replay OWNER/REPO",
		Short: "Show what would have been said of the pull requests that were merged",
		Long: `Reviews the last merged pull requests of a repository as the App would have, with the configuration that their base
had, and writes nothing to GitHub. The settings are those of plimsoll serve; the App must be installed on the repository.`,
		Example: "  plimsoll replay --since 30d acme/shop",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			owner, repo, ok := strings.Cut(args[0], "/")
			age, err := parseAge(since)
			switch {
			case !ok || owner == "" || repo == "" || strings.Contains(repo, "/"):
				return fmt.Errorf("%q is not owner/repo", args[0])
			case err != nil:
				return err
			case format != "text" && format != "json":
				return fmt.Errorf("--format: %q is not a format: use text or json", format)
			case most < 1:
				return errors.New("--limit: give a number above 0")
			}
			cfg, err := config.Load(os.LookupEnv, file)
			if err != nil {
				return err
			}
			if cfg.Setup {
				return errors.New("PLIMSOLL_GITHUB_APP_ID: not set; give the App's credentials")
			}
			pool := sandbox.New(sandbox.Options{})
			defer pool.Close()
			opt, err := newOptions(rule.LoadForReview, nil, pool)
			if err != nil {
				return err
			}
			log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelError}))
			parts := server.Parts{Version: version, Review: opt, Open: newOpenTrees(cfg.GitHub), Log: log}
			out := newReplayOutput(cmd, format)
			if err := server.Replay(cmd.Context(), cfg, parts, owner, repo, clock().Add(-age), most, out.add); err != nil {
				return err
			}
			return out.end()
		},
	}
	cmd.Flags().StringVar(&since, "since", "30d", "how far back: 30d, 2w, 48h")
	cmd.Flags().IntVar(&most, "limit", 100, "at most so many pull requests")
	cmd.Flags().StringVar(&format, "format", "text", "text or json")
	cmd.Flags().StringVar(&file, "config", "", "YAML file with the server's settings")
	return cmd
}

var agePattern = regexp.MustCompile(`^(\d{1,4})([hdw])$`)

func parseAge(s string) (time.Duration, error) {
	m := agePattern.FindStringSubmatch(s)
	if m == nil {
		return 0, fmt.Errorf("--since: %q is no age; give 30d, 2w or 48h", s)
	}
	n, _ := strconv.Atoi(m[1])
	unit := map[string]time.Duration{"h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}[m[2]]
	return time.Duration(n) * unit, nil
}

// replayOutput prints what was replayed, one pull request after the other, and
// sums it up.
type replayOutput struct {
	cmd    *cobra.Command
	format string
	rows   []replayRow
}

type replayRow struct {
	Number     int             `json:"pull_request"`
	Title      string          `json:"title"`
	Merged     time.Time       `json:"merged"`
	Conclusion string          `json:"conclusion"`
	Said       string          `json:"said"`
	Comments   int             `json:"comments"`
	Findings   []replayFinding `json:"new_findings"`
	Error      string          `json:"error,omitempty"`
}

type replayFinding struct {
	Rule     string `json:"rule"`
	Severity string `json:"severity"`
	Resource string `json:"resource"`
	File     string `json:"file"`
	Line     int    `json:"line"`
}

func newReplayOutput(cmd *cobra.Command, format string) *replayOutput {
	return &replayOutput{cmd: cmd, format: format, rows: []replayRow{}}
}

func (o *replayOutput) add(r server.Replayed) error {
	row := replayRow{Number: r.Pull.Number, Title: r.Pull.Title, Merged: r.Pull.Merged, Findings: []replayFinding{}}
	if r.Err != nil {
		row.Error = r.Err.Error()
	} else {
		row.Conclusion, row.Said, row.Comments = string(r.Review.Conclusion), r.Review.Title, len(r.Review.Comments)
		for _, f := range r.Report.Findings {
			if f.State == engine.New {
				row.Findings = append(row.Findings, replayFinding{f.Rule.ID, string(f.Severity), f.Resource.ID, f.Range.File, f.Range.Start.Line})
			}
		}
	}
	o.rows = append(o.rows, row)
	if o.format == "json" {
		return nil
	}
	w := tabwriter.NewWriter(o.cmd.OutOrStdout(), 0, 8, 2, ' ', 0)
	said := row.Said
	if row.Error != "" {
		said = "could not be reviewed: " + oneLine(row.Error)
	}
	fmt.Fprintf(w, "#%d\t%s\t%s\t%s\n", row.Number, row.Merged.UTC().Format(time.DateOnly), said, oneLine(row.Title))
	for _, f := range row.Findings {
		fmt.Fprintf(w, "\t%s\t%s\t%s:%d\n", f.Severity, f.Rule, f.File, f.Line)
	}
	return w.Flush()
}

// oneLine makes what a stranger wrote fit for a terminal.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if r := []rune(s); len(r) > 120 {
		s = string(r[:120]) + "…"
	}
	return s
}

func (o *replayOutput) end() error {
	if o.format == "json" {
		enc := json.NewEncoder(o.cmd.OutOrStdout())
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(o.rows)
	}
	failed, with, broken := 0, 0, 0
	for _, r := range o.rows {
		switch {
		case r.Error != "":
			broken++
		case r.Conclusion == string(review.Failure):
			failed++
		}
		if len(r.Findings) > 0 {
			with++
		}
	}
	text := fmt.Sprintf("%d merged %s: %d would have failed, %d with new findings", len(o.rows), words(len(o.rows), "pull request", "pull requests"), failed, with)
	if broken > 0 {
		text += fmt.Sprintf(", %d could not be reviewed", broken)
	}
	_, err := fmt.Fprintln(o.cmd.OutOrStdout(), text)
	return err
}
