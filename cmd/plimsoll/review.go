package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/plimsoll-iac/plimsoll/internal/gitrepo"
	"github.com/plimsoll-iac/plimsoll/internal/reviewer"
)

func newReviewCommand() *cobra.Command {
	var flags reportFlags
	var base, head string
	cmd := &cobra.Command{
		Use:   "review [DIR] --base REV [--head REV]",
		Short: "Review the change between two revisions of a local git repository",
		Long: `Reviews the change between two revisions as the App would review the pull request.
Without --head the working tree is reviewed, uncommitted and untracked files included.
The comparison starts at the merge base of the two.`,
		Example: "  plimsoll review --base main\n  plimsoll review --base main --head my-branch --format sarif -o plimsoll.sarif",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			switch {
			case base == "":
				return errors.New("--base is needed: the revision to compare with, such as main")
			case flags.fix && head != "":
				return errors.New("--fix changes the working tree: leave --head out")
			}
			return runReview(cmd, &flags, dir, base, head)
		},
	}
	flags.add(cmd)
	cmd.Flags().StringVar(&base, "base", "", "revision to compare with")
	cmd.Flags().StringVar(&head, "head", "", "revision to review (default the working tree)")
	return cmd
}

func runReview(cmd *cobra.Command, flags *reportFlags, dir, base, head string) error {
	ctx := cmd.Context()
	opt, stop, err := flags.options(cmd)
	if err != nil {
		return err
	}
	defer stop()
	repo, err := gitrepo.OpenLocal(dir)
	if err != nil {
		return err
	}
	once := func() (*reviewer.Session, *gitrepo.Trees, error) {
		trees, err := repo.Compare(ctx, base, head)
		if err != nil {
			return nil, nil, err
		}
		s, err := reviewer.NewReview(ctx, opt, trees)
		if err != nil {
			return nil, nil, err
		}
		s.Report.Base, s.Report.Head = trees.BaseSHA(), trees.HeadSHA()
		return s, trees, nil
	}
	s, trees, err := once()
	if err != nil {
		return err
	}
	if flags.fix {
		n, err := applyFixes(ctx, cmd, s, trees.Root())
		if err != nil {
			return err
		}
		if n > 0 {
			if s, _, err = once(); err != nil {
				return err
			}
		}
	}
	stop()
	return flags.write(cmd, s.Report)
}
