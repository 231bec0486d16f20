package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/plimsoll-iac/plimsoll/internal/config"
	"github.com/plimsoll-iac/plimsoll/internal/reviewer"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
)

func newConfigCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "config", Short: "Show how a repository is judged, and the schema of .plimsoll.yml", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newExplainCommand(), &cobra.Command{
		Use: "schema", Short: "Print the JSON Schema of .plimsoll.yml", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			data, err := config.Schema()
			if err == nil {
				_, err = cmd.OutOrStdout().Write(data)
			}
			return err
		},
	})
	return cmd
}

func newExplainCommand() *cobra.Command {
	var defaults, organisation, format string
	cmd := &cobra.Command{
		Use:   "explain [DIR]",
		Short: "Show every setting that a repository is judged by, and where it comes from",
		Long: `Shows every setting with its value, the layer and line that it comes from, and the layer that has locked it.
The layers, lowest first: the program's defaults, the server's (--defaults, PLIMSOLL_DEFAULTS_FILE), the organisation's
(--organisation: the .plimsoll.yml of its .github repository), and the .plimsoll.yml of the repository in DIR.`,
		Example: "  plimsoll config explain --organisation ../.github/.plimsoll.yml",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if format != "text" && format != "json" {
				return fmt.Errorf("--format: %q is not a format: use text or json", format)
			}
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			if info, err := os.Stat(dir); err != nil || !info.IsDir() {
				return fmt.Errorf("%s is not a folder", dir)
			}
			opt, err := newOptions(rule.LoadForReview, nil, nil) // nothing is read but the configuration
			if err != nil {
				return err
			}
			catalogue, _ := rule.New(opt.Rules)
			for _, file := range []string{defaults, organisation} {
				if file == "" {
					continue
				}
				l, err := readLayer(cmd, file, catalogue)
				if err != nil {
					return err
				}
				opt.Layers = append(opt.Layers, l)
			}
			origins, ds, broken, err := reviewer.Explain(cmd.Context(), opt, os.DirFS(dir))
			if err != nil {
				return err
			}
			if broken != nil {
				return errors.New(broken.String())
			}
			for _, d := range ds {
				fmt.Fprintln(cmd.ErrOrStderr(), d.String())
			}
			return explainOrigins(cmd, origins, format)
		},
	}
	cmd.Flags().StringVar(&defaults, "defaults", os.Getenv("PLIMSOLL_DEFAULTS_FILE"), "the server's layer")
	cmd.Flags().StringVar(&organisation, "organisation", "", "the organisation's layer")
	cmd.Flags().StringVar(&format, "format", "text", "text or json")
	return cmd
}

func readLayer(cmd *cobra.Command, file string, catalogue *rule.Catalogue) (config.Layer, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return config.Layer{}, err
	}
	r, ds, err := config.ParseRepository(file, data, catalogue.Known)
	for _, d := range ds {
		fmt.Fprintln(cmd.ErrOrStderr(), d.String())
	}
	r.ExtraRules = nil // a repository's own to name
	return config.Layer{Name: file, Repository: r}, err
}

func explainOrigins(cmd *cobra.Command, origins []config.Origin, format string) error {
	place := func(o config.Origin) string {
		if o.Place.Start.Line > 0 {
			return fmt.Sprintf("%s:%d", o.Place.File, o.Place.Start.Line)
		}
		return o.Layer
	}
	if format == "json" {
		type row struct {
			Key      string `json:"key"`
			Value    string `json:"value"`
			From     string `json:"from"`
			LockedBy string `json:"locked_by,omitempty"`
		}
		rows := make([]row, len(origins))
		for i, o := range origins {
			rows[i] = row{o.Key, o.Value, place(o), o.Locked}
		}
		enc := json.NewEncoder(cmd.OutOrStdout())
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(rows)
	}
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 8, 2, ' ', 0)
	for _, o := range origins {
		lock := ""
		if o.Locked != "" {
			lock = "locked by " + o.Locked
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", o.Key, o.Value, place(o), lock)
	}
	return w.Flush()
}
