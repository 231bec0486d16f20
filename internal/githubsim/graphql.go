package githubsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// GraphQL is executed by walking the parsed operation over maps: whatever a
// query selects is looked up by name, so that new queries need no new code.

// node is a GraphQL object: its fields by name, and __typename. A field is a
// value, a node, a list ([]any), or a resolver.
type node map[string]any

// resolver computes a field when it is selected.
type resolver func(args map[string]any) (any, error)

const (
	maxQueryTokens = 20_000
	maxQueryDepth  = 25
)

type gqlError struct {
	kind    string // NOT_FOUND, FORBIDDEN, UNPROCESSABLE, STALE_DATA, …
	message string
}

func (e *gqlError) Error() string { return e.message }

type execution struct {
	vars      map[string]any
	fragments ast.FragmentDefinitionList
	errors    []any
	invalid   bool // the query asks for what there is not
}

func (s *Server) serveGraphQL(x *exchange) {
	if x.Method != "POST" {
		x.fail(notFound())
		return
	}
	var req struct {
		Query         string         `json:"query"`
		OperationName string         `json:"operationName"`
		Variables     map[string]any `json:"variables"`
	}
	d := json.NewDecoder(strings.NewReader(string(x.body)))
	d.UseNumber()
	if err := d.Decode(&req); err != nil || req.Query == "" {
		x.fail(&apiError{status: 400, message: "Problems parsing JSON"})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, authErr := s.tokenOf(bearer(x.r))
	if authErr != nil {
		x.fail(authErr)
		return
	}
	x.InstallationID = t.installation.id
	if err := x.countRate(t.installation, "graphql"); err != nil {
		x.fail(err)
		return
	}
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: req.Query}, maxQueryTokens)
	if err != nil {
		x.reply(200, map[string]any{"errors": []any{map[string]any{"message": "Parse error: " + err.Error()}}})
		return
	}
	op := doc.Operations.ForName(req.OperationName)
	if op == nil {
		x.reply(200, map[string]any{"errors": []any{map[string]any{"message": "An operation name is required"}}})
		return
	}
	vars, missing := variables(op, req.Variables)
	if missing != "" {
		x.reply(200, map[string]any{"errors": []any{map[string]any{
			"message": fmt.Sprintf("Variable $%s was provided invalid value", missing),
		}}})
		return
	}
	g := &graph{s: s, token: t, app: t.installation.app, actor: t.installation.app.Bot}
	root := g.query()
	if op.Operation == ast.Mutation {
		root = g.mutation()
	}
	ex := &execution{vars: vars, fragments: doc.Fragments}
	var names []string
	for _, f := range ex.fields(op.SelectionSet, root) {
		names = append(names, f.Name)
	}
	x.Template = string(op.Operation) + " " + strings.Join(names, " ")
	data := ex.object(op.SelectionSet, root, nil)
	out := map[string]any{"data": data}
	if ex.errors != nil {
		out["errors"] = ex.errors
	}
	if ex.invalid {
		delete(out, "data") // GitHub does not begin with a query that its schema refuses
	}
	x.reply(200, out)
}

// variables fills in defaults and names the first that is missing.
func variables(op *ast.OperationDefinition, given map[string]any) (vars map[string]any, missing string) {
	vars = map[string]any{}
	for _, v := range op.VariableDefinitions {
		value, ok := given[v.Variable]
		if !ok && v.DefaultValue != nil {
			if def, err := v.DefaultValue.Value(nil); err == nil {
				value, ok = def, true
			}
		}
		if v.Type.NonNull && value == nil {
			return nil, v.Variable
		}
		if ok {
			vars[v.Variable] = value
		}
	}
	return vars, ""
}

// fields gives the fields of a selection for a node, fragments unfolded. A
// fragment within itself is left out.
func (ex *execution) fields(set ast.SelectionSet, n node, within ...string) []*ast.Field {
	var out []*ast.Field
	for _, sel := range set {
		switch sel := sel.(type) {
		case *ast.Field:
			if ex.included(sel.Directives) {
				out = append(out, sel)
			}
		case *ast.InlineFragment:
			if ex.included(sel.Directives) && n.is(sel.TypeCondition) {
				out = append(out, ex.fields(sel.SelectionSet, n, within...)...)
			}
		case *ast.FragmentSpread:
			f := ex.fragments.ForName(sel.Name)
			if f != nil && !slices.Contains(within, sel.Name) && ex.included(sel.Directives) && n.is(f.TypeCondition) {
				out = append(out, ex.fields(f.SelectionSet, n, append(slices.Clone(within), sel.Name)...)...)
			}
		}
	}
	return out
}

// interfaces are what the types that there are implement.
var interfaces = map[string][]string{
	"Actor":           {"User", "Bot", "Organization"},
	"GitObject":       {"Commit", "Tree", "Blob"},
	"Comment":         {"IssueComment", "PullRequestReviewComment", "PullRequestReview", "PullRequest"},
	"Assignable":      {"PullRequest"},
	"RepositoryOwner": {"User", "Organization"},
}

func (n node) is(condition string) bool {
	name, _ := n["__typename"].(string)
	if condition == "" || condition == name || condition == "Node" {
		return true
	}
	for _, t := range interfaces[condition] {
		if t == name {
			return true
		}
	}
	return false
}

func (ex *execution) included(ds ast.DirectiveList) bool {
	for _, d := range ds {
		a := d.Arguments.ForName("if")
		if a == nil {
			continue
		}
		v, err := a.Value.Value(ex.vars)
		if b, ok := v.(bool); err == nil && ok && b == (d.Name == "skip") {
			return false
		}
	}
	return true
}

