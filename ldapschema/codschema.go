package ldapschema

// Our superset of RFC 2307: auxiliary classes only, so that an entry stays what every
// other tool takes it for. The numbers lie below 2.25.<n>, n being the UUID
// 41c152db-6134-4854-a969-1a4763ba81c0 as an integer: an arc that is ours without
// registration (ITU-T X.667). A number, once used, keeps its meaning for ever.

// codAttributes are below the arc .1.
var codAttributes = []Attribute{
	{OID: "2.25.87403613558355095199329559718821265856.1.1", Name: "codSlice", Desc: "slice that owns the entry", Equality: CaseIgnoreMatch, Syntax: DirectoryString, MaxLen: 128, Single: true, Substr: true},
	{OID: "2.25.87403613558355095199329559718821265856.1.2", Name: "codNodeId", Desc: "number of the node, unique in its slice", Equality: IntegerMatch, Syntax: Integer, Single: true, Ordered: true},
	{OID: "2.25.87403613558355095199329559718821265856.1.3", Name: "codLease", Desc: "reservation that leases the resource", Equality: CaseExactMatch, Syntax: DirectoryString, MaxLen: 128, Single: true},
	{OID: "2.25.87403613558355095199329559718821265856.1.4", Name: "codLeaseEnd", Desc: "end of the lease", Equality: GeneralizedTimeMatch, Syntax: GeneralizedTime, Single: true, Ordered: true},
	{OID: "2.25.87403613558355095199329559718821265856.1.5", Name: "codState", Desc: "state of the cluster or node", Equality: CaseIgnoreMatch, Syntax: DirectoryString, MaxLen: 64, Single: true},
	{OID: "2.25.87403613558355095199329559718821265856.1.6", Name: "codImage", Desc: "image the node boots", Equality: CaseExactMatch, Syntax: DirectoryString, MaxLen: 256, Single: true},
	{OID: "2.25.87403613558355095199329559718821265856.1.7", Name: "codHostPrefix", Desc: "prefix of the host names of a slice", Equality: CaseIgnoreIA5Match, Syntax: IA5String, MaxLen: 64, Single: true},
	{OID: "2.25.87403613558355095199329559718821265856.1.8", Name: "codGeneration", Desc: "generation of the last writer, for fencing and to notice overrides", Equality: IntegerMatch, Syntax: Integer, Single: true, Ordered: true},
	{OID: "2.25.87403613558355095199329559718821265856.1.9", Name: "codDom0", Desc: "entry of the machine that hosts the node", Equality: DistinguishedNameMatch, Syntax: DNSyntax, Single: true},
	{OID: "2.25.87403613558355095199329559718821265856.1.10", Name: "codOwner", Desc: "actor that wrote the entry", Equality: CaseExactMatch, Syntax: DirectoryString, MaxLen: 128, Single: true},
	{OID: "2.25.87403613558355095199329559718821265856.1.11", Name: "codHealth", Desc: "health of the machine: good, suspect, quarantined or retired", Equality: CaseIgnoreMatch, Syntax: DirectoryString, MaxLen: 32, Single: true},
	{OID: "2.25.87403613558355095199329559718821265856.1.12", Name: "codNote", Desc: "why the entry is as it is, for people", Equality: CaseIgnoreMatch, Syntax: DirectoryString, MaxLen: 1024, Single: true, Substr: true},
	{OID: "2.25.87403613558355095199329559718821265856.1.13", Name: "codMemory", Desc: "memory in mebibytes", Equality: IntegerMatch, Syntax: Integer, Single: true, Ordered: true},
	{OID: "2.25.87403613558355095199329559718821265856.1.14", Name: "codCpu", Desc: "processor share in hundredths of one core", Equality: IntegerMatch, Syntax: Integer, Single: true, Ordered: true},
	{OID: "2.25.87403613558355095199329559718821265856.1.15", Name: "codBandwidth", Desc: "network share in kilobits per second", Equality: IntegerMatch, Syntax: Integer, Single: true, Ordered: true},
	{OID: "2.25.87403613558355095199329559718821265856.1.16", Name: "codResourceType", Desc: "type of resource the machine is leased as", Equality: CaseIgnoreMatch, Syntax: DirectoryString, MaxLen: 128, Single: true},
	{OID: "2.25.87403613558355095199329559718821265856.1.17", Name: "codUnit", Desc: "unit of the leasing authority", Equality: CaseExactMatch, Syntax: DirectoryString, MaxLen: 128, Single: true},
	{OID: "2.25.87403613558355095199329559718821265856.1.18", Name: "codBoot", Desc: "what the machine boots: image, local or rescue; by its state when absent", Equality: CaseIgnoreMatch, Syntax: DirectoryString, MaxLen: 16, Single: true},
	{OID: "2.25.87403613558355095199329559718821265856.1.19", Name: "codKernel", Desc: "file of a kernel below the boot server's root", Equality: CaseExactMatch, Syntax: DirectoryString, MaxLen: 256, Single: true},
	{OID: "2.25.87403613558355095199329559718821265856.1.20", Name: "codInitrd", Desc: "file of an initial file system below the boot server's root", Equality: CaseExactMatch, Syntax: DirectoryString, MaxLen: 256, Single: true},
	{OID: "2.25.87403613558355095199329559718821265856.1.21", Name: "codKernelOptions", Desc: "what the kernel is told", Equality: CaseExactMatch, Syntax: DirectoryString, MaxLen: 1024, Single: true},
	{OID: "2.25.87403613558355095199329559718821265856.1.22", Name: "codBootUp", Desc: "what nodes of the image boot while they are in service: image, or local when absent", Equality: CaseIgnoreMatch, Syntax: DirectoryString, MaxLen: 16, Single: true},
	{OID: "2.25.87403613558355095199329559718821265856.1.23", Name: "codHold", Desc: "who holds the machine back and why: while it is there the authority neither assigns it nor works on it", Equality: CaseIgnoreMatch, Syntax: DirectoryString, MaxLen: 256, Single: true, Substr: true},
	{OID: "2.25.87403613558355095199329559718821265856.1.24", Name: "codProperty", Desc: "a fact about the machine for drivers, as name=value", Equality: CaseExactMatch, Syntax: DirectoryString, MaxLen: 1024, Form: LineForm},
	{OID: "2.25.87403613558355095199329559718821265856.1.25", Name: "codImageSource", Desc: "where the image's contents are: a file, volume or URL", Equality: CaseExactMatch, Syntax: DirectoryString, MaxLen: 1024, Single: true, Form: LineForm},
	{OID: "2.25.87403613558355095199329559718821265856.1.26", Name: "codImageFormat", Desc: "form of the contents: raw, qcow2, tar or volume", Equality: CaseIgnoreMatch, Syntax: DirectoryString, MaxLen: 16, Single: true},
	{OID: "2.25.87403613558355095199329559718821265856.1.27", Name: "codImageSize", Desc: "octets of the contents", Equality: IntegerMatch, Syntax: Integer, Single: true, Ordered: true},
	{OID: "2.25.87403613558355095199329559718821265856.1.28", Name: "codImageDigest", Desc: "digest of the contents, as sha256:hexadecimal", Equality: CaseIgnoreMatch, Syntax: DirectoryString, MaxLen: 160, Single: true},
	{OID: "2.25.87403613558355095199329559718821265856.1.40", Name: "codServer", Desc: "file server, as nodes know it", Equality: CaseIgnoreMatch, Syntax: DirectoryString, MaxLen: 256, Single: true, Form: LineForm},
	{OID: "2.25.87403613558355095199329559718821265856.1.41", Name: "codPath", Desc: "folder of the file server", Equality: CaseExactMatch, Syntax: DirectoryString, MaxLen: 1024, Single: true, Form: LineForm},
	{OID: "2.25.87403613558355095199329559718821265856.1.42", Name: "codHomes", Desc: "TRUE when every account of the cluster has a folder in it", Equality: BooleanMatch, Syntax: Boolean, Single: true},
	{OID: "2.25.87403613558355095199329559718821265856.1.60", Name: "codOrigin", Desc: "unit that the node was made for, where a later lease has taken it up", Equality: CaseExactMatch, Syntax: DirectoryString, MaxLen: 256, Single: true},
	{OID: "2.25.87403613558355095199329559718821265856.1.70", Name: "codWriter", Desc: "which of its owner's processes wrote the entry last, counted from 1: a later one fences the earlier off", Equality: IntegerMatch, Syntax: Integer, Single: true, Ordered: true},
	{OID: "2.25.87403613558355095199329559718821265856.1.71", Name: "codDigest", Desc: "digest of the entry as its owner wrote it, by which edits of others are known", Equality: CaseExactIA5Match, Syntax: IA5String, MaxLen: 64, Single: true},
	{OID: "2.25.87403613558355095199329559718821265856.1.61", Name: "codHostKey", Desc: "public host key that the node shows, as a line of known_hosts without names", Equality: CaseExactMatch, Syntax: DirectoryString, MaxLen: 1024, Single: true, Form: LineForm},
	{OID: "2.25.87403613558355095199329559718821265856.1.80", Name: "codPublicAddress", Desc: "address by which the node is reached from outside the site", Equality: CaseIgnoreIA5Match, Syntax: IA5String, MaxLen: 64, Single: true, Form: IPForm},
}

