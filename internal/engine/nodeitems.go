package engine

import (
	"github.com/plimsoll-iac/plimsoll/internal/format/component"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// components selects the components of a cluster that a resource runs or sets
// up, each with its name and flags.
func components(set *itemSet, res *resource.Resource) {
	for _, c := range component.Of(res) {
		set.add(item{node: c.Node, prefix: c.Path})
	}
}

// runCommands selects the commands that the RUN instructions of every stage run,
// and those that an ONBUILD leaves behind; group is the stage's name.
func runCommands(set *itemSet, res *resource.Resource) {
	eachInstruction(res, func(n *resource.Node, p resource.Path, stage string) {
		set.list(n.Get("commands"), p, "commands", stage)
		if t := n.Get("trigger"); t != nil {
			set.list(t.Get("commands"), append(p[:len(p):len(p)], resource.Step{Name: "trigger"}), "commands", stage)
		}
	})
}

func eachInstruction(res *resource.Resource, do func(*resource.Node, resource.Path, string)) {
	stages := res.Root.Get("stages")
	if stages == nil || stages.Kind != resource.List {
		return
	}
	for i, s := range stages.Items {
		list := s.Get("instructions")
		if list == nil {
			continue
		}
		for j, n := range list.Items {
			do(n, resource.Path{{Name: "stages"}, {Index: i}, {Name: "instructions"}, {Index: j}}, s.Get("name").Str())
		}
	}
}

// dockerVariables selects what ENV and ARG set, and what commands of RUN export.
func dockerVariables(set *itemSet, res *resource.Resource) {
	eachInstruction(res, func(n *resource.Node, p resource.Path, stage string) {
		if name := n.Get("name").Str(); name == "ENV" || name == "ARG" {
			set.list(n.Get("env"), p, "env", name)
		}
		assigned(set, n.Get("commands"), p)
	})
}

// assigned selects the variables that commands set.
func assigned(set *itemSet, commands *resource.Node, p resource.Path) {
	if commands == nil {
		return
	}
	for i, c := range commands.Items {
		if as := c.Get("assigns"); as != nil {
			set.list(as, append(p[:len(p):len(p)], resource.Step{Name: "commands"}, resource.Step{Index: i}), "assigns", "")
		}
	}
}

func nodeVariables(set *itemSet, res *resource.Resource) {
	assigned(set, res.Root.Get("commands"), nil)
}

// nodeFiles selects the files that user data writes, by cloud-init or by a
// script.
func nodeFiles(set *itemSet, res *resource.Resource) {
	set.list(res.Root.Get("write_files"), nil, "write_files", "")
	set.list(res.Root.Get("files"), nil, "files", "")
}
