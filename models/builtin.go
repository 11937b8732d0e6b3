package models

import (
	_ "embed"
	"fmt"
	"sync"
)

//go:embed catalog.yaml
var catalogYAML []byte

var builtin = sync.OnceValues(func() (*Catalog, error) { return ParseCatalog(catalogYAML) })

// Builtin returns the catalogue that is compiled into the program. It is shared and must not be changed.
func Builtin() (*Catalog, error) {
	c, err := builtin()
	if err != nil {
		return nil, fmt.Errorf("built-in catalogue: %w", err)
	}
	return c, nil
}
