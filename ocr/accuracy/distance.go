package accuracy

// Edits counts the single-character edits of a cheapest way from the truth to what was read. Among the cheapest ways the
// one with the fewest substitutions is counted, so that the split is unique.
type Edits struct {
	Substitutions int
	Insertions    int // read, but not there
	Deletions     int // there, but not read
}

// Total is the Levenshtein distance.
func (e Edits) Total() int { return e.Substitutions + e.Insertions + e.Deletions }

// A path's cost holds its edits in the high part and its substitutions in the low part, so that one minimum finds both.
const (
	indel        = int64(1) << 32
	substitution = indel + 1
	unreachable  = int64(1) << 62
)

// Distance compares two texts character by character (Unicode code points), as they are: see [Normalize].
//
// Only a diagonal band is computed, doubled until it is sure to hold every cheapest path (E. Ukkonen, Algorithms for
// approximate string matching, 1985): time grows with length times distance, and a well-read page costs next to nothing.
func Distance(truth, read string) Edits {
	a, b := []rune(truth), []rune(read)
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	limit := max(len(a), len(b))
	for width := 16; ; width *= 2 {
		width = min(max(width, abs(len(a)-len(b))), limit)
		cost := banded(a, b, width)
		// A path that leaves the band has more than width insertions or deletions.
		if cost < unreachable && cost/indel <= int64(width) || width == limit {
			return split(cost, len(b)-len(a))
		}
	}
}

func split(cost int64, growth int) Edits {
	subs, total := int(cost%indel), int(cost/indel)
	indels := total - subs
	return Edits{Substitutions: subs, Insertions: (indels + growth) / 2, Deletions: (indels - growth) / 2}
}

// banded returns the cost of the cheapest path whose insertions and deletions never differ by more than width.
func banded(a, b []rune, width int) int64 {
	previous, current := make([]int64, len(b)+1), make([]int64, len(b)+1)
	for j := range previous {
		previous[j] = unreachable
		if j <= width {
			previous[j] = int64(j) * indel
		}
	}
	for i := 1; i <= len(a); i++ {
		from, to := max(i-width, 0), min(i+width, len(b))
		if from == 0 {
			current[0] = int64(i) * indel
			from = 1
		} else {
			current[from-1] = unreachable
		}
		for j := from; j <= to; j++ {
			best := previous[j-1]
			if a[i-1] != b[j-1] {
				best += substitution
			}
			best = min(best, current[j-1]+indel)
			if j < i+width { // the cell above is inside the band
				best = min(best, previous[j]+indel)
			}
			current[j] = best
		}
		previous, current = current, previous
	}
	return previous[len(b)]
}

func abs(n int) int { return max(n, -n) }
