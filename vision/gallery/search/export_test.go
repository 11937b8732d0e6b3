package search

// FloatGraph is the plain product, for comparison with the bare runtime.
var FloatGraph = floatGraph
