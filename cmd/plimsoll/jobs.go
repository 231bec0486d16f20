package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/plimsoll-iac/plimsoll/internal/config"
	"github.com/plimsoll-iac/plimsoll/internal/jobs"
	"github.com/plimsoll-iac/plimsoll/internal/server"
)

func newJobsCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "jobs",
		Short: "Show and handle the reviews that were given up",
		Long: `A review that keeps failing is given up after bounded tries: its check run is completed as neutral with the
cause, and its job is kept for 30 days. The settings of plimsoll serve say where the queue is: PLIMSOLL_DATA_DIR, or
PLIMSOLL_NATS_URL. On a data folder that a running server has open, that server is asked.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.PersistentFlags().StringVar(&file, "config", "", "YAML file with the server's settings")
	with := func(cmd *cobra.Command, do func(server.Dead) error) error {
		where, err := config.LoadQueue(os.LookupEnv, file)
		if err != nil {
			return err
		}
		log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn}))
		dead, closeQueue, err := server.DeadJobs(cmd.Context(), where, log)
		if err != nil {
			return err
		}
		defer closeQueue()
		return do(dead)
	}
	var format string
	list := &cobra.Command{
		Use: "list", Short: "List the jobs that were given up, the oldest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format != "text" && format != "json" {
				return fmt.Errorf("--format: %q is not a format: use text or json", format)
			}
			return with(cmd, func(d server.Dead) error { return listJobs(cmd, d, format) })
		},
	}
	list.Flags().StringVar(&format, "format", "text", "text or json")
	cmd.AddCommand(list,
		eachJob("retry", "Enqueue jobs that were given up once more", with, func(cmd *cobra.Command, d server.Dead, id uint64) error {
			j, err := d.Retry(cmd.Context(), id)
			if err == nil {
				fmt.Fprintf(cmd.OutOrStdout(), "%d: %s is enqueued again\n", id, about(j))
			}
			return err
		}),
		eachJob("drop", "Forget jobs that were given up", with, func(cmd *cobra.Command, d server.Dead, id uint64) error {
			err := d.Drop(cmd.Context(), id)
			if err == nil {
				fmt.Fprintf(cmd.OutOrStdout(), "%d: dropped\n", id)
			}
			return err
		}))
	return cmd
}

// eachJob makes a command that does something with the jobs of the ids given,
// or with all.
func eachJob(name, short string, with func(*cobra.Command, func(server.Dead) error) error, do func(*cobra.Command, server.Dead, uint64) error) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: name + " ID... | --all", Short: short,
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) > 0) {
				return errors.New("give the ids that plimsoll jobs list shows, or --all")
			}
			var ids []uint64
			for _, a := range args {
				id, err := strconv.ParseUint(a, 10, 64)
				if err != nil {
					return fmt.Errorf("%q is not an id; plimsoll jobs list shows them", a)
				}
				ids = append(ids, id)
			}
			return with(cmd, func(d server.Dead) error {
				if all {
					list, err := d.Given(cmd.Context())
					if err != nil {
						return err
					}
					for _, x := range list {
						ids = append(ids, x.ID)
					}
				}
				for _, id := range ids {
					if err := do(cmd, d, id); err != nil {
						return fmt.Errorf("job %d: %w", id, err)
					}
				}
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "all of them")
	return cmd
}

func listJobs(cmd *cobra.Command, d server.Dead, format string) error {
	list, err := d.Given(cmd.Context())
	if err != nil {
		return err
	}
	if format == "json" {
		type row struct {
			ID         uint64    `json:"id"`
			GivenUp    time.Time `json:"given_up"`
			Repository string    `json:"repository"`
			Number     int       `json:"pull_request"`
			Head       string    `json:"head"`
			Event      string    `json:"event"`
			Delivery   string    `json:"delivery"`
			Cause      string    `json:"cause"`
		}
		rows := make([]row, len(list))
		for i, x := range list {
			rows[i] = row{x.ID, x.At, x.Job.Owner + "/" + x.Job.Repo, x.Job.Number, x.Job.HeadSHA, x.Job.Event, x.Job.Delivery, x.Cause}
		}
		enc := json.NewEncoder(cmd.OutOrStdout())
		enc.SetIndent("", "  ")
		return enc.Encode(rows)
	}
	if len(list) == 0 {
		fmt.Fprintln(cmd.OutOrStdout(), "No job was given up.")
		return nil
	}
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tGIVEN UP\tWHAT\tCAUSE")
	for _, x := range list {
		cause := x.Cause
		if r := []rune(cause); len(r) > 120 {
			cause = string(r[:120]) + "…"
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\n", x.ID, x.At.UTC().Format("2006-01-02 15:04"), about(x.Job), cause)
	}
	return w.Flush()
}

// about names what a job is about.
func about(j jobs.Job) string {
	switch {
	case j.Owner == "":
		return "installation " + strconv.FormatInt(j.InstallationID, 10)
	case j.Number == 0:
		return j.Owner + "/" + j.Repo + " " + j.Ref
	}
	return fmt.Sprintf("%s/%s#%d", j.Owner, j.Repo, j.Number)
}
