/*
Package site tells the story of a site with the daemons that sites have: it starts
them in network namespaces of its own, lets the shipping code write the directory,
and asks as a node or a guest would. What a daemon does with what we write is
proved here and nowhere else.

story_test.go is all of it together and the place to begin; each of the other files is
one daemon. It has no code but tests.
*/
package site
