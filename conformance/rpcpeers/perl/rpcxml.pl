# A client and a server of XML-RPC on RPC::XML: rpcxml.pl client URL | server
use strict;
use warnings;
use RPC::XML;
use RPC::XML::Client;
use RPC::XML::Server;

$| = 1;
$RPC::XML::ENCODING = 'utf-8'; # else us-ascii, which cannot carry all
if ( $ARGV[0] eq 'client' ) {
    my $c = RPC::XML::Client->new( $ARGV[1] );
    my $types = $c->send_request('test.types');
    printf "same %d\n", $c->send_request( 'test.same', $types )->value;
    $c->send_request( 'test.note', 'zeros', '007' );
    $c->send_request( 'test.note', 'long',  3000000000 );
    { local $RPC::XML::ALLOW_NIL = 1; $c->send_request( 'test.note', 'nil', RPC::XML::nil->new ); }
    $c->send_request( 'test.note', 'date', RPC::XML::datetime_iso8601->new('20200102T03:04:05Z') );
    for my $m (qw(fault none)) {
        my $r = $c->send_request("test.$m");
        printf "%s %d %s\n", $m, $r->code, $r->string if ref $r && $r->is_fault;
    }
    my $list = $c->send_request('system.listMethods')->value;
    printf "methods %s\n", ( grep { $_ eq 'test.types' } @$list ) ? 'True' : 'False';
}
else {
    my $s = RPC::XML::Server->new( host => '127.0.0.1', port => 0, no_default => 1 );
    die $s unless ref $s;
    $s->add_procedure( { name => 'peer.echo', signature => [ map {"$_ $_"} qw(string int i8 boolean double base64 array struct) ], code => sub { $_[0] } } );
    $s->add_procedure( { name => 'peer.fault', signature => ['string'], code => sub { RPC::XML::fault->new( 42, 'on purpose' ) } } );
    printf "ready http://127.0.0.1:%d/RPC2\n", $s->port;
    $s->server_loop;
}
