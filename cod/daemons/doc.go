/*
Package daemons writes configurations of the daemons of one site: those that hold or
read its directory. They are samples to start from, complete enough to run: whoever
keeps the site owns them from then on, and nothing here reads them back.

Each daemon binds to the directory as an entry of its own below ou=daemons, and is
given there what it needs: see [Access]. Nodes bind as their cluster's reader
([cod.ReaderName]) and see their cluster alone.

What is not here: files, passwords, and starting anything.
*/
package daemons
