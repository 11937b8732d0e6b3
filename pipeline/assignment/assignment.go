package assignment

import "math"

// Impossible is the cost of a match that must not be.
const Impossible = math.MaxInt

// Cheapest matches rows with columns so that as many as possible are matched and, among those ways, the sum of costs, which are 0
// or more, is least (the Hungarian method in the form of shortest augmenting paths: R. Jonker, A. Volgenant, A shortest augmenting
// path algorithm for dense and sparse linear assignment problems, Computing 38, 1987). A cost of [Impossible] is never matched. The
// result has each row's column, or -1.
func Cheapest(cost [][]float64) []int {
	match := make([]int, len(cost))
	for i := range match {
		match[i] = -1
	}
	if len(cost) == 0 || len(cost[0]) == 0 {
		return match
	}
	// A square matrix whose added and Impossible places cost more than all others together.
	n, dear := max(len(cost), len(cost[0])), 1.0
	for _, row := range cost {
		for _, c := range row {
			if c < Impossible {
				dear += c
			}
		}
	}
	at := func(i, j int) float64 {
		if i < len(cost) && j < len(cost[i]) && cost[i][j] < Impossible {
			return cost[i][j]
		}
		return dear
	}
	// Rows and columns count from 1; column 0 stands for the row that is being placed.
	u, v := make([]float64, n+1), make([]float64, n+1)
	rowOf, way := make([]int, n+1), make([]int, n+1)
	for i := 1; i <= n; i++ {
		rowOf[0] = i
		least, used := make([]float64, n+1), make([]bool, n+1)
		for j := range least {
			least[j] = math.Inf(1)
		}
		j := 0
		for rowOf[j] != 0 {
			used[j] = true
			delta, next := math.Inf(1), 0
			for k := 1; k <= n; k++ {
				if used[k] {
					continue
				}
				if c := at(rowOf[j]-1, k-1) - u[rowOf[j]] - v[k]; c < least[k] {
					least[k], way[k] = c, j
				}
				if least[k] < delta {
					delta, next = least[k], k
				}
			}
			for k := range used {
				if used[k] {
					u[rowOf[k]] += delta
					v[k] -= delta
				} else {
					least[k] -= delta
				}
			}
			j = next
		}
		for j != 0 {
			rowOf[j] = rowOf[way[j]]
			j = way[j]
		}
	}
	for j := 1; j <= n; j++ {
		if i := rowOf[j] - 1; i < len(cost) && j-1 < len(cost[0]) && cost[i][j-1] < Impossible {
			match[i] = j - 1
		}
	}
	return match
}
