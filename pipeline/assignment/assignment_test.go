package assignment

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// TestCheapestIsBest holds the assignment to trying every one.
func TestCheapestIsBest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows, columns := rapid.IntRange(0, 5).Draw(t, "rows"), rapid.IntRange(0, 5).Draw(t, "columns")
		cost := make([][]float64, rows)
		for i := range cost {
			for range columns {
				c := float64(rapid.IntRange(0, 20).Draw(t, "cost"))
				if c > 16 {
					c = Impossible
				}
				cost[i] = append(cost[i], c)
			}
		}
		match, used := Cheapest(cost), map[int]bool{}
		got, n := 0.0, 0
		for i, j := range match {
			if j < 0 {
				continue
			}
			if used[j] || cost[i][j] >= Impossible {
				t.Fatalf("column %d is taken twice, or impossible: %v", j, match)
			}
			used[j] = true
			got += cost[i][j]
			n++
		}
		bestN, best := 0, 0.0
		var try func(i, n int, sum float64, taken int)
		try = func(i, n int, sum float64, taken int) {
			if i == rows {
				if n > bestN || n == bestN && sum < best {
					bestN, best = n, sum
				}
				return
			}
			try(i+1, n, sum, taken)
			for j := range columns {
				if taken&(1<<j) == 0 && cost[i][j] < Impossible {
					try(i+1, n+1, sum+cost[i][j], taken|1<<j)
				}
			}
		}
		try(0, 0, 0, 0)
		if n != bestN || math.Abs(got-best) > 1e-9 {
			t.Fatalf("%d matched for %v, best is %d for %v: %v in %v", n, got, bestN, best, match, cost)
		}
	})
}
