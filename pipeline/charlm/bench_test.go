package charlm

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkContexts reads the contexts of the places in doubt on a page of 1,000 characters.
func BenchmarkContexts(b *testing.B) {
	m := embeddedModel(b)
	text := make([]Class, 1000)
	for i := range text {
		text[i] = marks + Class(i*i%997)
	}
	for _, reach := range []int{8, 12, 16, 24} {
		for _, n := range []int{10, 30, 100, 300} {
			places := make([]int, n)
			for i := range places {
				places[i] = i*1000/n + i%3
			}
			b.Run(fmt.Sprintf("reach=%d/places=%d", reach, n), func(b *testing.B) {
				for b.Loop() {
					_, err := m.Contexts(context.Background(), text, places, reach)
					require.NoError(b, err)
				}
			})
		}
	}
}
