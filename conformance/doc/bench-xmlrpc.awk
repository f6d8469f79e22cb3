# Reads the rows of BenchmarkXMLRPC, prints a line for each that has a target, and writes
# the table.
/^BenchmarkXMLRPC\// {
	name = $1
	sub(/^BenchmarkXMLRPC\//, "", name)
	sub(/-[0-9]+$/, "", name)
	split($4, unit, ":")
	if (unit[2] == "info") {
		info[++infos] = sprintf("| %s | %s |", name, $3)
		next
	}
	met = "met"
	if (unit[2] == "<=" && $3 > unit[3] + 0) met = "missed"
	if (unit[2] == ">=" && $3 < unit[3] + 0) met = "missed"
	printf "bench %s %s %s target %s %s %s\n", name, $3, unit[1], unit[2], unit[3], met
	row[++rows] = sprintf("| %s | %s %s | %s %s | %s |", name, $3, unit[1], unit[2], unit[3], met)
}
/FAIL|panic:/ { failed = 1 }
failed { print }
END {
	if (failed || rows == 0) exit 1
	print "# XML-RPC: what it costs" > table
	print "" > table
	print "Written by `make bench-xmlrpc`. What is compared takes turns in one run, and the fastest turn of" > table
	print "each counts, because machines are noisy. A signed call is a ticket request with a dozen" > table
	print "properties, under P-256; made, served and answered is both sides of it on one core, without" > table
	print "the network. The memory is that of heap and stacks of the whole process while a thousand" > table
	print "clients hold 2 KB each, or would like to hold 1 MB each." > table
	print "" > table
	print "| what | value | target | |" > table
	print "|---|---|---|---|" > table
	for (i = 1; i <= rows; i++) print row[i] > table
	print "" > table
	print "| what, with a document of 400 KB | MB/s |" > table
	print "|---|---|" > table
	for (i = 1; i <= infos; i++) print info[i] > table
}
