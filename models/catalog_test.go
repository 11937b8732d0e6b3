package models

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBuiltinCatalogIsValid(t *testing.T) {
	c, err := Builtin()
	require.NoError(t, err)
	require.NotEmpty(t, c.Models)
}
