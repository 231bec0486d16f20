// Package component finds the components of a cluster (API server, etcd,
// kubelet …) and their flags, wherever they are given: the command of a static
// pod, the extra arguments of kubeadm, kOps or k3s, a unit of systemd, a script
// that sets a node up.
package component

import (
	"path"
	"strconv"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/format/kubernetes"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Style says how flags are written, so that one can be added.
type Style uint8

// The ways in which flags are written.
const (
	Words    Style = iota // a list of words: --name=value
	Fields                // a map of names and values
	Named                 // a list of {name, value}
	Settings              // a list of texts: name=value
	Camel                 // a map with the names in camel case
	Text                  // within a text: they can be changed, and none added
)

// Component is one component as one place runs it.
type Component struct {
	Name string // kube-apiserver, kube-controller-manager, kube-scheduler, etcd, kubelet, kube-proxy
	// Path leads to what gives the flags: a container, a map or list of
	// arguments, a command.
	Path resource.Path
	// Complete is true where all the flags stand here, so that one that is
	// missing is not set.
	Complete bool
	Style    Style
	// List leads to the list or map that a flag is added to; nil for none.
	List  resource.Path
	Flags []Flag
	// Node is what rules see: {name, complete, flags: {name: value}}. Values are
	// texts; a flag without one is "true".
	Node *resource.Node
}

// Flag is one flag.
type Flag struct {
	Name  string
	Value *resource.Node
	// Path leads to the item or field that is the flag; nil where it is a part
	// of a text, at Whole.
	Path  resource.Path
	Whole source.Range
	// Bare is set where the flag stands without a value.
	Bare bool
}

// known reports whether a program is a component.
func known(name string) bool {
	switch name {
	case "kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd", "kubelet", "kube-proxy":
		return true
	}
	return false
}

// Of gives the components that a resource runs or sets up.
func Of(res *resource.Resource) []Component {
	f := &finder{res: res}
	if res.Root == nil {
		return nil
	}
	switch res.Platform {
	case resource.Kubernetes:
		f.kubernetes()
	case resource.NodeBootstrap:
		f.bootstrap()
	}
	return f.out
}

type finder struct {
	res *resource.Resource
	out []Component
}

func join(p resource.Path, steps ...any) resource.Path {
	out := append(resource.Path(nil), p...)
	for _, s := range steps {
		switch s := s.(type) {
		case string:
			out = append(out, resource.Step{Name: s})
		case int:
			out = append(out, resource.Step{Index: s})
		}
	}
	return out
}

// add takes a component up; at is where something is said about its flags as a
// whole.
func (f *finder) add(c Component, at *resource.Node, partial bool, why string) {
	here := at.Range
	flags := &resource.Node{Kind: resource.Map, Range: here, KeyRange: at.KeyRange, Partial: partial, Why: why}
	index := map[string]int{}
	for _, x := range c.Flags {
		if i, again := index[x.Name]; again {
			flags.Fields[i].Node = x.Value // the last one counts
			continue
		}
		index[x.Name] = len(flags.Fields)
		flags.Fields = append(flags.Fields, resource.Field{Name: x.Name, Node: x.Value})
	}
	c.Node = &resource.Node{Kind: resource.Map, Range: here, KeyRange: at.KeyRange, Origins: at.Origins, Fields: []resource.Field{
		{Name: "name", Node: &resource.Node{Kind: resource.String, Value: c.Name, Range: here}},
		{Name: "complete", Node: &resource.Node{Kind: resource.Bool, Value: c.Complete, Range: here}},
		{Name: "flags", Node: flags},
	}}
	f.out = append(f.out, c)
}

// split takes --name=value apart.
func split(s string) (name, value string, hasValue bool) {
	s = strings.TrimLeft(s, "-")
	return strings.Cut(s, "=")
}

// within gives a part of what a node says; the whole node where its text is not
// written as it is.
func within(n *resource.Node, start, end int) source.Range {
	r := n.Range
	size := len(n.Str())
	if r.Start.Line != r.End.Line {
		return r
	}
	switch r.Len() {
	case size:
	case size + 2: // quotes
		start, end = start+1, end+1
	default:
		return r
	}
	r.End.Byte, r.End.Column = r.Start.Byte+end, r.Start.Column+end
	r.Start.Byte, r.Start.Column = r.Start.Byte+start, r.Start.Column+start
	return r
}

func text(s string, at source.Range, from *resource.Node) *resource.Node {
	return &resource.Node{Kind: resource.String, Value: s, Range: at, Origins: from.Origins}
}

// words reads flags from a list of words. partial says that there may be more.
func words(list *resource.Node, at resource.Path) (out []Flag, partial bool, why string) {
	if list == nil || list.Kind != resource.List {
		return nil, false, ""
	}
	partial, why = list.Partial, list.Why
	for i := 0; i < len(list.Items); i++ {
		n := list.Items[i]
		if n.Unknown {
			if len(n.Parts) > 1 && strings.HasPrefix(n.Parts[0], "-") && strings.Contains(n.Parts[0], "=") {
				name, _, _ := split(n.Parts[0])
				out = append(out, Flag{Name: name, Value: n, Path: join(at, i), Whole: n.Range})
				continue
			}
			partial, why = true, n.Why
			continue
		}
		s := n.Str()
		if !strings.HasPrefix(s, "-") || strings.Trim(s, "-") == "" {
			if strings.HasPrefix(s, "$") || strings.Contains(s, "{{") {
				partial, why = true, s
			}
			continue
		}
		name, value, ok := split(s)
		f := Flag{Name: name, Path: join(at, i), Whole: n.Range}
		switch {
		case ok:
			f.Value = text(value, within(n, len(s)-len(value), len(s)), n)
		case i+1 < len(list.Items) && !strings.HasPrefix(list.Items[i+1].Str(), "-") && list.Items[i+1].Kind == resource.String:
			i++
			f.Value = list.Items[i]
			f.Whole.End = list.Items[i].Range.End
			f.Path = nil // two items
		default:
			f.Value, f.Bare = text("true", n.Range, n), true
		}
		out = append(out, f)
	}
	return out, partial, why
}

// inText reads flags from a text such as a variable of a unit.
func inText(n *resource.Node) []Flag {
	s := n.Str()
	var out []Flag
	for i := 0; i < len(s); {
		if s[i] == ' ' || s[i] == '\t' || s[i] == '\n' {
			i++
			continue
		}
		end := i
		for end < len(s) && s[end] != ' ' && s[end] != '\t' && s[end] != '\n' {
			end++
		}
		w := s[i:end]
		if strings.HasPrefix(w, "-") && strings.Trim(w, "-") != "" {
			name, value, ok := split(strings.Trim(w, `"'`))
			f := Flag{Name: name, Whole: within(n, i, end)}
			if ok {
				at := strings.LastIndex(w, value)
				f.Value = text(value, within(n, i+at, i+at+len(value)), n)
			} else {
				f.Value, f.Bare = text("true", f.Whole, n), true
				next := end
				for next < len(s) && s[next] == ' ' {
					next++
				}
				if next > end && next < len(s) && s[next] != '-' {
					stop := next
					for stop < len(s) && s[stop] != ' ' {
						stop++
					}
					f.Bare = false
					f.Value, f.Whole = text(s[next:stop], within(n, next, stop), n), within(n, i, stop)
					end = stop
				}
			}
			out = append(out, f)
		}
		i = end
	}
	return out
}

// scalar gives a scalar as the text that it has on a command line.
func scalar(n *resource.Node) (*resource.Node, bool) {
	if n == nil {
		return nil, false
	}
	if n.Unknown {
		return n, true
	}
	c := *n
	c.Kind = resource.String
	switch v := n.Value.(type) {
	case string:
	case bool:
		c.Value = strconv.FormatBool(v)
	case int64:
		c.Value = strconv.FormatInt(v, 10)
	case float64:
		c.Value = strconv.FormatFloat(v, 'g', -1, 64)
	default:
		return nil, false
	}
	return &c, true
}

// arguments reads the extra arguments of kubeadm: a map, or since v1beta4 a list
// of names and values.
func (f *finder) arguments(name string, n *resource.Node, at resource.Path) {
	if n == nil {
		return
	}
	c := Component{Name: name, Path: at, List: at}
	partial, why := n.Partial, n.Why
	switch n.Kind {
	case resource.Map:
		c.Style = Fields
		for _, x := range n.Fields {
			if v, ok := scalar(x.Node); ok {
				c.Flags = append(c.Flags, Flag{Name: strings.TrimLeft(x.Name, "-"), Value: v, Path: join(at, x.Name), Whole: x.Node.Range})
			}
		}
	case resource.List:
		c.Style = Named
		for i, it := range n.Items {
			v, ok := scalar(it.Get("value"))
			if s := it.Get("name").Str(); s != "" && ok {
				c.Flags = append(c.Flags, Flag{Name: s, Value: v, Path: join(at, i), Whole: it.Range})
			}
		}
	default:
		return
	}
	f.add(c, n, partial, why)
}

func (f *finder) kubernetes() {
	root := f.res.Root
	switch {
	case f.res.Group == "kubeadm.k8s.io":
		f.kubeadm(root, nil, f.res.Kind)
		return
	case strings.HasSuffix(f.res.Group, "cluster.x-k8s.io"):
		for _, p := range []resource.Path{
			join(nil, "spec"), join(nil, "spec", "kubeadmConfigSpec"), join(nil, "spec", "template", "spec"), join(nil, "spec", "template", "spec", "kubeadmConfigSpec"),
		} {
			n, taken := p.At(root)
			if taken != len(p) {
				continue
			}
			for field, kind := range map[string]string{"clusterConfiguration": "ClusterConfiguration"} {
				if c := n.Get(field); c != nil {
					f.kubeadm(c, join(p, field), kind)
				}
			}
			if args := n.Get("kubeletExtraArgs"); args != nil { // of an EKSConfig
				f.arguments("kubelet", args, join(p, "kubeletExtraArgs"))
			}
			for _, field := range []string{"initConfiguration", "joinConfiguration"} {
				if c := n.Get(field); c != nil {
					f.kubeadm(c, join(p, field), "InitConfiguration")
				}
			}
		}
		return
	case f.res.Group == "node.eks.aws":
		at := join(nil, "spec", "kubelet", "flags")
		if n, taken := at.At(root); taken == len(at) {
			fs, partial, why := words(n, at)
			f.add(Component{Name: "kubelet", Path: at, List: at, Flags: fs}, n, partial, why)
		}
		return
	case f.res.Group == "kops.k8s.io" || f.res.Group == "kops":
		f.kops(root)
		return
	}
	p, spec := kubernetes.PodSpec(root, f.res.Kind)
	if spec == nil || spec.Unknown {
		return
	}
	list := spec.Get("containers")
	if list == nil || list.Kind != resource.List {
		return
	}
	for i, c := range list.Items {
		f.container(c, join(p, "containers", i))
	}
}

// kubeadm reads one of kubeadm's configurations.
func (f *finder) kubeadm(n *resource.Node, at resource.Path, kind string) {
	if kind == "ClusterConfiguration" {
		for _, x := range []struct {
			field, name string
		}{{"apiServer", "kube-apiserver"}, {"controllerManager", "kube-controller-manager"}, {"scheduler", "kube-scheduler"}} {
			f.arguments(x.name, n.Path(x.field, "extraArgs"), join(at, x.field, "extraArgs"))
		}
		f.arguments("etcd", n.Path("etcd", "local", "extraArgs"), join(at, "etcd", "local", "extraArgs"))
		return
	}
	f.arguments("kubelet", n.Path("nodeRegistration", "kubeletExtraArgs"), join(at, "nodeRegistration", "kubeletExtraArgs"))
}

// kops reads the specification of a cluster, which has the flags in camel case.
func (f *finder) kops(root *resource.Node) {
	for _, x := range []struct {
		field, name string
	}{
		{"kubeAPIServer", "kube-apiserver"}, {"kubeControllerManager", "kube-controller-manager"}, {"kubeScheduler", "kube-scheduler"},
		{"kubelet", "kubelet"}, {"controlPlaneKubelet", "kubelet"}, {"masterKubelet", "kubelet"}, {"kubeProxy", "kube-proxy"},
	} {
		n := root.Path("spec", x.field)
		if n == nil || n.Kind != resource.Map {
			continue
		}
		at := join(nil, "spec", x.field)
		c := Component{Name: x.name, Path: at, List: at, Style: Camel}
		for _, fd := range n.Fields {
			v, ok := scalar(fd.Node)
			if fd.Node != nil && fd.Node.Kind == resource.List {
				v, ok = commaList(fd.Node), true
			}
			if ok {
				c.Flags = append(c.Flags, Flag{Name: Kebab(fd.Name), Value: v, Path: join(at, fd.Name), Whole: fd.Node.Range})
			}
		}
		f.add(c, n, n.Partial, n.Why)
	}
}

func commaList(n *resource.Node) *resource.Node {
	var texts []string
	for _, it := range n.Items {
		if it.Unknown {
			return it
		}
		texts = append(texts, it.Str())
	}
	c := *n
	c.Kind, c.Value, c.Items = resource.String, strings.Join(texts, ","), nil
	return &c
}

// Kebab writes a name in camel case as a flag: anonymousAuth, tlsCertFile.
func Kebab(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
			if i > 0 && (s[i-1] < 'A' || s[i-1] > 'Z' || i+1 < len(s) && s[i+1] >= 'a' && s[i+1] <= 'z') {
				b.WriteByte('-')
			}
		}
		b.WriteByte(c)
	}
	return b.String()
}

