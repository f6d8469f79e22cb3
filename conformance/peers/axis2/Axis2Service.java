import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import javax.xml.namespace.QName;
import org.apache.axiom.om.OMAbstractFactory;
import org.apache.axis2.databinding.ADBBean;
import orca.shirako.proxies.soapaxis2.services.*;
import peer.stub.AuthorityServiceSkeletonInterface;

/**
 * The service behind the generated skeleton: it keeps what it is given and answers.
 * Axis2 refuses classes that are final.
 */
public class Axis2Service implements AuthorityServiceSkeletonInterface {
    private static final List<String> RECEIVED = new ArrayList<>();

    /** received is what has arrived since it was last asked, as the generated beans write it. */
    static synchronized List<String> received() {
        List<String> all = new ArrayList<>(RECEIVED);
        RECEIVED.clear();
        return all;
    }

    private static synchronized <T> T keep(ADBBean message, QName name, T answer) {
        try {
            StringWriter out = new StringWriter();
            message.getOMElement(name, OMAbstractFactory.getOMFactory()).serializeAndConsume(out);
            RECEIVED.add(out.toString());
        } catch (javax.xml.stream.XMLStreamException why) {
            throw new IllegalStateException(why);
        }
        return answer;
    }

    @Override
    public ClaimResponse claim(Claim m) {
        return keep(m, Claim.MY_QNAME, new ClaimResponse());
    }

    @Override
    public TicketResponse ticket(Ticket m) {
        return keep(m, Ticket.MY_QNAME, new TicketResponse());
    }

    @Override
    public ExtendTicketResponse extendTicket(ExtendTicket m) {
        return keep(m, ExtendTicket.MY_QNAME, new ExtendTicketResponse());
    }

    @Override
    public RelinquishResponse relinquish(Relinquish m) {
        return keep(m, Relinquish.MY_QNAME, new RelinquishResponse());
    }

    @Override
    public RedeemResponse redeem(Redeem m) {
        return keep(m, Redeem.MY_QNAME, new RedeemResponse());
    }

    @Override
    public ExtendLeaseResponse extendLease(ExtendLease m) {
        return keep(m, ExtendLease.MY_QNAME, new ExtendLeaseResponse());
    }

    @Override
    public ModifyLeaseResponse modifyLease(ModifyLease m) {
        return keep(m, ModifyLease.MY_QNAME, new ModifyLeaseResponse());
    }

    @Override
    public CloseResponse close(Close m) {
        return keep(m, Close.MY_QNAME, new CloseResponse());
    }

    @Override
    public UpdateTicketResponse updateTicket(UpdateTicket m) {
        return keep(m, UpdateTicket.MY_QNAME, new UpdateTicketResponse());
    }

    @Override
    public UpdateLeaseResponse updateLease(UpdateLease m) {
        return keep(m, UpdateLease.MY_QNAME, new UpdateLeaseResponse());
    }

    @Override
    public QueryResponse query(Query m) {
        return keep(m, Query.MY_QNAME, new QueryResponse());
    }

    @Override
    public QueryResultResponse queryResult(QueryResult m) {
        return keep(m, QueryResult.MY_QNAME, new QueryResultResponse());
    }

    @Override
    public FailedRPCResponse failedRPC(FailedRPC m) {
        return keep(m, FailedRPC.MY_QNAME, new FailedRPCResponse());
    }
}
