"""The command `fedtop`: one module per family of commands, loaded when the command is called."""
