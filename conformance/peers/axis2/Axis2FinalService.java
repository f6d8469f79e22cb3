/** What Axis2 does not take: a service whose class is final. */
public final class Axis2FinalService extends Axis2Service {
}
