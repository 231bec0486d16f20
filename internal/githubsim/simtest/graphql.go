package simtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

var graphQLSchema = sync.OnceValues(func() (*ast.Schema, error) {
	b, err := description("schema.graphql")
	if err != nil {
		return nil, err
	}
	doc, err := parser.ParseSchemas(validator.Prelude, &ast.Source{Name: "schema.graphql", Input: string(b)})
	if err != nil {
		return nil, err
	}
	// GitHub's published schema defines some fields twice.
	for _, d := range doc.Definitions {
		seen := map[string]bool{}
		d.Fields = slices.DeleteFunc(d.Fields, func(f *ast.FieldDefinition) bool {
			again := seen[f.Name]
			seen[f.Name] = true
			return again
		})
	}
	return validator.ValidateSchemaDocument(doc)
})

// GraphQLSchema gives GitHub's schema.
func GraphQLSchema() (*ast.Schema, error) { return graphQLSchema() }

// checkGraphQL holds a request against the schema, and the answer's members
// against the fields that were asked for.
func checkGraphQL(body []byte, answer *httptest.ResponseRecorder) error {
	schema, err := graphQLSchema()
	if err != nil {
		return err
	}
	var req struct {
		Query         string         `json:"query"`
		OperationName string         `json:"operationName"`
		Variables     map[string]any `json:"variables"`
	}
	if err := json.Unmarshal(body, &req); err != nil {
		return err
	}
	doc, errs := gqlparser.LoadQueryWithRules(schema, req.Query, rules.NewDefaultRules())
	if errs != nil {
		return errs
	}
	op := doc.Operations.ForName(req.OperationName)
	if op == nil {
		return fmt.Errorf("no operation %q", req.OperationName)
	}
	if _, err := validator.VariableValues(schema, op, req.Variables); err != nil {
		return err
	}
	if answer.Code != http.StatusOK {
		return nil // refused before it was looked at
	}
	var got struct {
		Data   map[string]any `json:"data"`
		Errors []any          `json:"errors"`
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &got); err != nil {
		return err
	}
	if got.Data == nil && got.Errors == nil {
		return errors.New("the answer has neither data nor errors")
	}
	if got.Errors != nil {
		return nil
	}
	return checkSelection(schema, op.SelectionSet, got.Data, "data")
}

// checkSelection says which field of a selection lacks its answer, or has null
// where the schema allows none.
func checkSelection(schema *ast.Schema, set ast.SelectionSet, data map[string]any, at string) error {
	for _, sel := range set {
		f, ok := sel.(*ast.Field)
		if !ok {
			continue // fragments depend on types that the answer need not name
		}
		v, ok := data[f.Alias]
		if !ok {
			return fmt.Errorf("%s.%s is not answered", at, f.Alias)
		}
		if err := checkValue(schema, f, f.Definition.Type, v, at+"."+f.Alias); err != nil {
			return err
		}
	}
	return nil
}

func checkValue(schema *ast.Schema, f *ast.Field, kind *ast.Type, v any, at string) error {
	if v == nil {
		if kind.NonNull {
			return fmt.Errorf("%s is null, the schema says %s", at, kind)
		}
		return nil
	}
	if kind.Elem != nil {
		items, ok := v.([]any)
		if !ok {
			return fmt.Errorf("%s is no list, the schema says %s", at, kind)
		}
		for i, item := range items {
			if err := checkValue(schema, f, kind.Elem, item, fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return err
			}
		}
		return nil
	}
	definition := schema.Types[kind.NamedType]
	switch definition.Kind {
	case ast.Enum:
		text, _ := v.(string)
		if definition.EnumValues.ForName(text) == nil {
			return fmt.Errorf("%s is %v, not of %s", at, v, kind.NamedType)
		}
	case ast.Scalar:
		ok := true
		switch kind.NamedType {
		case "Boolean":
			_, ok = v.(bool)
		case "Int", "Float":
			_, ok = v.(float64)
		case "String", "ID", "DateTime", "URI", "GitObjectID", "BigInt":
			_, ok = v.(string)
		}
		if !ok {
			return fmt.Errorf("%s is %v, the schema says %s", at, v, kind.NamedType)
		}
	default:
		m, ok := v.(map[string]any)
		if !ok {
			return fmt.Errorf("%s is no object, the schema says %s", at, kind)
		}
		return checkSelection(schema, f.SelectionSet, m, at)
	}
	return nil
}
