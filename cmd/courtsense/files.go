package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/courtsense/courtsense/internal/app"
)

// atLeastOne refuses an empty command line with what is missing from it.
func atLeastOne(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usagef("name %s; see '%s --help'", what, cmd.CommandPath())
		}
		return nil
	}
}

func oneOf(flag, value string, accepted ...string) error {
	if !slices.Contains(accepted, value) {
		return usagef("%s %q is not known; there are %s", flag, value, strings.Join(accepted, ", "))
	}
	return nil
}

func addJobsFlag(set *pflag.FlagSet, jobs *int) {
	set.IntVarP(jobs, "jobs", "j", defaultJobs(), "files at once")
}

// onFiles opens the connection, unless there is nothing to do with it, and hands it to work.
func onFiles(cmd *cobra.Command, c *console, connect *connectFlags, parts app.Part, inputs []input, work func(context.Context, *connection) error) (err error) {
	if jobs, err := cmd.Flags().GetInt("jobs"); err == nil && (jobs < 1 || jobs > 64) {
		return usagef("--jobs %d is out of range: 1 to 64", jobs)
	}
	ctx := cmd.Context()
	if !slices.ContainsFunc(inputs, func(in input) bool { return in.err == nil }) {
		return work(ctx, &connection{})
	}
	conn, err := connect.open(ctx, cmd, c, parts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if err := conn.reach(ctx); err != nil {
		return err
	}
	return work(ctx, conn)
}
