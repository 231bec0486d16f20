package fix

import (
	"errors"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// shortForm turns what is to become of an item that a service writes as a text
// into the text that says it. Rules see the parts of such a text as fields; to
// set one as a field would put a map in the place of the text.
func shortForm(item resource.Path, n *resource.Node, p *patch) (*patch, error) {
	if len(p.kids) == 0 || n == nil || n.Kind == resource.Map || n.Kind == resource.List {
		return p, nil
	}
	refused := errors.New("the short form is edited by hand")
	text, ok := n.Value.(string)
	if !ok || len(item) == 0 || item[0].Name != "ports" || strings.Contains(text, "$") || len(p.kids) != 1 {
		return nil, refused
	}
	ip := p.kids[0]
	if ip.step.Name != "host_ip" || ip.p.set == nil || ip.p.set.kind != resource.String {
		return nil, refused
	}
	ports := text
	if i := strings.LastIndexByte(text, ':'); i < 0 {
		return nil, refused // a port of the container alone
	} else if j := strings.LastIndexByte(text[:i], ':'); j >= 0 {
		ports = text[j+1:]
	}
	address := ip.p.set.scalar.(string)
	if strings.Contains(address, ":") {
		address = "[" + address + "]"
	}
	return &patch{set: &value{kind: resource.String, scalar: address + ":" + ports}}, nil
}
