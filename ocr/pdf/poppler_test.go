package pdf

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The limits hold from a program's first instruction on.
func TestLimitsAreSetBeforeTheProgramBegins(t *testing.T) {
	prlimit, err := exec.LookPath("prlimit")
	if err != nil {
		t.Skip("prlimit (util-linux) is not installed: limits are set right after the start")
	}
	flags := limitFlags(Limits{MaxMemory: 150 << 20, PageTime: 7 * time.Second})
	out, err := exec.Command(prlimit, append(flags, "/bin/sh", "-c", "ulimit -v; ulimit -t; ulimit -f; ulimit -c")...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Equal(t, []string{"153600", "8", "0", "0"}, strings.Fields(string(out)))
}