// codClasses are below the arc .2.
var codClasses = []Class{
	{OID: "2.25.87403613558355095199329559718821265856.2.1", Name: "codVirtualCluster", Desc: "one slice: a cluster of its own", Sup: "top", Kind: Auxiliary,
		Must: []string{"codSlice"},
		May:  []string{"codHostPrefix", "ipNetworkNumber", "ipNetmaskNumber", "codState", "codGeneration", "codOwner", "codNote", "codHold", "codWriter", "codDigest", "description"}},
	{OID: "2.25.87403613558355095199329559718821265856.2.2", Name: "codNode", Desc: "one node, beside device, ipHost, ieee802Device and bootableDevice", Sup: "top", Kind: Auxiliary,
		May: []string{"codSlice", "codNodeId", "codLease", "codLeaseEnd", "codState", "codImage", "codGeneration", "codDom0", "codOwner", "codHealth", "codNote", "codMemory", "codCpu", "codBandwidth", "codResourceType", "codUnit", "codBoot", "codPublicAddress", "codHold", "codOrigin", "codHostKey", "codWriter", "codDigest"}},
	{OID: "2.25.87403613558355095199329559718821265856.2.3", Name: "codManaged", Desc: "any entry that the authority writes and may remove", Sup: "top", Kind: Auxiliary,
		May: []string{"codSlice", "codLease", "codUnit", "codGeneration", "codOwner", "codNote", "codWriter", "codDigest"}},
	{OID: "2.25.87403613558355095199329559718821265856.2.4", Name: "codBootImage", Desc: "an image that machines boot, beside device", Sup: "top", Kind: Auxiliary,
		May: []string{"codKernel", "codInitrd", "codKernelOptions", "codBootUp", "codImageSource", "codImageFormat", "codImageSize", "codImageDigest", "codNote", "description"}},
	{OID: "2.25.87403613558355095199329559718821265856.2.5", Name: "codHost", Desc: "a machine of the site's inventory, beside device and ieee802Device", Sup: "top", Kind: Auxiliary,
		Must: []string{"codResourceType"},
		May:  []string{"codHealth", "codHold", "codNote", "codMemory", "codCpu", "codBandwidth", "codProperty", "description"}},
	{OID: "2.25.87403613558355095199329559718821265856.2.10", Name: "codExport", Desc: "a folder that a file server lets a network mount, beside device", Sup: "top", Kind: Auxiliary,
		Must: []string{"codPath"},
		May:  []string{"codServer", "codHomes", "ipNetworkNumber", "ipNetmaskNumber", "codNote", "description"}},
}
