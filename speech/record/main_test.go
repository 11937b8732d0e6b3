package record

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(envHear); dir != "" {
		fmt.Println("error:", hearForever(dir))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}
