# Reads the rows of both BenchmarkWire, prints a line for each that has a target, and
# writes the table and what explains it.
/^BenchmarkWire\// {
	name = $1
	sub(/^BenchmarkWire\//, "", name)
	sub(/-[0-9]+$/, "", name)
	split($4, unit, ":")
	value[name] = $3
	if (unit[2] == "info") {
		info[++infos] = name
		next
	}
	met = "met"
	if (unit[2] == "<=" && $3 > unit[3] + 0) met = "missed"
	if (unit[2] == "<" && $3 >= unit[3] + 0) met = "missed"
	if (unit[2] == ">=" && $3 < unit[3] + 0) met = "missed"
	printf "bench %s %s %s target %s %s %s\n", name, $3, unit[1], unit[2], unit[3], met
	row[++rows] = sprintf("| %s | %s %s | %s %s | %s |", name, $3, unit[1], unit[2], unit[3], met)
}
/FAIL|panic:/ { failed = 1 }
failed { print }
END {
	if (failed || rows == 0) exit 1
	print "# The signed wire: what it costs" > table
	print "" > table
	print "Written by `make bench-wire`. What is compared takes turns in one run, and the fastest turn" > table
	print "of each counts, because machines are noisy. WSS4J 1.6.19 runs beside us, warm, and opens" > table
	print "the same octets." > table
	print "" > table
	print "| what | value | target | |" > table
	print "|---|---|---|---|" > table
	for (i = 1; i <= rows; i++) print row[i] > table
	print "" > table
	print "## What bounds what" > table
	print "" > table
	print "The parts, each by itself, in the same run:" > table
	print "" > table
	print "| what | us |" > table
	print "|---|---|" > table
	for (i = 1; i <= infos; i++) printf "| %s | %s |\n", info[i], value[info[i]] > table
	print "" > table
	rsa = value["RSA-2048_verification"]
	java = value["RSA-2048_verification_in_Java"]
	theirs = value["scan_and_verify_3KB_RSA-2048_sha256_in_WSS4J"]
	here = value["scan_and_verify_3KB_RSA-2048_sha256_here"]
	sum = value["SHA-256_3KB"]
	printf "- **3 KB against WSS4J** is missed, and is bound by RSA. A third of the time of WSS4J is %.1f us, with\n", theirs / 3 > table
	printf "  SHA-256. Of these the bare verification by crypto/rsa takes %.1f and the digest of the Body %.1f:\n", rsa, sum > table
	printf "  %.1f us would be left for scanning 6 KB, the canonical form and every check, which take %.1f.\n", theirs / 3 - rsa - sum, here - rsa - sum > table
	printf "  Java verifies RSA in %.1f us; without RSA on either side we are %.1f times as fast. A third of\n", java, (theirs - java) / (here - rsa) > table
	print "  the time of crypto/rsa goes into preparing the modulus, for each message anew. With a modulus" > table
	print "  prepared once per pin, by a public copy of the same arithmetic, the row came to 2.7: still" > table
	print "  missed, and not worth an RSA verification of our own." > table
	whole = value["scan_and_verify_52KB"]
	printf "- **52 KB**: of %.0f us, %.0f are scanning, %.0f RSA, and %.0f SHA-1 with detection.\n", whole, value["scan_52KB"], rsa, value["SHA-1_with_detection_52KB"] > table
	printf "- **Collision detection** (A14) is part of every row with SHA-1. It costs %.1f us at 3 KB and %.0f us\n", value["SHA-1_with_detection_3KB"] - value["SHA-1_3KB"], value["SHA-1_with_detection_52KB"] - value["SHA-1_52KB"] > table
	print "  at 52 KB; peers that sign with SHA-256 do not pay it." > table
	strong = 2 * (value["P-256_signature"] + value["P-256_verification"])
	weak = 2 * (value["RSA-2048_signature"] + rsa)
	printf "- **Strict against legacy**: the two signatures and two verifications of a round trip, bare, differ by\n" > table
	printf "  %.1f. Beside them the strict side may spend %.0f us for the row to be met. Of that the digests of\n", weak / strong, weak / 8 - strong > table
	print "  what is signed, made and checked at both ends, take about 16." > table
}
