package decode

import "github.com/courtsense/courtsense/speech/decode/lexicon"

// node is the last unit of a prefix; its ancestors are the rest.
type node struct {
	parent, child, sibling int32
	refs                   int32 // children, and 1 for the beam
	beam                   int32 // place in the beam, or -1
	unit                   lexicon.Unit
	token                  int32   // that spoke for the unit, which transducers are given as context
	start, last            int32   // first frame, and the last one in which it was heard
	peak                   float32 // greatest log-posterior
	lm                     float32 // natural log-probability of the language model
	confidence             float32 // 0 to 1; below 0: not known yet
	hotLength              int32   // characters of the hot word that ends here
	hot                    string
}

// tree holds the prefixes of the beam and their ancestors down to the root, which stands for what is settled. Nodes that no
// prefix needs are used again, so that its size follows the beam and not the length of the stream.
type tree struct {
	nodes []node
	free  []int32
	root  int32
}

func (t *tree) reset() {
	t.nodes, t.free = append(t.nodes[:0], node{parent: -1, child: -1, sibling: -1, refs: 1, beam: 0, unit: -1}), t.free[:0]
	t.root = 0
}

// extend is the child of a node that writes a unit, made if need be. It isn't in the beam yet.
func (t *tree) extend(parent int32, u lexicon.Unit) (child int32, made bool) {
	for c := t.nodes[parent].child; c >= 0; c = t.nodes[c].sibling {
		if t.nodes[c].unit == u {
			return c, false
		}
	}
	n := node{parent: parent, child: -1, sibling: t.nodes[parent].child, beam: -1, unit: u}
	if last := len(t.free) - 1; last >= 0 {
		child, t.free = t.free[last], t.free[:last]
		t.nodes[child] = n
	} else {
		child = int32(len(t.nodes))
		t.nodes = append(t.nodes, n)
	}
	t.nodes[parent].child = child
	t.nodes[parent].refs++
	return child, true
}

// release takes away one need of a node, and frees it and its ancestors that nothing else needs.
func (t *tree) release(n int32) {
	for {
		v := &t.nodes[n]
		v.refs--
		if v.refs > 0 || n == t.root {
			return
		}
		p := v.parent
		link := &t.nodes[p].child
		for *link != n {
			link = &t.nodes[*link].sibling
		}
		*link = v.sibling
		v.hot = ""
		t.free = append(t.free, n)
		n = p
	}
}

// path appends the nodes from below the root to n.
func (t *tree) path(n int32, buf []int32) []int32 {
	from := len(buf)
	for ; n != t.root; n = t.nodes[n].parent {
		buf = append(buf, n)
	}
	for i, j := from, len(buf)-1; i < j; i, j = i+1, j-1 {
		buf[i], buf[j] = buf[j], buf[i]
	}
	return buf
}

// below is the ancestor of n, or n itself, right below the root; -1 of the root.
func (t *tree) below(n int32) int32 {
	if n == t.root {
		return -1
	}
	for t.nodes[n].parent != t.root {
		n = t.nodes[n].parent
	}
	return n
}
