package reviewer_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing/fstest"
)

// model is what a generated repository means, whatever its text looks like.
type model struct {
	plain, base []service // manifests by themselves, and those of a base
	overlays    []overlay
	buckets     []bucket
	compose     []service
	chart       []service // templates of one chart, which a kustomization renders too
	prod        service   // what the chart's values for production say of all
	stack       []bucket  // resources of a CloudFormation template
	images      []service // Dockerfiles
}

// service is a workload with the settings that rules look at.
type service struct {
	name       string
	privileged bool
	hostPID    bool
	root       bool
	latest     bool
	token      bool
}

// overlay is a kustomization over the base.
type overlay struct {
	name   string
	prefix bool
	latest map[string]bool // images that get the tag latest, by service
	patch  map[string]service
}

// bucket is a resource of Terraform.
type bucket struct {
	name   string
	public bool
	open   bool
}

// style is how a repository is written: it must not matter.
type style struct {
	seed     uint64
	comments bool
	indent   bool   // four columns instead of two
	reverse  bool   // documents, keys and files the other way round
	split    bool   // one file for each thing
	inline   bool   // patches within the kustomization
	suffix   string // of the names of files
}

func generate(rnd *rand.Rand) model {
	var m model
	svc := func(prefix string, n int) []service {
		var out []service
		for i := range n {
			out = append(out, service{name: fmt.Sprintf("%s%d", prefix, i), privileged: rnd.IntN(4) == 0, hostPID: rnd.IntN(5) == 0, root: rnd.IntN(3) == 0, latest: rnd.IntN(4) == 0, token: rnd.IntN(2) == 0})
		}
		return out
	}
	m.plain, m.base, m.compose = svc("plain", 1+rnd.IntN(3)), svc("api", 1+rnd.IntN(3)), svc("dev", 1+rnd.IntN(2))
	for i := range 1 + rnd.IntN(3) {
		o := overlay{name: [...]string{"dev", "prod", "staging"}[i], prefix: rnd.IntN(2) == 0, latest: map[string]bool{}, patch: map[string]service{}}
		for _, s := range m.base {
			if rnd.IntN(3) == 0 {
				o.latest[s.name] = true
			}
			if rnd.IntN(2) == 0 {
				o.patch[s.name] = service{name: s.name, privileged: rnd.IntN(2) == 0, hostPID: rnd.IntN(4) == 0}
			}
		}
		m.overlays = append(m.overlays, o)
	}
	m.chart, m.images = svc("web", 1+rnd.IntN(2)), svc("image", 1+rnd.IntN(2))
	m.prod = service{privileged: rnd.IntN(3) == 0, latest: rnd.IntN(3) == 0}
	for i := range 1 + rnd.IntN(2) {
		m.stack = append(m.stack, bucket{name: fmt.Sprintf("s%d", i), public: rnd.IntN(2) == 0, open: rnd.IntN(2) == 0})
	}
	for i := range 1 + rnd.IntN(3) {
		m.buckets = append(m.buckets, bucket{name: fmt.Sprintf("b%d", i), public: rnd.IntN(2) == 0, open: rnd.IntN(2) == 0})
	}
	return m
}