// container reads the command of a container.
func (f *finder) container(n *resource.Node, at resource.Path) {
	if n == nil || n.Unknown || n.Kind != resource.Map {
		return
	}
	command, args := n.Get("command"), n.Get("args")
	name := ""
	switch {
	case command != nil && command.Kind == resource.List:
		for _, it := range command.Items {
			s := it.Str()
			if s == "" || strings.HasPrefix(s, "-") {
				break
			}
			switch base := path.Base(s); {
			case known(base):
				name = base
			case base == "hyperkube", base == "go-runner", strings.HasPrefix(base, "--"):
				continue
			case known("kube-" + base):
				name = "kube-" + base
			}
			if name != "" {
				break
			}
		}
	case args != nil:
		image, _, _ := strings.Cut(n.Get("image").Str(), "@")
		base := path.Base(image)
		base, _, _ = strings.Cut(base, ":")
		if known(base) && base != "etcd" {
			name = base
		}
	}
	if name == "" {
		return
	}
	c := Component{Name: name, Path: at, Complete: f.res.Kind == "Pod"}
	a, partial, why := words(command, join(at, "command"))
	b, more, because := words(args, join(at, "args"))
	c.Flags = append(a, b...)
	whole := command
	c.List = join(at, "command")
	if len(a) == 0 && args != nil || command == nil {
		whole, c.List = args, join(at, "args")
	}
	if name == "etcd" {
		c.Flags = append(c.Flags, etcdVariables(n.Get("env"))...)
	}
	if n.Partial {
		partial, why = true, n.Why
	}
	if more {
		why = because
	}
	f.add(c, whole, partial || more, why)
}

// etcdVariables are flags that etcd takes from its environment.
func etcdVariables(env *resource.Node) []Flag {
	if env == nil || env.Kind != resource.List {
		return nil
	}
	var out []Flag
	for _, it := range env.Items {
		name, ok := strings.CutPrefix(it.Get("name").Str(), "ETCD_")
		v := it.Get("value")
		if !ok || v == nil {
			continue
		}
		out = append(out, Flag{Name: strings.ToLower(strings.ReplaceAll(name, "_", "-")), Value: v, Whole: v.Range})
	}
	return out
}
