package bootstrap

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/shell"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Within gives a reader that finds user data in what r reads: instances and
// launch templates, bootstrap objects of Cluster API, Secrets with user data.
// What it finds follows the resource that it stands in and has that one's id
// with "/user_data" behind it. Parts of a text that are not known leave the rest
// known.
func Within(r format.Reader) format.Reader { return within{r} }

type within struct{ format.Reader }

// Read implements format.Reader.
func (w within) Read(ctx context.Context, u format.Unit) ([]*resource.Resource, source.Diagnostics) {
	rs, ds := w.Reader.Read(ctx, u)
	var out []*resource.Resource
	x := newExpansion(ctx, u)
	for i, r := range rs {
		x.out = nil
		x.resource(r)
		if len(x.out) > 0 && out == nil {
			out = append(make([]*resource.Resource, 0, len(rs)+len(x.out)), rs[:i]...)
		}
		if out != nil {
			out = append(append(out, r), x.out...)
		}
	}
	if out == nil {
		return rs, ds
	}
	ds = append(ds, x.ds...)
	ds.Sort()
	return out, ds
}

// maxFound bounds the texts that are read of one resource.
const maxFound = 64

// resource finds the user data of a resource.
func (x *expansion) resource(r *resource.Resource) {
	if r.Root == nil {
		return
	}
	x.parent = r
	switch r.Platform {
	case resource.Terraform:
	case resource.CloudFormation:
		x.cfnInit(r)
	case resource.Kubernetes:
		if x.clusterAPI(r) {
			return
		}
	default:
		return
	}
	found := 0
	read := func(p resource.Path, n *resource.Node, script bool) {
		if n.Embedded != nil && n.Embedded.Kind == resource.String {
			n = n.Embedded // base64 of a text that is known, or a part of it
		}
		s, why := shell.Known(n), n.Why
		if s == "" || found == maxFound {
			return
		}
		text := decode(s)
		form := formOf(text)
		switch {
		case form != formOther:
		case p[len(p)-1].Name == "content" && cloudConfigPart(r.Root, p):
			form = formCloudConfig
		case script:
			form = formScript
		default:
			return
		}
		found++
		suffix := "/user_data"
		if found > 1 || r.Kind == "data.cloudinit_config" || r.Kind == "data.template_cloudinit_config" {
			suffix += "/" + p.String()
		}
		x.why = why
		x.userDataOf(form, x.textAt(n, text), place{id: r.ID + suffix, name: r.Name, file: n.Range.File})
	}
	resource.Walk(r.Root, func(p resource.Path, n *resource.Node) bool {
		switch {
		case len(p) > 12:
			return false
		case n.Kind != resource.String || len(p) == 0:
		case holdsUserData(r, p):
			read(p, n, isStartupScript(p))
		case isExtension(r, p):
			for _, name := range []string{"commandToExecute", "script"} {
				if c := n.Embedded.Get(name); c != nil && c.Kind == resource.String {
					read(append(p[:len(p):len(p)], resource.Step{Name: name}), c, true)
				}
			}
		}
		return true
	})
}

// isStartupScript reports whether the text at p is handed to the machine as a
// program to run, which is a script of the shell where it does not say what else.
func isStartupScript(p resource.Path) bool {
	switch p[len(p)-1].Name {
	case "metadata_startup_script", "startup-script", "startup_script":
		return true
	}
	return false
}

// isExtension reports whether the text at p has the settings of Azure's extension
// that runs scripts on Linux, of a machine or within a scale set.
func isExtension(r *resource.Resource, p resource.Path) bool {
	if r.Platform != resource.Terraform || !strings.HasPrefix(r.Kind, "azurerm_") {
		return false
	}
	switch p[len(p)-1].Name {
	case "settings", "protected_settings":
		holder, _ := p[:len(p)-1].At(r.Root)
		return holder.Get("type").Str() == "CustomScript"
	}
	return false
}

// cloudConfigPart reports whether the part of a message that holds the content at
// p says of itself that it is a document of cloud-init.
func cloudConfigPart(root *resource.Node, p resource.Path) bool {
	part, _ := p[:len(p)-1].At(root)
	kind, _, _ := strings.Cut(part.Get("content_type").Str(), ";")
	return kind == "text/cloud-config"
}

// holdsUserData reports whether the text at p is user data by the name that its
// field has.
func holdsUserData(r *resource.Resource, p resource.Path) bool {
	last := p[len(p)-1].Name
	if r.Platform == resource.CloudFormation {
		return last == "UserData"
	}
	if r.Platform == resource.Kubernetes {
		switch last {
		case "userData", "user-data", "userdata", "cloud-init", "userDataBase64", "bootstrapScript":
			return true
		}
		return false
	}
	switch last {
	case "user_data", "user_data_base64", "custom_data", "metadata_startup_script", "startup-script", "user-data", "startup_script":
		return true
	case "content":
		return (r.Kind == "data.cloudinit_config" || r.Kind == "data.template_cloudinit_config") && p[0].Name == "part"
	}
	return false
}

