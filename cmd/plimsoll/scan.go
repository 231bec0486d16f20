package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plimsoll-iac/plimsoll/internal/gitrepo"
	"github.com/plimsoll-iac/plimsoll/internal/reviewer"
)

func newScanCommand() *cobra.Command {
	var flags reportFlags
	cmd := &cobra.Command{
		Use:     "scan PATH...",
		Short:   "Judge every resource below the paths, changed or not",
		Example: "  plimsoll scan .\n  plimsoll scan deploy/ infra/main.tf --format json",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("scan needs at least one path, such as .")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return runScan(cmd, &flags, args) },
	}
	flags.add(cmd)
	return cmd
}

func runScan(cmd *cobra.Command, flags *reportFlags, args []string) error {
	ctx := cmd.Context()
	opt, stop, err := flags.options(cmd)
	if err != nil {
		return err
	}
	defer stop()
	root, paths, err := scanRoot(args)
	if err != nil {
		return err
	}
	tree, err := gitrepo.Dir(root)
	if err != nil {
		return err
	}
	s, err := reviewer.Scan(ctx, opt, tree, paths)
	if err != nil {
		return err
	}
	if flags.fix {
		n, err := applyFixes(ctx, cmd, s, root)
		if err != nil {
			return err
		}
		if n > 0 {
			if s, err = reviewer.Scan(ctx, opt, tree, paths); err != nil {
				return err
			}
		}
	}
	stop()
	return flags.write(cmd, s.Report)
}

// scanRoot gives the folder that file names in the report are relative to, and
// the paths below it, slash-separated. The root is that of the git repository
// around the first path; outside of any, the present folder for relative paths
// below it, else the one folder that holds all paths.
func scanRoot(args []string) (root string, paths []string, err error) {
	abs := make([]string, len(args))
	below := true
	for i, a := range args {
		if abs[i], err = filepath.Abs(a); err != nil {
			return "", nil, err
		}
		if _, err := os.Stat(abs[i]); err != nil {
			return "", nil, fmt.Errorf("scan: %w", err)
		}
		if abs[i], err = filepath.EvalSymlinks(abs[i]); err != nil {
			return "", nil, err
		}
		below = below && !filepath.IsAbs(a) && filepath.IsLocal(a)
	}
	switch repo := repositoryAbove(abs[0]); {
	case repo != "":
		root = repo
	case below:
		if root, err = filepath.Abs("."); err == nil {
			root, err = filepath.EvalSymlinks(root)
		}
		if err != nil {
			return "", nil, err
		}
	default:
		root = folderOf(abs[0])
		for _, p := range abs[1:] {
			for !within(root, p) {
				root = filepath.Dir(root)
			}
		}
	}
	for i, p := range abs {
		rel, err := filepath.Rel(root, p)
		if err != nil || !within(root, p) {
			return "", nil, fmt.Errorf("scan: %s lies outside of %s; scan one repository at a time", args[i], root)
		}
		paths = append(paths, filepath.ToSlash(rel))
	}
	return root, paths, nil
}

func within(root, p string) bool {
	rel, err := filepath.Rel(root, p)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

func folderOf(p string) string {
	if info, err := os.Stat(p); err == nil && info.IsDir() {
		return p
	}
	return filepath.Dir(p)
}

func repositoryAbove(p string) string {
	for dir := folderOf(p); ; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
}
