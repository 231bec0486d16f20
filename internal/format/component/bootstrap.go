package component

import (
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// rancher are the settings of k3s and RKE2 that hand flags on.
var rancher = map[string]string{
	"kube-apiserver-arg": "kube-apiserver", "kube-controller-manager-arg": "kube-controller-manager", "kube-scheduler-arg": "kube-scheduler",
	"kubelet-arg": "kubelet", "etcd-arg": "etcd", "kube-proxy-arg": "kube-proxy",
}

// bootstrap reads the commands and configurations of user data.
func (f *finder) bootstrap() {
	if list := f.res.Root.Get("commands"); list != nil {
		for i, c := range list.Items {
			f.command(c, join(nil, "commands", i))
		}
	}
	if list := f.res.Root.Get("configs"); list != nil {
		for i, c := range list.Items {
			f.configuration(c.Get("document"), join(nil, "configs", i, "document"))
		}
	}
}

// command reads a command of a script, or a variable that it assigns.
func (f *finder) command(n *resource.Node, at resource.Path) {
	args := n.Get("args")
	name := n.Get("name").Str()
	if known(name) {
		fs, partial, why := words(args, join(at, "args"))
		f.add(Component{Name: name, Path: at, Style: Text, Flags: fs}, n, partial, why)
	}
	if as := n.Get("assigns"); as != nil {
		for _, a := range as.Items {
			v := a.Get("value")
			switch a.Get("name").Str() {
			case "KUBELET_EXTRA_ARGS", "KUBELET_ARGS", "KUBELET_OPTS", "KUBELET_CONFIG_ARGS", "KUBELET_KUBECONFIG_ARGS", "KUBELET_SYSTEM_PODS_ARGS", "KUBELET_AUTHZ_ARGS", "KUBELET_FLAGS":
				f.text("kubelet", v, at)
			case "INSTALL_K3S_EXEC", "INSTALL_RKE2_EXEC":
				f.handedOn(inText(v), v, at)
			}
		}
	}
	if args == nil {
		return
	}
	for i, a := range args.Items {
		s := a.Str()
		if value, ok := strings.CutPrefix(s, "--kubelet-extra-args="); ok {
			c := text(value, within(a, len(s)-len(value), len(s)), a)
			f.text("kubelet", c, at)
		} else if s == "--kubelet-extra-args" && i+1 < len(args.Items) {
			f.text("kubelet", args.Items[i+1], at)
		}
	}
	fs, _, _ := words(args, join(at, "args"))
	f.handedOn(fs, n, at)
}

// text reads flags within a text.
func (f *finder) text(name string, n *resource.Node, at resource.Path) {
	if n == nil || n.Unknown {
		return
	}
	if fs := inText(n); len(fs) > 0 {
		f.add(Component{Name: name, Path: at, Style: Text, Flags: fs}, n, false, "")
	}
}

// handedOn reads the flags that k3s and RKE2 hand on: --kubelet-arg=a=b.
func (f *finder) handedOn(fs []Flag, whole *resource.Node, at resource.Path) {
	byName := map[string]*Component{}
	var order []string
	for _, x := range fs {
		name, ok := rancher[strings.TrimSuffix(x.Name, "+")] // a plus adds to what another file says
		if !ok || x.Value == nil || x.Value.Unknown {
			continue
		}
		s := x.Value.Str()
		flag, value, ok := strings.Cut(strings.TrimLeft(s, "-"), "=")
		if !ok {
			value = "true"
		}
		c := byName[name]
		if c == nil {
			c = &Component{Name: name, Path: at, Style: Text}
			byName[name] = c
			order = append(order, name)
		}
		v := text(value, within(x.Value, len(s)-len(value), len(s)), x.Value)
		c.Flags = append(c.Flags, Flag{Name: flag, Value: v, Whole: x.Whole})
	}
	for _, name := range order {
		f.add(*byName[name], whole, false, "")
	}
}

// configuration reads a configuration of k3s or RKE2.
func (f *finder) configuration(n *resource.Node, at resource.Path) {
	if n == nil || n.Kind != resource.Map {
		return
	}
	for _, x := range n.Fields {
		name, ok := rancher[strings.TrimSuffix(x.Name, "+")] // a plus adds to what another file says
		if !ok || x.Node == nil {
			continue
		}
		c := Component{Name: name, Path: join(at, x.Name), Style: Settings}
		items := x.Node.Items
		if x.Node.Kind == resource.List {
			c.List = join(at, x.Name)
		} else {
			items = []*resource.Node{x.Node}
		}
		for i, it := range items {
			s := it.Str()
			flag, value, ok := strings.Cut(strings.TrimLeft(s, "-"), "=")
			if s == "" {
				continue
			}
			fl := Flag{Name: flag, Whole: it.Range, Value: text(value, within(it, len(s)-len(value), len(s)), it)}
			if !ok {
				fl.Value, fl.Bare = text("true", it.Range, it), true
			}
			if x.Node.Kind == resource.List {
				fl.Path = join(c.List, i)
			}
			c.Flags = append(c.Flags, fl)
		}
		f.add(c, x.Node, x.Node.Partial, x.Node.Why)
	}
}
