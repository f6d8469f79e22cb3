/*
Package setup starts the real daemons that tests hold Leasehold against, each in a
folder and on a loopback port of its own, without privileges, and stops them when
the test ends.

A daemon that is not installed fails the test and names install.sh, the script
beside this package that installs it. It is never a reason to skip: a test that
did not run has found nothing out.

# What is not here

Nothing here configures a site; each daemon gets the least it needs to be itself.
*/
package setup
