package cloudformation

import (
	"slices"
	"strconv"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/format/yamltree"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Bounds on what the functions of a template may come to.
const (
	maxNodes = 200_000  // values that functions give, of one template
	maxText  = 64 << 10 // bytes of one text that a function puts together
)

// resolver works out the functions of one template.
type resolver struct {
	parameters, mappings, conditions, resources *resource.Node
	decided                                     map[string]verdict
	deciding                                    map[string]bool
	given                                       map[string]*resource.Node // parameters, of a nested stack
	prefix                                      string                    // of the ids of resources
	output                                      func(n *resource.Node, name string, depth int) *resource.Node
	refs                                        map[string][]string // of values that refer to one resource
	spent                                       int
	macros                                      int // functions that run one
}

func newResolver(root *resource.Node) *resolver {
	return &resolver{
		parameters: root.Get("Parameters"), mappings: root.Get("Mappings"), conditions: root.Get("Conditions"), resources: root.Get("Resources"),
		decided: map[string]verdict{}, deciding: map[string]bool{}, refs: map[string][]string{},
	}
}

// function gives the name and argument of a function.
func function(n *resource.Node) (string, *resource.Node, bool) {
	if n.Kind != resource.Map || len(n.Fields) != 1 {
		return "", nil, false
	}
	f := n.Fields[0]
	if strings.HasPrefix(f.Name, loopPrefix) {
		return "", nil, false
	}
	if f.Name == "Ref" || strings.HasPrefix(f.Name, "Fn::") {
		return f.Name, f.Node, true
	}
	return "", nil, false
}

// value gives what n comes to; n itself where it holds no function, and nil
// where the setting is taken away (AWS::NoValue).
func (r *resolver) value(n *resource.Node, depth int) *resource.Node {
	if depth > 2*yamltree.MaxDepth {
		return unknown(n, "a value that is nested too deep")
	}
	if name, arg, ok := function(n); ok {
		if r.spent++; r.spent > maxNodes {
			return unknown(n, "a template that is too large to be worked out")
		}
		return r.call(n, name, arg, depth+1)
	}
	switch n.Kind {
	case resource.List:
		items, changed := make([]*resource.Node, 0, len(n.Items)), false
		for _, it := range n.Items {
			v := r.value(it, depth+1)
			changed = changed || v != it
			if v != nil {
				items = append(items, v)
			}
		}
		if changed {
			c := *n
			c.Items = items
			return &c
		}
	case resource.Map:
		fields, changed := make([]resource.Field, 0, len(n.Fields)), false
		open := ""
		for _, f := range n.Fields {
			switch {
			case f.Name == "Fn::Transform":
				open, changed = "Fn::Transform, which is known only when the stack is made", true
				r.macros++
				continue
			case strings.HasPrefix(f.Name, loopPrefix):
				more, why := r.loop(f, depth+1)
				fields, changed = append(fields, more...), true
				if why != "" {
					open = why
				}
				continue
			}
			v := r.value(f.Node, depth+1)
			changed = changed || v != f.Node
			if v != nil {
				fields = append(fields, resource.Field{Name: f.Name, Node: v})
			}
		}
		if changed {
			c := *n
			c.Fields = fields
			if open != "" {
				c.Partial, c.Why = true, open
			}
			return &c
		}
	}
	return n
}

// unknown gives a node at n of which only why it is unknown is known.
func unknown(n *resource.Node, why string) *resource.Node {
	return &resource.Node{Kind: resource.String, Range: n.Range, KeyRange: n.KeyRange, Origins: n.Origins, Unknown: true, Why: why}
}

// something is what is known of a text that is not known but that is never empty.
// It is shared: don't change it.
var something = []string{"", ""}

// set gives a node at n that comes to something, whatever that is.
func set(n *resource.Node, why string) *resource.Node {
	out := unknown(n, why)
	out.Parts = something
	return out
}

// isSet reports whether a value comes to something: text that is not empty, a
// number, or what depends on the attributes of a resource.
func isSet(n *resource.Node) bool {
	if n != nil && n.Unknown {
		return len(n.Refs)+len(n.Parts) > 0
	}
	s, ok := scalar(n)
	return ok && s != ""
}

// unknownFor gives a node at n that is unknown because others are: what they
// refer to, it refers to.
func unknownFor(n *resource.Node, from ...*resource.Node) *resource.Node {
	why := ""
	for _, f := range from {
		if f == nil || f.Unknown || f.Kind == resource.List || f.Kind == resource.Map {
			why = whyOf(f)
			break
		}
	}
	out := unknown(n, why)
	out.Refs = refsOf(from)
	return out
}

// maxRefs bounds the resources that one value refers to.
const maxRefs = 64

// refsOf gives what values refer to, sorted.
func refsOf(from []*resource.Node) []string {
	var out []string
	for _, f := range from {
		switch {
		case f == nil || len(f.Refs) == 0 || len(out) > maxRefs:
		case out == nil:
			out = f.Refs
		default:
			out = append(out[:len(out):len(out)], f.Refs...)
		}
	}
	if len(out) < 2 {
		return out
	}
	out = slices.Clone(out)
	slices.Sort(out)
	return slices.Compact(out)
}

// unknownOf gives a node at n that depends on the resource of a logical id.
func (r *resolver) unknownOf(n *resource.Node, id, why string) *resource.Node {
	out := unknown(n, why)
	if r.resources.Get(id) != nil {
		if r.refs[id] == nil {
			r.refs[id] = []string{r.prefix + id}
		}
		out.Refs = r.refs[id]
	}
	return out
}

// computed gives a value that the function at n came to.
func computed(n *resource.Node, kind resource.Kind, value any, origins []source.Range) *resource.Node {
	return &resource.Node{Kind: kind, Value: value, Range: n.Range, KeyRange: n.KeyRange, Origins: append(origins[:len(origins):len(origins)], n.Origins...)}
}

// moved gives v, which stands elsewhere, as what the function at n came to.
func moved(n, v *resource.Node) *resource.Node {
	c := computed(n, v.Kind, v.Value, append([]source.Range{v.Range}, v.Origins...))
	c.Unknown, c.Why, c.Partial, c.Refs, c.Parts, c.Embedded = v.Unknown, v.Why, v.Partial, v.Refs, v.Parts, v.Embedded
	for _, it := range v.Items {
		c.Items = append(c.Items, moved(n, it))
	}
	for i := range c.Items {
		c.Items[i].KeyRange = source.Range{}
	}
	c.Fields = v.Fields
	return c
}

// scalar gives the text of a value that is known and neither a list nor a map.
func scalar(n *resource.Node) (string, bool) {
	if n == nil || n.Unknown {
		return "", false
	}
	switch v := n.Value.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), true
	}
	return "", false
}