// changed gives the model after a pull request.
func (m model) changed(rnd *rand.Rand) model {
	out := model{
		plain: append([]service(nil), m.plain...), base: append([]service(nil), m.base...), compose: append([]service(nil), m.compose...),
		buckets: append([]bucket(nil), m.buckets...), chart: append([]service(nil), m.chart...), prod: m.prod,
		stack: append([]bucket(nil), m.stack...), images: append([]service(nil), m.images...),
	}
	for _, o := range m.overlays {
		c := overlay{name: o.name, prefix: o.prefix, latest: map[string]bool{}, patch: map[string]service{}}
		for k, v := range o.latest {
			c.latest[k] = v
		}
		for k, v := range o.patch {
			c.patch[k] = v
		}
		out.overlays = append(out.overlays, c)
	}
	for range 1 + rnd.IntN(4) {
		switch rnd.IntN(13) {
		case 9:
			s := &out.chart[rnd.IntN(len(out.chart))]
			s.hostPID, s.root = !s.hostPID, !s.root
		case 10:
			out.prod.privileged, out.prod.latest = !out.prod.privileged, rnd.IntN(2) == 0
		case 11:
			b := &out.stack[rnd.IntN(len(out.stack))]
			b.public, b.open = !b.public, rnd.IntN(2) == 0
		case 12:
			s := &out.images[rnd.IntN(len(out.images))]
			s.root, s.latest = !s.root, rnd.IntN(2) == 0
		case 0:
			s := &out.plain[rnd.IntN(len(out.plain))]
			s.privileged, s.root = !s.privileged, !s.root
		case 1:
			s := &out.base[rnd.IntN(len(out.base))]
			s.privileged = !s.privileged
		case 2:
			s := &out.base[rnd.IntN(len(out.base))]
			s.hostPID, s.latest = !s.hostPID, !s.latest
		case 3:
			o := &out.overlays[rnd.IntN(len(out.overlays))]
			s := out.base[rnd.IntN(len(out.base))]
			if _, ok := o.patch[s.name]; ok {
				delete(o.patch, s.name)
			} else {
				o.patch[s.name] = service{name: s.name, privileged: rnd.IntN(2) == 0, hostPID: rnd.IntN(2) == 0}
			}
		case 4:
			o := &out.overlays[rnd.IntN(len(out.overlays))]
			s := out.base[rnd.IntN(len(out.base))]
			o.latest[s.name] = !o.latest[s.name]
		case 5:
			s := &out.compose[rnd.IntN(len(out.compose))]
			s.privileged = !s.privileged
		case 6:
			b := &out.buckets[rnd.IntN(len(out.buckets))]
			b.public, b.open = !b.public, !b.open
		case 7:
			out.plain = append(out.plain, service{name: fmt.Sprintf("more%d", rnd.IntN(1000)), privileged: true})
		case 8:
			if len(out.overlays) > 1 {
				out.overlays = out.overlays[:len(out.overlays)-1]
			} else {
				out.overlays = append(out.overlays, overlay{name: "later", latest: map[string]bool{}, patch: map[string]service{}})
			}
		}
	}
	return out
}

// field is a key of a map with its value, a scalar, a list or a map.
type field struct {
	name  string
	value any
}

// writer writes trees as YAML in a style.
type writer struct {
	st style
	b  strings.Builder
	n  int
}

func (w *writer) note(pad string) {
	if w.st.comments {
		w.n++
		fmt.Fprintf(&w.b, "%s# note %d of %d\n", pad, w.n, w.st.seed)
	}
}

func (w *writer) tree(fields []field, depth int) {
	step := 2
	if w.st.indent {
		step = 4
	}
	pad := strings.Repeat(" ", step*depth)
	if w.st.reverse && depth > 0 {
		r := make([]field, len(fields))
		for i, f := range fields {
			r[len(fields)-1-i] = f
		}
		fields = r
	}
	for _, f := range fields {
		w.note(pad)
		switch v := f.value.(type) {
		case []field:
			fmt.Fprintf(&w.b, "%s%s:\n", pad, f.name)
			w.tree(v, depth+1)
		case [][]field:
			fmt.Fprintf(&w.b, "%s%s:\n", pad, f.name)
			for _, it := range v {
				var in writer
				in.st, in.st.comments = w.st, false
				in.tree(it, depth+1)
				text := in.b.String()
				at := step * (depth + 1)
				lines := strings.SplitAfter(text, "\n")
				fmt.Fprintf(&w.b, "%s- %s", strings.Repeat(" ", at-2), lines[0][at:])
				w.b.WriteString(strings.Join(lines[1:], ""))
			}
		default:
			fmt.Fprintf(&w.b, "%s%s: %v\n", pad, f.name, v)
		}
	}
}

func (s service) image() string {
	tag := "1.2.3"
	if s.latest {
		tag = "latest"
	}
	return "registry.example.com/shop/" + s.name + ":" + tag
}

func (s service) manifest() []field {
	return []field{
		{"apiVersion", "apps/v1"}, {"kind", "Deployment"}, {"metadata", []field{{"name", s.name}}},
		{"spec", []field{
			{"selector", []field{{"matchLabels", []field{{"app", s.name}}}}},
			{"template", []field{
				{"metadata", []field{{"labels", []field{{"app", s.name}}}}},
				{"spec", []field{
					{"automountServiceAccountToken", s.token}, {"hostPID", s.hostPID},
					{"securityContext", []field{{"runAsNonRoot", !s.root}}},
					{"containers", [][]field{{
						{"name", s.name}, {"image", s.image()},
						{"securityContext", []field{{"privileged", s.privileged}, {"allowPrivilegeEscalation", false}}},
					}}},
				}},
			}},
		}},
	}
}

