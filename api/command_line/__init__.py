"""The command line `profilelog`: one file per group of commands, put together in `subcommands`."""
