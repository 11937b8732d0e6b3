package models

import (
	"fmt"
	"slices"
)

// Bind compares the entry's tensors with the names that a graph declares and fills in the name of a side's single
// nameless tensor. Without any inputs or outputs in the entry it asks for nothing: the family reads the graph itself.
func (e Entry) Bind(inputs, outputs []string) (Entry, error) {
	var err error
	if e.Inputs, err = bind(e.ID, "input", e.Inputs, inputs); err != nil {
		return Entry{}, err
	}
	if e.Outputs, err = bind(e.ID, "output", e.Outputs, outputs); err != nil {
		return Entry{}, err
	}
	return e, nil
}

func bind(id, what string, specs []TensorSpec, graph []string) ([]TensorSpec, error) {
	specs = slices.Clone(specs)
	for i, t := range specs {
		switch {
		case t.Name == "" && len(graph) == 1:
			specs[i].Name = graph[0]
		case t.Name == "":
			return nil, fmt.Errorf("model %s: the catalogue names no %s because there should be one, the graph has %d: %q", id, what, len(graph), graph)
		case !slices.Contains(graph, t.Name):
			return nil, fmt.Errorf("model %s: the graph has no %s %q, it has %q: this is another export of the model", id, what, t.Name, graph)
		}
	}
	return specs, nil
}
