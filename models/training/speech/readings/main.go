package main

import (
	"bufio"
	"fmt"
	"os"

	"github.com/courtsense/courtsense/speech/syllable"
)

func main() {
	out := bufio.NewWriter(os.Stdout)
	for r := rune(0x4e00); r <= 0x9fff; r++ {
		if s := syllable.First(r); s != 0 {
			fmt.Fprintf(out, "%c\t%s\t%g\n", r, s, syllable.Frequency(r))
		}
	}
	if err := out.Flush(); err != nil {
		fmt.Fprintln(os.Stderr, "readings:", err)
		os.Exit(1)
	}
}
