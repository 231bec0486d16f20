package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/plimsoll-iac/plimsoll/internal/config"
	"github.com/plimsoll-iac/plimsoll/internal/review"
	"github.com/plimsoll-iac/plimsoll/internal/reviewer"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/sandbox"
)

func clock() time.Time { return time.Now() }

// reportFlags are the flags that review and scan share.
type reportFlags struct {
	format, output, failOn string
	profiles, rules        []string
	fix, verbose           bool
}

func (f *reportFlags) add(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.format, "format", "text", "report format: text, json, sarif or markdown")
	fl.StringVarP(&f.output, "output", "o", "", "write the report to `FILE` instead of standard output")
	fl.StringVar(&f.failOn, "fail-on", "", "lowest severity of a new finding that fails: critical, high, medium, low or none (default high, or what .plimsoll.yml says)")
	fl.StringArrayVar(&f.profiles, "profile", nil, "rules to use: default, strict, reliability, style (repeatable; default what .plimsoll.yml says)")
	fl.StringArrayVar(&f.rules, "rules", nil, "folder of further rules (repeatable)")
	fl.BoolVar(&f.fix, "fix", false, "apply every proven fix to the working tree, then report what is left")
	fl.BoolVarP(&f.verbose, "verbose", "v", false, "list existing, suppressed and fixed findings too (text)")
}

// over gives the flags as the topmost layer of configuration.
func (f *reportFlags) over() (config.Repository, error) {
	var out config.Repository
	switch f.format {
	case "text", "json", "sarif", "markdown":
	default:
		return out, fmt.Errorf("--format: %q is not a format: use text, json, sarif or markdown", f.format)
	}
	if f.failOn != "" {
		s, err := rule.ParseSeverity(f.failOn)
		if err != nil {
			return out, fmt.Errorf("--fail-on: %w", err)
		}
		out.FailOn = s
	}
	for _, p := range f.profiles {
		if !rule.IsProfile(p) {
			return out, fmt.Errorf("--profile: %q is not a profile: use default, strict, reliability or style", p)
		}
	}
	out.Profile = f.profiles
	return out, nil
}

// collectRarely trades memory for time: a run that lasts a moment gains more
// from leaving garbage than from tidying it up. The limit holds for long runs.
func collectRarely() {
	debug.SetGCPercent(400)
	debug.SetMemoryLimit(1 << 30)
}

// options gives the options of a review under these flags.
func (f *reportFlags) options(cmd *cobra.Command) (reviewer.Options, func(), error) {
	over, err := f.over()
	if err != nil {
		return reviewer.Options{}, nil, err
	}
	collectRarely()
	pool := sandbox.New(sandbox.Options{})
	opt, err := newOptions(rule.LoadForReview, f.rules, pool)
	if err != nil {
		return reviewer.Options{}, nil, err
	}
	opt.Over, opt.NoComments = over, true
	show, stop := progressDisplay(cmd.ErrOrStderr())
	opt.Progress = show
	return opt, func() { stop(); pool.Close() }, nil
}

// fixes applies the proven fixes below root and says what it did on stderr.
func applyFixes(ctx context.Context, cmd *cobra.Command, s *reviewer.Session, root string) (int, error) {
	files, n, err := s.FixAll(ctx)
	if err != nil {
		return 0, err
	}
	dir, err := os.OpenRoot(root)
	if err != nil {
		return 0, fmt.Errorf("open the working tree: %w", err)
	}
	defer dir.Close()
	for name, data := range files {
		if err := replaceFile(dir, filepath.FromSlash(name), data); err != nil {
			return 0, fmt.Errorf("write %s: %w", name, err)
		}
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "applied fixes for %d %s in %d %s\n", n, words(n, "finding", "findings"), len(files), words(len(files), "file", "files"))
	return n, nil
}

// replaceFile writes a file of the working tree in place, keeping its mode.
func replaceFile(dir *os.Root, name string, data []byte) error {
	f, err := dir.OpenFile(name, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

func words(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// write renders the report and gives the error that the exit status follows
// from.
func (f *reportFlags) write(cmd *cobra.Command, r *review.Report) error {
	var buf bytes.Buffer
	var err error
	switch f.format {
	case "json":
		err = review.JSON(&buf, r)
	case "sarif":
		err = review.SARIF(&buf, r, version)
	case "markdown":
		err = review.Markdown(&buf, r)
	default:
		err = review.Text(&buf, r, review.TextOptions{Color: f.output == "" && colored(cmd.OutOrStdout()), Verbose: f.verbose})
	}
	if err != nil {
		return err
	}
	if f.output != "" {
		err = os.WriteFile(f.output, buf.Bytes(), 0o644)
	} else {
		_, err = buf.WriteTo(cmd.OutOrStdout())
	}
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if c := r.Policy.ConfigError; c != nil {
		return fmt.Errorf("%s", c)
	}
	if review.Conclude(r) == review.Failure {
		return errFindings
	}
	return nil
}

func colored(w io.Writer) bool {
	if os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	return isTerminal(w)
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// progressDisplay shows one line on a terminal once a run takes longer than a
// person likes to wait without a word; elsewhere nothing.
func progressDisplay(w io.Writer) (show func(phase string, done, total int), stop func()) {
	if !isTerminal(w) {
		return nil, func() {}
	}
	start, last, drawn := time.Now(), time.Time{}, false
	show = func(phase string, done, total int) {
		now := time.Now()
		if now.Sub(start) < 400*time.Millisecond || now.Sub(last) < 80*time.Millisecond {
			return
		}
		last, drawn = now, true
		if total > 0 {
			fmt.Fprintf(w, "\r\x1b[K%s %d/%d", phase, done, total)
		} else {
			fmt.Fprintf(w, "\r\x1b[K%s …", phase)
		}
	}
	return show, func() {
		if drawn {
			fmt.Fprint(w, "\r\x1b[K")
		}
	}
}
