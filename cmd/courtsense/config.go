package main

import (
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/courtsense/courtsense/internal/conf"
)

// addConfigFlags adds those of the configuration's flags that concern the command.
func addConfigFlags(cmd *cobra.Command, names ...string) *conf.Flags {
	all := pflag.NewFlagSet("configuration", pflag.ContinueOnError)
	flags := conf.BindFlags(all)
	for _, n := range names {
		// The flag itself is shared, so what the command line sets is seen by the configuration.
		cmd.Flags().AddFlag(all.Lookup(n))
	}
	return flags
}

// loadConfig reads the configuration; what is wrong with it is a usage error.
func loadConfig(flags *conf.Flags) (*conf.Loaded, error) {
	loaded, err := conf.Load(flags, os.Environ())
	if err != nil {
		return nil, usagef("%w", err)
	}
	return loaded, nil
}
