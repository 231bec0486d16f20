package engine

import "github.com/plimsoll-iac/plimsoll/internal/resource"

// jobs selects the jobs of a workflow.
func jobs(set *itemSet, res *resource.Resource) {
	all := res.Root.Get("jobs")
	if all == nil || all.Kind != resource.Map {
		return
	}
	for _, f := range all.Fields {
		p := resource.Path{{Name: "jobs"}, {Name: f.Name}}
		switch {
		case f.Node == nil:
		case f.Node.Unknown:
			set.doubt(item{node: f.Node, prefix: p})
		case f.Node.Kind == resource.Map:
			set.add(item{node: f.Node, prefix: p, group: f.Name})
		}
	}
}

// steps selects the steps of every job, or those of a composite action.
func steps(set *itemSet, res *resource.Resource) {
	if runs := res.Root.Get("runs"); runs != nil && res.Root.Get("jobs") == nil {
		set.list(runs.Get("steps"), resource.Path{{Name: "runs"}}, "steps", "")
		return
	}
	all := res.Root.Get("jobs")
	if all == nil || all.Kind != resource.Map {
		return
	}
	for _, f := range all.Fields {
		if f.Node != nil {
			set.list(f.Node.Get("steps"), resource.Path{{Name: "jobs"}, {Name: f.Name}}, "steps", f.Name)
		}
	}
}
