package kustomize_test

import (
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/format/formattest"
	"github.com/plimsoll-iac/plimsoll/internal/format/kustomize"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

const good = `namespace: shop
configMapGenerator:
  - name: settings
    literals: [level=info]
`

func cases() formattest.Cases {
	return formattest.Cases{
		Format:    kustomize.Name,
		Platforms: []string{resource.Kubernetes},
		File:      "kustomization.yaml",
		Good:      good,
		Broken:    "resources: [\n",
		Key:       formattest.YAMLKey,
		Scalar: func(text string, n *resource.Node) (any, bool) {
			v, ok := formattest.YAMLScalar(text, n)
			if n.Kind == resource.Bool {
				if _, isText := v.(string); isText {
					return nil, false // yes and no
				}
			}
			return v, ok
		},
	}
}

func TestConformance(t *testing.T) {
	c := cases()
	formattest.Run(t, kustomize.New(), c)
}
