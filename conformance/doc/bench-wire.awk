# Reads the rows of BenchmarkWire, prints a line for each and writes the table.
BEGIN {
	print "# The signed wire: what it costs" > table
	print "" > table
	print "Written by `make bench-wire`. Ratios compare operations that take turns in one run;" > table
	print "the fastest turn of each counts." > table
	print "" > table
	print "| what | value | target | |" > table
	print "|---|---|---|---|" > table
}
/^BenchmarkWire\// {
	name = $1
	sub(/^BenchmarkWire\//, "", name)
	sub(/-[0-9]+$/, "", name)
	value = $3
	split($4, unit, ":")
	met = "met"
	if (unit[2] == "<=" && value > unit[3] + 0) met = "missed"
	if (unit[2] == "<" && value >= unit[3] + 0) met = "missed"
	if (unit[2] == ">=" && value < unit[3] + 0) met = "missed"
	if (unit[2] == "info") {
		printf "| %s | %s %s | none: for comparison | |\n", name, value, unit[1] > table
	} else {
		printf "bench %s %s %s target %s %s %s\n", name, value, unit[1], unit[2], unit[3], met
		printf "| %s | %s %s | %s %s | %s |\n", name, value, unit[1], unit[2], unit[3], met > table
	}
}
/FAIL/ { print; failed = 1 }
END { exit failed }
