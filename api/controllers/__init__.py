"""The routes, one file per resource. Thin: parameters in, a command, an answer out."""