// decode takes base64 away where it packs text.
func decode(s string) string {
	t := strings.TrimSpace(s)
	if len(t) < 16 || strings.ContainsAny(t, " #:$") {
		return s
	}
	t = strings.NewReplacer("\n", "", "\r", "").Replace(t)
	data, err := base64.StdEncoding.DecodeString(t)
	if err != nil || !utf8.Valid(data) {
		return s
	}
	return string(data)
}

// clusterAPI reads the bootstrap objects of Cluster API, whose files and
// commands are fields.
func (x *expansion) clusterAPI(r *resource.Resource) bool {
	if !strings.HasSuffix(r.Group, "cluster.x-k8s.io") {
		return false
	}
	spec := r.Root.Get("spec")
	for _, s := range []*resource.Node{
		spec, spec.Get("kubeadmConfigSpec"), spec.Path("template", "spec"), spec.Path("template", "spec", "kubeadmConfigSpec"),
		spec.Get("agentConfig"), spec.Path("template", "spec", "agentConfig"),
	} {
		if s == nil || s.Kind != resource.Map {
			continue
		}
		files := s.Get("files")
		doc := &resource.Node{Kind: resource.Map, Range: s.Range, KeyRange: s.KeyRange, Origins: s.Origins}
		for _, f := range s.Fields {
			switch f.Name {
			case "files":
				doc.Fields = append(doc.Fields, resource.Field{Name: "write_files", Node: files})
			case "users", "preKubeadmCommands", "postKubeadmCommands", "bootCommands", "preRKE2Commands", "postRKE2Commands", "preK3sCommands", "postK3sCommands",
				"preBootstrapCommands", "postBootstrapCommands":
				doc.Fields = append(doc.Fields, f)
			}
		}
		if len(doc.Fields) == 0 {
			continue
		}
		x.why = ""
		x.cloudConfig(doc, place{id: r.ID + "/user_data", name: r.Name, file: s.Range.File, whole: s.Range, head: r.Head}, r.Comments)
		return true
	}
	return true
}

// cfnInit reads what cfn-init does on a machine: the files and commands of
// AWS::CloudFormation::Init in a resource's metadata.
func (x *expansion) cfnInit(r *resource.Resource) {
	init := r.Root.Path("Metadata", "AWS::CloudFormation::Init")
	if init == nil || init.Kind != resource.Map {
		return
	}
	files := &resource.Node{Kind: resource.List, Range: init.Range}
	commands := &resource.Node{Kind: resource.List, Range: init.Range}
	for _, config := range init.Fields {
		if config.Name == "configSets" || config.Node.Kind != resource.Map {
			continue
		}
		if list := config.Node.Get("files"); list != nil {
			for _, f := range list.Fields {
				path := &resource.Node{Kind: resource.String, Value: f.Name, Range: f.Node.KeyRange}
				file := &resource.Node{Kind: resource.Map, Range: f.Node.Range, KeyRange: f.Node.KeyRange, Fields: []resource.Field{{Name: "path", Node: path}}}
				for from, to := range map[string]string{"content": "content", "mode": "permissions", "owner": "owner"} {
					if n := f.Node.Get(from); n != nil && n.Kind == resource.String {
						file.Fields = append(file.Fields, resource.Field{Name: to, Node: n})
					}
				}
				slices.SortFunc(file.Fields, func(a, b resource.Field) int { return a.Node.Range.Start.Byte - b.Node.Range.Start.Byte })
				if len(file.Fields) > 1 && len(files.Items) < maxFound {
					files.Items = append(files.Items, file)
				}
			}
		}
		if list := config.Node.Get("commands"); list != nil {
			for _, c := range list.Fields {
				if n := c.Node.Get("command"); n != nil && len(commands.Items) < maxFound {
					commands.Items = append(commands.Items, n)
				}
			}
		}
	}
	if len(files.Items)+len(commands.Items) == 0 {
		return
	}
	doc := &resource.Node{Kind: resource.Map, Range: init.Range, KeyRange: init.KeyRange, Origins: init.Origins, Fields: []resource.Field{
		{Name: "write_files", Node: files}, {Name: "runcmd", Node: commands},
	}}
	x.why = ""
	x.cloudConfig(doc, place{id: r.ID + "/cfn-init", name: r.Name, file: init.Range.File, whole: init.Range, head: init.KeyRange}, r.Comments)
}

// comments gives those of a script, for what they suppress.
func comments(text string, at func(int, int) source.Range) []resource.Comment {
	var out []resource.Comment
	offset := 0
	for line := range strings.Lines(text) {
		i := strings.IndexByte(line, '#')
		for i > 0 && line[i-1] != ' ' && line[i-1] != '\t' {
			n := strings.IndexByte(line[i+1:], '#')
			if n < 0 {
				i = -1
				break
			}
			i += n + 1
		}
		if strings.HasPrefix(line, "#!") {
			i = -1
		}
		if i >= 0 && len(out) < 1_000 {
			body := strings.TrimRight(line[i:], "\r\n")
			out = append(out, resource.Comment{
				Text: strings.TrimSpace(strings.TrimLeft(body, "#")), Range: at(offset+i, offset+i+len(body)),
				Trailing: strings.TrimSpace(line[:i]) != "",
			})
		}
		offset += len(line)
	}
	return out
}