func (s service) patched() []field {
	return []field{
		{"apiVersion", "apps/v1"}, {"kind", "Deployment"}, {"metadata", []field{{"name", s.name}}},
		{"spec", []field{{"template", []field{{"spec", []field{
			{"hostPID", s.hostPID},
			{"containers", [][]field{{{"name", s.name}, {"securityContext", []field{{"privileged", s.privileged}}}}}},
		}}}}}},
	}
}

// write gives the repository of a model in a style.
func (m model) write(st style) fstest.MapFS {
	out := fstest.MapFS{}
	put := func(name, text string) { out[name] = &fstest.MapFile{Data: []byte(text)} }
	text := func(fields []field) string {
		w := writer{st: st}
		w.tree(fields, 0)
		return w.b.String()
	}
	manifests := func(dir string, list []service) (names []string) {
		docs := map[string]string{}
		for _, s := range list {
			name := "all" + st.suffix + ".yaml"
			if st.split {
				name = s.name + st.suffix + ".yaml"
			}
			doc := text(s.manifest())
			switch {
			case docs[name] == "":
				names = append(names, name)
				docs[name] = doc
			case st.reverse:
				docs[name] = doc + "---\n" + docs[name]
			default:
				docs[name] += "---\n" + doc
			}
		}
		for name, doc := range docs {
			put(dir+"/"+name, doc)
		}
		return names
	}
	manifests("k8s", m.plain)
	var b strings.Builder
	b.WriteString("resources:\n")
	for _, name := range manifests("base", m.base) {
		fmt.Fprintf(&b, "  - %s\n", name)
	}
	put("base/kustomization.yaml", b.String())
	for _, o := range m.overlays {
		put("overlays/"+o.name+"/kustomization.yaml", o.write(m.base, st, text, func(name, text string) { put("overlays/"+o.name+"/"+name, text) }))
	}
	services := []field{}
	for _, s := range m.compose {
		services = append(services, field{s.name, []field{{"image", s.image()}, {"privileged", s.privileged}}})
	}
	compose := "compose.yaml"
	if st.suffix != "" {
		compose = "docker-compose.yml"
	}
	put(compose, text([]field{{"services", services}}))
	m.writeChart(st, text, put)
	stack := []field{}
	for _, r := range m.stack {
		stack = append(stack, r.stacked()...)
	}
	if st.reverse {
		slices.Reverse(stack)
	}
	put("stacks/net"+st.suffix+".yaml", text([]field{{"AWSTemplateFormatVersion", `"2010-09-09"`}, {"Resources", stack}}))
	for _, s := range m.images {
		put("images/"+s.name+"/Dockerfile"+strings.Replace(st.suffix, "-", ".", 1), s.dockerfile(st))
	}
	for i, r := range m.buckets {
		name := "infra/main" + st.suffix + ".tf"
		if st.split {
			name = fmt.Sprintf("infra/part%d%s.tf", i, st.suffix)
		}
		have := ""
		if f := out[name]; f != nil {
			have = string(f.Data)
		}
		doc := r.write(st)
		if st.reverse {
			have, doc = doc, have
		}
		put(name, have+doc)
	}
	return out
}

// writeChart writes the chart with its values, those of production beside, and a
// kustomization that renders it.
func (m model) writeChart(st style, text func([]field) string, put func(name, text string)) {
	note := ""
	if st.comments {
		note = fmt.Sprintf("{{- /* note %d */}}\n", st.seed)
	}
	put("charts/web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n")
	put("charts/web/values.yaml", text([]field{{"tag", "1.2.3"}, {"privileged", false}}))
	prod := []field{{"privileged", m.prod.privileged}}
	if m.prod.latest {
		prod = append(prod, field{"tag", "latest"})
	}
	put("charts/web/values-prod.yaml", text(prod))
	docs := map[string]string{}
	for _, s := range m.chart {
		name := "all" + st.suffix + ".yaml"
		if st.split {
			name = s.name + st.suffix + ".yaml"
		}
		doc := text(s.template())
		if st.reverse {
			docs[name] = doc + "---\n" + docs[name]
		} else {
			docs[name] += "---\n" + doc
		}
	}
	for name, doc := range docs {
		put("charts/web/templates/"+name, note+doc)
	}
	lines := []string{"helmGlobals: {chartHome: ../charts}\n", "helmCharts: [{name: web, releaseName: web, valuesInline: {privileged: true}}]\n"}
	if st.reverse {
		slices.Reverse(lines)
	}
	put("rendered/kustomization.yaml", strings.Join(lines, ""))
}

