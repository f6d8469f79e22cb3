# A client and a server of XML-RPC on XMLRPC::Lite, which guesses types: lite.pl client URL | server
use strict;
use warnings;
use XMLRPC::Lite;
use XMLRPC::Transport::HTTP;

package peer;
sub echo  { $_[1] }
sub fault { die SOAP::Fault->faultcode(42)->faultstring('on purpose') }

package main;
$| = 1;
if ( $ARGV[0] eq 'client' ) {
    my $c = XMLRPC::Lite->proxy( $ARGV[1] );
    my $types = $c->call('test.types')->result;
    utf8::encode( $types->{u} ); # a wide string cannot be sent
    printf "same %d\n", $c->call( 'test.same', $types )->result;
    $c->call( 'test.note', 'zeros', '007' );
    $c->call( 'test.note', 'latin', "caf\x{e9}" );
    $c->call( 'test.note', 'long',  3000000000 );
    $c->call( 'test.note', 'nil',   undef );
    for my $m (qw(fault none)) {
        my $r = $c->call("test.$m");
        printf "%s %d %s\n", $m, $r->faultcode, $r->faultstring if $r->fault;
    }
    printf "methods %s\n", ( grep { $_ eq 'test.types' } @{ $c->call('system.listMethods')->result } ) ? 'True' : 'False';
}
else {
    my $s = XMLRPC::Transport::HTTP::Daemon->new( LocalAddr => '127.0.0.1', LocalPort => 0 )->dispatch_to('peer');
    printf "ready %sRPC2\n", $s->url;
    $s->handle;
}
