// Command plimsoll reviews infrastructure code in pull requests for Kubernetes
// security: as a GitHub App (serve), on a local repository (review, scan), and
// as a demonstration that needs neither (demo).
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	// Roots of trust for an image that has none; the system's come first.
	_ "golang.org/x/crypto/x509roots/fallback"

	"github.com/plimsoll-iac/plimsoll/internal/sandbox"
)

func main() {
	if sandbox.IsChild() { // before anything is read
		os.Exit(readApart())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// Exit statuses, as the contract gives them.
const (
	exitClean    = 0
	exitFindings = 1
	exitFailed   = 2
)

// errFindings ends a command that ran well and found something at or above the
// threshold; nothing more is to be said.
var errFindings = errors.New("findings at or above the threshold")

// run carries out one command line and gives its exit status. What could not
// run is one line on stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return exitClean
	case errors.Is(err, errFindings):
		return exitFindings
	}
	line := strings.Join(strings.Fields(strings.ReplaceAll(err.Error(), "\n", "; ")), " ")
	fmt.Fprintln(stderr, "plimsoll: "+line)
	return exitFailed
}

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "plimsoll",
		Short: "Reviews infrastructure code in pull requests for Kubernetes security",
		Long: `Plimsoll reads what a change does to the infrastructure and says, before the merge,
whether the cluster would still float: as a GitHub App, or here, on a local repository.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("unknown command %q; plimsoll --help lists them", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(newServeCommand(), newReviewCommand(), newScanCommand(), newRulesCommand(), newDemoCommand(), newJobsCommand(), newConfigCommand(), newReplayCommand(), newVersionCommand())
	return root
}
