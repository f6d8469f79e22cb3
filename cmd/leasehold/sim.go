package main

import "github.com/spf13/cobra"

func (a *app) simCommand() *cobra.Command { return &cobra.Command{Use: "sim"} }
