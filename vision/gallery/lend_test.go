package gallery

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLentKeys(t *testing.T) {
	k, err := NewKeyring("b", map[string][]byte{"a": bytes.Repeat([]byte{1}, 32), "b": bytes.Repeat([]byte{2}, 32)})
	require.NoError(t, err)
	id, active, err := k.Lend("", "visits")
	require.NoError(t, err)
	assert.Equal(t, "b", id)
	_, other, err := k.Lend("a", "visits")
	require.NoError(t, err)
	_, again, err := k.Lend("b", "visits")
	require.NoError(t, err)
	_, use, err := k.Lend("b", "receipts")
	require.NoError(t, err)
	assert.Equal(t, active, again)
	assert.NotEqual(t, active, other)
	assert.NotEqual(t, active, use)
	assert.NotEqual(t, derive(k.keys["b"], useWrap), active)
	_, _, err = k.Lend("c", "visits")
	require.ErrorIs(t, err, ErrWrongKey)
}
