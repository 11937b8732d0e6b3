package server

import (
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A server may be closed while it starts: the race detector watches that Accept and Close agree on who waits for whom.
func TestClosedWhileItStartsToAccept(t *testing.T) {
	for range 200 {
		port, err := net.Listen("tcp", "localhost:0")
		require.NoError(t, err)
		l := joinListeners(port)
		var both sync.WaitGroup
		both.Go(func() {
			_, err := l.Accept()
			assert.Error(t, err)
		})
		both.Go(func() { assert.NoError(t, l.Close()) })
		both.Wait()
		_, err = l.Accept()
		require.ErrorIs(t, err, net.ErrClosed)
		require.NoError(t, l.Close())
	}
}
