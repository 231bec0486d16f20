package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/spf13/cobra"

	"github.com/plimsoll-iac/plimsoll/internal/rule"
)

// starter is a rule that holds as it is written: its example fails, is fixed and
// passes. Whoever starts from it changes one thing at a time.
var starter = template.Must(template.New("rule").Parse(`# yaml-language-server: $schema={{.Schema}}
id: {{.ID}}
title: Workload does not say whose it is
severity: low            # critical | high | medium | low: by what happens if nobody acts
profile: default         # default | strict | reliability | style: the smallest profile that has the rule
theme: namespaces        # one of the nine themes: plimsoll rules list
why: Whoever is woken at night by a workload has to know whom to call.
remediation: Add the label ` + "`team`" + `.
references:
  - https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/
checks:
  - platform: kubernetes
    kinds: [Deployment, StatefulSet, DaemonSet]
    # CEL; true means violation. it: the resource, or what "each" selects. A missing key is no match: write .?key.orValue(…).
    fail: it.metadata.?labels.?team.orValue("") == ""
    at: metadata.labels.team
    message: '{{"{{"}} resource.kind {{"}}"}} ` + "`{{\"{{\"}} resource.name {{\"}}\"}}`" + ` does not say whose it is'
    fix:
      title: Say whose it is
      set: {metadata.labels.team: platform}
      review: Put the name of your team in its place.
examples:
  - fail: |
      apiVersion: apps/v1
      kind: Deployment
      metadata:
        name: api
        labels:
          app: api
    fixed: |
      apiVersion: apps/v1
      kind: Deployment
      metadata:
        name: api
        labels:
          app: api
          team: platform
  - pass: |
      apiVersion: apps/v1
      kind: Deployment
      metadata:
        name: api
        labels:
          team: shop
`))

// newRuleCommand starts a rule of the user's own.
func newRuleCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use: "new ID", Short: "Start a rule of your own: a file that holds as it is, to be changed", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return startRule(cmd.OutOrStdout(), dir, args[0]) },
	}
	cmd.Flags().StringVar(&dir, "dir", ".plimsoll/rules", "folder of the rule; extra_rules in .plimsoll.yml names it")
	return cmd
}

func startRule(w io.Writer, dir, id string) error {
	var text bytes.Buffer
	if err := starter.Execute(&text, map[string]string{"ID": id, "Schema": rule.SchemaURL}); err != nil {
		return fmt.Errorf("rules new: %w", err)
	}
	if _, ds := rule.Parse(id, text.Bytes()); len(ds) > 0 {
		return fmt.Errorf("rules new: %s", ds[0].Message)
	}
	name := filepath.Join(dir, strings.ReplaceAll(id, "/", "-")+".yaml")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("rules new: %w", err)
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("rules new: %s is there already", name)
	}
	if err != nil {
		return fmt.Errorf("rules new: %w", err)
	}
	if _, err = f.Write(text.Bytes()); err == nil {
		err = f.Close()
	}
	if err != nil {
		return fmt.Errorf("rules new: write %s: %w", name, err)
	}
	fmt.Fprintf(w, "%s\n\nTry it:   plimsoll rules test %s\nUse it:   plimsoll scan . --rules %s\nFor all:  extra_rules: [%q] in .plimsoll.yml\n", name, name, dir, dir)
	return nil
}
