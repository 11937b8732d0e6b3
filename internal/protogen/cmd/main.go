package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/courtsense/courtsense/internal/protogen"
)

func main() {
	root := flag.String("root", "api", "folder that import paths start from")
	out := flag.String("out", "", "folder to write the generated files to")
	descriptors := flag.String("descriptors", "", "file to write the descriptor set with all imports to")
	flag.Parse()
	if err := run(context.Background(), *root, *out, *descriptors); err != nil {
		fmt.Fprintln(os.Stderr, "protogen:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, root, out, descriptors string) error {
	if out == "" && descriptors == "" {
		return errors.New("nothing to do: name -out DIR or -descriptors FILE")
	}
	contract, err := protogen.Compile(ctx, root)
	if err != nil {
		return err
	}
	if descriptors != "" {
		if err := contract.WriteDescriptors(descriptors); err != nil {
			return err
		}
	}
	if out == "" {
		return nil
	}
	return contract.Generate(ctx, out)
}