// whyOf says why a value cannot be used as text.
func whyOf(n *resource.Node) string {
	if n != nil && n.Unknown && n.Why != "" {
		return n.Why
	}
	return "an argument of a function that is not text"
}

// call works out one function.
func (r *resolver) call(n *resource.Node, name string, arg *resource.Node, depth int) *resource.Node {
	switch name {
	case "Ref":
		return r.ref(n, arg.Str())
	case "Fn::GetAtt":
		a := attribute(arg)
		if v := r.output(n, a, depth); v != nil {
			return v
		}
		id, _, _ := strings.Cut(a, ".")
		return r.unknownOf(n, id, a+", which is known only when the stack is made")
	case "Fn::Sub":
		return r.sub(n, arg, depth)
	case "Fn::Join":
		return r.join(n, arg, depth)
	case "Fn::Select":
		return r.selectItem(n, arg, depth)
	case "Fn::Split":
		return r.split(n, arg, depth)
	case "Fn::FindInMap":
		return r.findInMap(n, arg, depth)
	case "Fn::If":
		return r.choose(n, arg, depth)
	case "Fn::Length":
		v := r.value(arg, depth)
		if v == nil || v.Unknown || v.Partial || v.Kind != resource.List {
			return unknownFor(n, v)
		}
		return computed(n, resource.Int, int64(len(v.Items)), v.Origins)
	case "Fn::ToJsonString":
		v := r.value(arg, depth)
		if v == nil || v.Unknown {
			return unknownFor(n, v)
		}
		out := unknown(n, "the text of Fn::ToJsonString")
		out.Embedded = v
		return out
	case "Fn::Base64":
		// Rules look at the text, whatever it travels as.
		v := r.value(arg, depth)
		if s, ok := scalar(v); ok {
			return computed(n, resource.String, s, v.Origins)
		}
		out := unknownFor(n, v)
		if v != nil {
			out.Parts = v.Parts
		}
		return out
	}
	why := yamltree.Clean(name) + ", which is known only when the stack is made"
	switch name {
	case "Fn::ImportValue", "Fn::GetAZs", "Fn::Cidr":
		return set(n, why) // no stack can export an empty value
	case "Fn::Transform":
		r.macros++
	}
	return unknown(n, why)
}

