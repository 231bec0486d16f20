package fix_test

import (
	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/dockerfile"
	"github.com/plimsoll-iac/plimsoll/internal/format/terraform"
)

func dockerReader() format.Reader    { return dockerfile.New() }
func terraformReader() format.Reader { return terraform.New() }