// template is the manifest with what the values decide.
func (s service) template() []field {
	return []field{
		{"apiVersion", "v1"}, {"kind", "Pod"}, {"metadata", []field{{"name", s.name}}},
		{"spec", []field{
			{"automountServiceAccountToken", s.token}, {"hostPID", s.hostPID}, {"securityContext", []field{{"runAsNonRoot", !s.root}}},
			{"containers", [][]field{{
				{"name", s.name}, {"image", "registry.example.com/shop/" + s.name + ":{{ .Values.tag }}"},
				{"securityContext", []field{{"privileged", "{{ .Values.privileged }}"}, {"allowPrivilegeEscalation", false}}},
			}}},
		}},
	}
}

// stacked is the bucket, and its group, as CloudFormation has them.
func (r bucket) stacked() []field {
	acl, cidr := "Private", "10.0.0.0/8"
	if r.public {
		acl = "PublicRead"
	}
	if r.open {
		cidr = "0.0.0.0/0"
	}
	return []field{
		{"Bucket" + r.name, []field{{"Type", "AWS::S3::Bucket"}, {"Properties", []field{{"AccessControl", acl}, {"BucketName", r.name}}}}},
		{"Group" + r.name, []field{{"Type", "AWS::EC2::SecurityGroup"}, {"Properties", []field{
			{"GroupDescription", r.name},
			{"SecurityGroupIngress", [][]field{{{"IpProtocol", "tcp"}, {"FromPort", 22}, {"ToPort", 22}, {"CidrIp", cidr}}}},
		}}}},
	}
}

func (s service) dockerfile(st style) string {
	from, user, note, join := "registry.example.com/base:1.2.3", "1000", "", " "
	if s.latest {
		from = "registry.example.com/base:latest"
	}
	if s.root {
		user = "root"
	}
	if st.comments {
		note = fmt.Sprintf("# note %d\n", st.seed)
	}
	if st.indent {
		join = " \\\n    "
	}
	return note + "FROM " + from + "\n" + note + "RUN install -d /srv &&" + join + "true\nUSER " + user + "\n"
}

func (o overlay) write(base []service, st style, text func([]field) string, put func(name, text string)) string {
	var b strings.Builder
	if st.comments {
		fmt.Fprintf(&b, "# overlay %d\n", st.seed)
	}
	if o.prefix {
		fmt.Fprintf(&b, "namePrefix: %s-\n", o.name)
	}
	fmt.Fprintf(&b, "namespace: %s\nresources:\n  - ../../base\n", o.name)
	images, patches := "", ""
	for _, s := range base {
		if o.latest[s.name] {
			images += fmt.Sprintf("  - name: registry.example.com/shop/%s\n    newTag: latest\n", s.name)
		}
		p, ok := o.patch[s.name]
		if !ok {
			continue
		}
		if !st.inline {
			put("patch-"+s.name+st.suffix+".yaml", text(p.patched()))
			patches += "  - path: patch-" + s.name + st.suffix + ".yaml\n"
			continue
		}
		patches += "  - patch: |-\n"
		for line := range strings.Lines(text(p.patched())) {
			patches += "      " + line
		}
	}
	if images != "" {
		b.WriteString("images:\n" + images)
	}
	if patches != "" {
		b.WriteString("patches:\n" + patches)
	}
	return b.String()
}

func (r bucket) write(st style) string {
	acl := "private"
	if r.public {
		acl = "public-read"
	}
	cidr := "10.0.0.0/8"
	if r.open {
		cidr = "0.0.0.0/0"
	}
	note := ""
	if st.comments {
		note = fmt.Sprintf("# note %d\n", st.seed)
	}
	pad := "  "
	if st.indent {
		pad = "    "
	}
	a, b := fmt.Sprintf("%sbucket = %q\n", pad, r.name), fmt.Sprintf("%sacl = %q\n", pad, acl)
	if st.reverse {
		a, b = b, a
	}
	return fmt.Sprintf("%sresource \"aws_s3_bucket_acl\" %q {\n%s%s}\n\nresource \"aws_security_group\" \"g_%s\" {\n%sname = %q\n%singress {\n%[8]sfrom_port = 22\n%[8]sto_port = 22\n%[8]sprotocol = \"tcp\"\n%[8]scidr_blocks = [%[9]q]\n%[6]s}\n}\n",
		note, r.name, a, b, r.name, pad, r.name, pad, cidr)
}