func (ex *execution) object(set ast.SelectionSet, n node, path []any) any {
	if len(path) > 2*maxQueryDepth {
		ex.fail(path, nil, errors.New("query is nested too deep"))
		return nil
	}
	out := map[string]any{}
	for _, f := range ex.fields(set, n) {
		at := append(append([]any{}, path...), f.Alias)
		value, ok := n[f.Name]
		if !ok {
			ex.undefined(at, f, n)
			continue
		}
		if r, ok := value.(resolver); ok {
			args := map[string]any{}
			for _, a := range f.Arguments {
				v, err := a.Value.Value(ex.vars)
				if err != nil {
					ex.fail(at, f, err)
					continue
				}
				args[a.Name] = v
			}
			v, err := r(args)
			if err != nil {
				ex.fail(at, f, err)
				out[f.Alias] = nil
				continue
			}
			value = v
		}
		out[f.Alias] = ex.complete(f, value, at)
	}
	return out
}

func (ex *execution) complete(f *ast.Field, value any, path []any) any {
	switch v := value.(type) {
	case node:
		if v == nil {
			return nil
		}
		return ex.object(f.SelectionSet, v, path)
	case []any:
		out := make([]any, 0, len(v))
		for i, item := range v {
			out = append(out, ex.complete(f, item, append(append([]any{}, path...), i)))
		}
		return out
	}
	return value
}

// undefined notes a field that a type does not have; such errors have a code in
// their extensions instead of a type.
func (ex *execution) undefined(path []any, f *ast.Field, n node) {
	ex.invalid = true
	ex.errors = append(ex.errors, map[string]any{
		"message":    fmt.Sprintf("Field '%s' doesn't exist on type '%v'", f.Name, n["__typename"]),
		"path":       path,
		"extensions": map[string]any{"code": "undefinedField", "typeName": n["__typename"], "fieldName": f.Name},
		"locations":  []any{map[string]any{"line": f.Position.Line, "column": f.Position.Column}},
	})
}

func (ex *execution) fail(path []any, f *ast.Field, err error) {
	e := map[string]any{"message": err.Error(), "path": path}
	var g *gqlError
	if errors.As(err, &g) {
		e["type"] = g.kind
	}
	if f != nil && f.Position != nil {
		e["locations"] = []any{map[string]any{"line": f.Position.Line, "column": f.Position.Column}}
	}
	ex.errors = append(ex.errors, e)
}

// connection makes a field that pages through items by first, after, last, before.
func connection(typeName string, items []any) resolver {
	return func(args map[string]any) (any, error) {
		from, to := 0, len(items)
		if c, ok := args["after"].(string); ok && c != "" {
			n, err := strconv.Atoi(strings.TrimPrefix(c, "cursor:"))
			if err != nil {
				return nil, &gqlError{kind: "INVALID_CURSOR_ARGUMENTS", message: fmt.Sprintf("`%s` does not appear to be a valid cursor.", c)}
			}
			from = min(max(0, n), to)
		}
		if c, ok := args["before"].(string); ok && c != "" {
			n, err := strconv.Atoi(strings.TrimPrefix(c, "cursor:"))
			if err != nil {
				return nil, &gqlError{kind: "INVALID_CURSOR_ARGUMENTS", message: fmt.Sprintf("`%s` does not appear to be a valid cursor.", c)}
			}
			to = max(from, min(n-1, to))
		}
		first, hasFirst, err := pageSize(args, "first")
		if err != nil {
			return nil, err
		}
		last, hasLast, err := pageSize(args, "last")
		if err != nil {
			return nil, err
		}
		if !hasFirst && !hasLast {
			return nil, &gqlError{kind: "MISSING_PAGINATION_BOUNDARIES", message: fmt.Sprintf(
				"You must provide a `first` or `last` value to properly paginate the `%s` connection.", typeName)}
		}
		if hasFirst {
			to = min(to, from+first)
		}
		if hasLast {
			from = max(from, to-last)
		}
		edges, nodes := []any{}, []any{}
		for i := from; i < to; i++ {
			nodes = append(nodes, items[i])
			edges = append(edges, node{"__typename": typeName + "Edge", "node": items[i], "cursor": cursor(i + 1)})
		}
		info := node{
			"__typename": "PageInfo", "hasNextPage": to < len(items), "hasPreviousPage": from > 0,
			"startCursor": nil, "endCursor": nil,
		}
		if to > from {
			info["startCursor"], info["endCursor"] = cursor(from+1), cursor(to)
		}
		return node{
			"__typename": typeName + "Connection", "nodes": nodes, "edges": edges,
			"totalCount": len(items), "pageInfo": info,
		}, nil
	}
}

func cursor(n int) string { return "cursor:" + strconv.Itoa(n) }

func pageSize(args map[string]any, name string) (int, bool, error) {
	n, ok := intArg(args, name)
	if !ok {
		return 0, false, nil
	}
	if n < 1 || n > 100 {
		return 0, false, &gqlError{kind: "EXCESSIVE_PAGINATION", message: fmt.Sprintf(
			"Requesting %d records on the connection exceeds the `%s` limit of 100 records.", n, name)}
	}
	return n, true, nil
}

func intArg(args map[string]any, name string) (int, bool) {
	switch v := args[name].(type) {
	case int64:
		return int(v), true
	case json.Number:
		n, err := v.Int64()
		return int(n), err == nil
	}
	return 0, false
}
