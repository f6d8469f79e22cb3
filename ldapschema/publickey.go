package ldapschema

// The schema that is commonly called openssh-lpk: public keys beside the accounts they
// log in to, which sshd asks for by its AuthorizedKeysCommand.

// publicKeyAttributes hold the keys.
var publicKeyAttributes = []Attribute{
	{OID: "1.3.6.1.4.1.24552.500.1.1.1.13", Name: "sshPublicKey", Desc: "public key that logs in, as a line of authorized_keys", Equality: OctetStringMatch, Syntax: OctetString, MaxLen: 16384, Form: LineForm},
}

// publicKeyClasses goes with an account.
var publicKeyClasses = []Class{
	{OID: "1.3.6.1.4.1.24552.500.1.1.2.0", Name: "ldapPublicKey", Desc: "an account with public keys", Sup: "top", Kind: Auxiliary,
		May: []string{"sshPublicKey", "uid"}},
}
