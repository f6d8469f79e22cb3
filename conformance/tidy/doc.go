/*
Package tidy holds tests that read this repository, so that go test ./... also
says whether the map in the README is still true.

It checks, each in a file of its own:

  - who imports whom, against one readable text (imports_test.go)
  - that the pure packages use no clock, chance, I/O, logging or goroutine
    (purity_test.go)
  - that every package has one package comment and every exported name a
    sentence (docs_test.go)
  - that commands, options and paths in the documents exist (readme_test.go)
  - that no file lies unused in a testdata folder and every script is
    executable and called (leftovers_test.go)
  - length of files, words of unfinished work, formatting (words_test.go)
  - that continuous integration runs make test, and that what starts goroutines
    is tested under the race detector (ci_test.go)

Every check is a function from a repository to findings. TestRepository runs them
all on this one and prints all findings at once; beside each check stands a test
that shows it bite, on a small repository made up for the purpose.

# What is not here

Nothing here looks at behaviour, and no other package may import this one: it has
no code outside its tests.
*/
package tidy