func attribute(arg *resource.Node) string {
	if s := arg.Str(); s != "" {
		return yamltree.Clean(s)
	}
	var parts []string
	for _, it := range arg.Items {
		parts = append(parts, it.Str())
	}
	if len(parts) == 0 {
		return "an attribute"
	}
	return yamltree.Clean(strings.Join(parts, "."))
}

// ref gives what a name stands for: a parameter's default, or something that
// only the stack knows.
func (r *resolver) ref(n *resource.Node, name string) *resource.Node {
	switch name {
	case "AWS::NoValue":
		return nil
	case "AWS::Partition":
		return computed(n, resource.String, "aws", nil)
	case "AWS::URLSuffix":
		return computed(n, resource.String, "amazonaws.com", nil)
	}
	p := r.parameters.Get(name)
	if p == nil {
		if name == "" || !strings.HasPrefix(name, "AWS::") && r.resources.Get(name) == nil {
			return unknown(n, yamltree.Clean(name)+", which is neither a parameter nor a resource of the template")
		}
		out := r.unknownOf(n, name, yamltree.Clean(name)+", which is known only when the stack is made")
		if slices.Contains(alwaysSet, name) {
			out.Parts = something
		}
		return out
	}
	d, kind := p.Get("Default"), p.Get("Type").Str()
	if g, ok := r.given[name]; ok {
		if d = g; d.Unknown || d.Kind == resource.List {
			return moved(n, d)
		}
	}
	if allowed := p.Get("AllowedValues"); d == nil && allowed != nil && len(allowed.Items) == 1 {
		d = allowed.Items[0] // there is no other
	}
	s, ok := scalar(d)
	switch {
	case d == nil && neverEmpty(p):
		return set(n, "the parameter "+yamltree.Clean(name)+", which has no default")
	case d == nil:
		return unknown(n, "the parameter "+yamltree.Clean(name)+", which has no default")
	case ok && kind == "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>":
		// An image by the name that its maker keeps for the latest one.
		return computed(n, resource.String, "{{resolve:ssm:"+s+"}}", []source.Range{d.Range})
	case strings.HasPrefix(kind, ssmValue) && !strings.Contains(kind, "List<"):
		return set(n, "the parameter "+yamltree.Clean(name)+", which is known only when the stack is made")
	case !ok || strings.HasPrefix(kind, "AWS::SSM::"):
		return unknown(n, "the parameter "+yamltree.Clean(name)+", which is known only when the stack is made")
	case kind == "CommaDelimitedList" || strings.HasPrefix(kind, "List<"):
		return r.list(n, strings.Split(s, ","), []source.Range{d.Range}, true)
	case kind == "Number":
		if v, err := strconv.ParseInt(s, 10, 64); err == nil {
			return computed(n, resource.Int, v, []source.Range{d.Range})
		}
	}
	return computed(n, resource.String, s, []source.Range{d.Range})
}

// alwaysSet are the pseudo parameters that only the stack knows and that always
// have a value. They are read, never written.
var alwaysSet = []string{"AWS::AccountId", "AWS::Region", "AWS::StackId", "AWS::StackName"}

// ssmValue begins the type of a parameter whose value stands in Systems Manager,
// which stores no empty one.
const ssmValue = "AWS::SSM::Parameter::Value<"

// neverEmpty reports whether no stack can leave a parameter empty: CloudFormation
// takes nothing but the name of something that exists, a number, or a text that
// the parameter's own constraints let through.
func neverEmpty(p *resource.Node) bool {
	kind := p.Get("Type").Str()
	switch {
	case kind == "Number":
		return true
	case strings.HasPrefix(kind, "AWS::"):
		return !strings.Contains(kind, "List<")
	case kind != "String":
		return false
	}
	if least, ok := scalar(p.Get("MinLength")); ok {
		if v, err := strconv.Atoi(least); err == nil && v > 0 {
			return true
		}
	}
	allowed := p.Get("AllowedValues")
	return allowed != nil && !allowed.Unknown && len(allowed.Items) > 0 && !slices.ContainsFunc(allowed.Items, func(n *resource.Node) bool {
		s, ok := scalar(n)
		return !ok || s == ""
	})
}

// list makes a list of texts.
func (r *resolver) list(n *resource.Node, texts []string, origins []source.Range, trim bool) *resource.Node {
	if r.spent += len(texts); r.spent > maxNodes {
		return unknown(n, "a template that is too large to be worked out")
	}
	out := computed(n, resource.List, nil, origins)
	for _, s := range texts {
		if trim {
			s = strings.TrimSpace(s)
		}
		it := computed(n, resource.String, s, out.Origins)
		it.KeyRange = source.Range{}
		out.Items = append(out.Items, it)
	}
	return out
}
